from __future__ import annotations

from odoo import api, models

from odoo.addons.crm_customer.selfcheck import SelfCheck


class CrmSelfcheck(models.Model):
    _inherit = 'crm.selfcheck'

    @api.model
    def _get_checks(self):
        return [
            *super()._get_checks(),
            SelfCheck(
                code='loyalty.balance',
                name=self.env._("Points equal the sum of the ledger"),
                method='_check_loyalty_balance',
            ),
            SelfCheck(
                code='loyalty.allocation',
                name=self.env._("Redeemed points are allocated to what was earned"),
                method='_check_loyalty_allocation',
            ),
            SelfCheck(
                code='loyalty.tier',
                name=self.env._("Tiers follow from the ledger"),
                method='_check_loyalty_tier',
            ),
            SelfCheck(
                code='loyalty.card',
                name=self.env._("Members have one card per program"),
                method='_check_loyalty_card',
            ),
        ]

    @api.model
    def _check_loyalty_balance(self) -> tuple[bool, str, int]:
        """Compare the balance of every managed card with its ledger rows."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT count(*), min(code)
              FROM (SELECT card.code
                      FROM loyalty_card card
                 LEFT JOIN loyalty_history history ON history.card_id = card.id
                     WHERE card.is_member
                  GROUP BY card.id
                    HAVING round(COALESCE(card.points, 0)::numeric, 2)
                           <> COALESCE(sum(qty) FILTER (WHERE unfolded IS NOT TRUE), 0)
                        OR COALESCE(sum(qty) FILTER (WHERE unfolded IS NOT TRUE), 0)
                           <> COALESCE(sum(remaining), 0)
                        OR bool_or(history.id IS NOT NULL AND unfolded IS NOT TRUE
                                   AND remaining IS NULL)) wrong
            """
        )
        count, code = self.env.cr.fetchone()
        if not count:
            return True, self.env._("All balances agree."), 0
        message = self.env._(
            "%(count)s cards differ from their ledger, as %(code)s.", count=count, code=code
        )
        return False, message, count

    @api.model
    def _check_loyalty_allocation(self) -> tuple[bool, str, int]:
        """Compare what remains of every row with what was allocated to it, or taken from it."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT count(*), min(row.id)
              FROM loyalty_history row
              JOIN loyalty_card card ON card.id = row.card_id AND card.is_member
         LEFT JOIN (SELECT award_id AS id, -sum(qty) AS qty
                      FROM loyalty_allocation GROUP BY award_id
                     UNION ALL
                    SELECT consumer_id, sum(qty)
                      FROM loyalty_allocation GROUP BY consumer_id) moved ON moved.id = row.id
             WHERE row.remaining IS NOT NULL
               AND row.qty + COALESCE(moved.qty, 0) <> row.remaining
            """
        )
        count, row_id = self.env.cr.fetchone()
        if not count:
            return True, self.env._("All points are allocated."), 0
        message = self.env._(
            "%(count)s rows do not say what remains of them, as number %(row)s.",
            count=count,
            row=row_id,
        )
        return False, message, count

    @api.model
    def _check_loyalty_tier(self) -> tuple[bool, str, int]:
        """Decide on all tiers again and compare with what is stored."""
        programs = self.env['loyalty.program'].sudo()
        programs = programs.search(programs._get_evaluated_domain())
        # yesterday's downgrades are done by a job that may run after this check
        count = self.env['loyalty.tier.evaluation']._count_pending(programs, grace=1)
        if not count:
            return True, self.env._("All tiers agree."), 0
        message = self.env._("%(count)s members should have another tier.", count=count)
        return False, message, count

    @api.model
    def _check_loyalty_card(self) -> tuple[bool, str, int]:
        """Find members with two active cards of one managed program."""
        groups = (
            self.env['loyalty.card']
            .sudo()
            ._read_group(
                [('program_id.managed', '=', True), ('partner_id', '!=', False)],
                ['partner_id', 'program_id'],
                having=[('__count', '>', 1)],
            )
        )
        if not groups:
            return True, self.env._("Nobody has two cards of one program."), 0
        message = self.env._(
            "%(count)s members have more than one active card of a program: %(members)s.",
            count=len(groups),
            members=[partner.display_name for partner, _program in groups[:10]],
        )
        return False, message, len(groups)
