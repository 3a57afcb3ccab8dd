from __future__ import annotations

from odoo import api, models

from odoo.addons.crm_loyalty.ledger import to_points

from ..models.pos_order import AT_TILL

#: of numbers with two decimals that a till added up
NOISE = 0.005


class PosOrder(models.Model):
    """The two calls by which tills of Odoo 19.0 check and claim points."""

    _inherit = 'pos.order'

    def action_pos_order_paid(self):
        res = super().action_pos_order_paid()
        self._settle_points()
        return res

    def action_pos_order_cancel(self):
        res = super().action_pos_order_cancel()
        self.filtered(lambda order: order.state == 'cancel')._release_holds()
        return res

    @api.model
    def sync_from_ui(self, orders):
        self._lock_members(orders)
        if not self.env.su:
            # pages for self-ordering send with all rights
            self = self.with_context(loyalty_at_till=AT_TILL)
        return super().sync_from_ui(orders)

    @api.model
    def _lock_members(self, orders: list[dict]) -> None:
        """Lock the cards of a batch in one order, so that two tills never wait for each other.

        :param orders: as the till sends them
        """
        partner_ids = {order.get('partner_id') for order in orders} - {None, False}
        if len(partner_ids) > 1:
            domain = [('partner_id', 'in', list(partner_ids)), ('is_member', '=', True)]
            self.env['loyalty.card'].sudo().search(domain)._lock()

    @api.model
    def remove_from_ui(self, server_ids):
        orders = self.browse(server_ids).exists().filtered(lambda order: order.state == 'draft')
        orders._release_holds()
        return super().remove_from_ui(server_ids)

    # ------------------------------------------------------------
    # CHECK
    # ------------------------------------------------------------

    def validate_coupon_programs(self, point_changes, new_codes):
        changes = {int(card_id): points for card_id, points in point_changes.items()}
        cards = self.env['loyalty.card'].browse(changes).exists()
        members = cards.filtered(lambda card: card.is_member and card.program_id.active)
        # a debt is no reason to refuse an order that redeems nothing
        short = members.filtered(
            lambda card: (
                changes[card.id] < 0 and to_points(card.points) < -to_points(changes[card.id])
            )
        )
        if short:
            return {
                'successful': False,
                'payload': {
                    'message': short[0]._get_too_few_message(
                        -to_points(changes[short[0].id]), max(to_points(short[0].points), 0)
                    ),
                    'updated_points': {card.id: card.points_free for card in members},
                },
            }
        others = {
            card_id: points for card_id, points in changes.items() if card_id not in members.ids
        }
        return super().validate_coupon_programs(others, new_codes)

    # ------------------------------------------------------------
    # CLAIM
    # ------------------------------------------------------------

    def confirm_coupon_programs(self, coupon_data):
        """Leave the programs with a ledger out: their points were posted with the order."""
        claims = {int(card_id): claim for card_id, claim in coupon_data.items()}
        programs = (
            self.env['loyalty.program']
            .sudo()
            .browse({claim['program_id'] for claim in claims.values()})
        )
        managed = programs.exists().filtered('managed')
        others = {
            card_id: claim
            for card_id, claim in claims.items()
            if claim['program_id'] not in managed.ids
        }
        result = super().confirm_coupon_programs(others)
        cards = {}
        for old_id, claim in claims.items():
            if claim['program_id'] in managed.ids:
                card = self._get_settled_card(managed.browse(claim['program_id']), old_id)
                if card:
                    cards[old_id] = card
        self._add_member_updates(result, cards)
        return result

    def _get_settled_card(self, program, claimed_id: int):
        """Return the card a till's card stands for: there is one of each member (sudo)."""
        card = self._get_member_card(program)
        if card or claimed_id < 0:
            return card
        claimed = self.env['loyalty.card'].sudo().browse(claimed_id).exists()
        return claimed.filtered(lambda card: card.program_id == program and not card.partner_id)

    def _add_member_updates(self, result: dict, cards: dict) -> None:
        """Tell the till what members have now.

        :param cards: by the id the till knows each by
        """
        result['coupon_updates'] += [
            {
                'old_id': old_id,
                'id': card.id,
                'points': card.points_free,
                'code': card.code,
                'program_id': card.program_id.id,
                'partner_id': card.partner_id.id,
            }
            for old_id, card in cards.items()
        ]
        members = self.env['loyalty.card'].sudo().union(*cards.values())
        result['program_updates'] += [
            {'program_id': program.id, 'usages': program.total_order_count}
            for program in members.program_id
        ]
        for card in members.filtered(lambda card: card.source_pos_order_id == self):
            plans = card.program_id.communication_plan_ids
            for report in plans.filtered(lambda plan: plan.trigger == 'create').pos_report_print_id:
                result['coupon_report'].setdefault(report.id, []).append(card.id)

    # ------------------------------------------------------------
    # GIFT CARDS AND EWALLETS
    # ------------------------------------------------------------

    def add_loyalty_history_lines(self, coupon_data, coupon_updates):
        """Enter what was won and what was spent, not their difference."""
        new_ids = {update['old_id']: int(update['id']) for update in coupon_updates}
        gross = []
        for claim in coupon_data:
            card_id = new_ids.get(int(claim['card_id'])) or int(claim['card_id'])
            lines = self.lines.filtered(lambda line, card_id=card_id: line.coupon_id.id == card_id)
            spent = sum(lines.mapped('points_cost'))
            won = claim['won'] - claim['spent'] + spent
            gross.append({**claim, 'won': won, 'spent': spent} if spent and won >= 0 else claim)
        return super().add_loyalty_history_lines(gross, coupon_updates)
