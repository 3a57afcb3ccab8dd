from odoo import api, fields, models

from .loyalty_program import MEMBER_READERS


class SaleOrder(models.Model):
    # what core 19 does with the points of an order stands in core19/sale_order.py
    _inherit = 'sale.order'  # pylint: disable=consider-merging-classes-inherited

    loyalty_tier_id = fields.Many2one(
        comodel_name='loyalty.tier',
        string="Tier",
        compute='_compute_loyalty_membership',
        compute_sudo=True,
        groups=MEMBER_READERS,
    )
    loyalty_tier_color = fields.Integer(
        compute='_compute_loyalty_membership', compute_sudo=True, groups=MEMBER_READERS
    )
    loyalty_tier_hint = fields.Char(
        string="To the Next Tier",
        compute='_compute_loyalty_membership',
        compute_sudo=True,
        groups=MEMBER_READERS,
    )

    @api.depends_context('lang')
    @api.depends('partner_id', 'company_id')
    def _compute_loyalty_membership(self):
        for company, orders in self.grouped('company_id').items():
            company = company or self.env.company
            cards = orders.partner_id._origin._get_loyalty_cards(company)
            for order in orders:
                card = cards.get(order.partner_id._origin) or self.env['loyalty.card']
                order.loyalty_tier_id = card.tier_id
                order.loyalty_tier_color = card.tier_id.color
                order.loyalty_tier_hint = card.tier_hint if card else ""
