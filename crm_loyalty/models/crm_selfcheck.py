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
                      JOIN loyalty_program program ON program.id = card.program_id
                 LEFT JOIN loyalty_history history ON history.card_id = card.id
                     WHERE program.managed
                  GROUP BY card.id
                    HAVING round(COALESCE(card.points, 0)::numeric, 2)
                           <> COALESCE(sum(history.qty), 0)) wrong
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
            members=", ".join(partner.display_name for partner, _program in groups[:10]),
        )
        return False, message, len(groups)
