from odoo import models


class SaleOrder(models.Model):
    """What of an order the rules of managed programs look at."""

    _inherit = 'sale.order'

    def _program_check_compute_points(self, programs):
        result = super()._program_check_compute_points(programs)
        for program, status in result.items():
            if program.managed and 'points' in status:
                earning = self._get_program_earning(program)
                # split points are for cards that are not those of a member
                status['points'] = [float(earning.points)]
        return result

    def _get_member_card(self, program):
        """Take the card that core noted with the order, if it is the customer's, for a search."""
        noted = self.sudo().applied_coupon_ids.filtered(
            lambda card: (
                card.program_id == program
                and card.partner_id == self.partner_id
                and card.is_member
                and card.active
            )
        )
        return noted[:1] or super()._get_member_card(program)

    def _get_earning_lines(self):
        lines = self._get_not_rewarded_order_lines() - self._get_no_effect_on_threshold_lines()
        return lines.filtered(lambda line: not line.combo_item_id and line.product_uom_qty > 0)

    def _get_threshold_lines(self):
        return super()._get_threshold_lines() - self._get_no_effect_on_threshold_lines()

    def _get_opened_rules(self):
        return self.code_enabled_rule_ids
