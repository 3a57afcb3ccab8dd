from __future__ import annotations

from odoo import models
from odoo.tools import SQL

from ..models.loyalty_card import DEFERRED


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _merge_loyalty_cards(self, src_partners, dst_partner):
        """Merge member cards without losing a point, a tier or an open quotation.

        Core adds the balances and archives what is left over, but its ledger, the quotations that
        will earn for an archived card and the tier stay behind.
        """
        Card = self.env['loyalty.card'].sudo()
        cards = Card.search([('partner_id', 'in', (src_partners | dst_partner).ids)])
        deferred = self.with_context(loyalty_ledger_deferred=DEFERRED)
        res = super(BasePartnerMergeAutomaticWizard, deferred)._merge_loyalty_cards(
            src_partners, dst_partner
        )
        for group in cards.filtered('is_managed').grouped('program_id').values():
            survivor = group.filtered(lambda c: c.active and c.partner_id == dst_partner)[:1]
            merged = group.filtered(lambda c: not c.active)
            if survivor and merged:
                self._complete_card_merge(survivor, merged)
        return res

    def _complete_card_merge(self, survivor, merged) -> None:
        """Let one card take over what hangs on the others.

        :param survivor: ``loyalty.card`` that core gave all points
        :param merged: cards that core emptied and archived
        """
        (survivor | merged)._settle_ledger('merge', 'merge', self.env._("Contacts merged"))
        # dated points earned on the old cards keep counting for the tier
        previous = survivor.with_context(active_test=False).search(
            [('merged_into_id', 'in', merged.ids)]
        )
        (merged | previous).merged_into_id = survivor
        self._repoint_orders(survivor, merged)
        self._keep_best_tier(survivor, merged)
        survivor._evaluate_tiers(allow_downgrade=False)

    def _repoint_orders(self, survivor, merged) -> None:
        """Let orders earn for, redeem from and cancel on the card that is left."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """UPDATE sale_order_coupon_points points SET coupon_id = %(survivor)s
                    WHERE coupon_id IN %(merged)s
                      AND NOT EXISTS (SELECT FROM sale_order_coupon_points other
                                       WHERE other.order_id = points.order_id
                                         AND other.coupon_id = %(survivor)s)""",
                survivor=survivor.id,
                merged=tuple(merged.ids),
            )
        )
        self.env['sale.order.coupon.points'].invalidate_model(['coupon_id'], flush=False)
        lines = self.env['sale.order.line'].sudo().search([('coupon_id', 'in', merged.ids)])
        lines.coupon_id = survivor
        orders = self.env['sale.order'].sudo().search([('applied_coupon_ids', 'in', merged.ids)])
        for order in orders:
            order.applied_coupon_ids = order.applied_coupon_ids - merged | survivor

    def _keep_best_tier(self, survivor, merged) -> None:
        """Give the survivor the highest tier of the merged cards, to the day it was kept until."""
        best = (merged | survivor).filtered('tier_id').sorted(lambda c: c.tier_id.min_value)[-1:]
        if not best or best.tier_id == survivor.tier_id:
            return
        window = survivor.program_id._get_tier_window()
        self.env['loyalty.tier.history'].sudo().create(
            {
                'card_id': survivor.id,
                'program_id': survivor.program_id.id,
                'date': window.day,
                'change': 'merge',
                'old_tier_id': survivor.tier_id.id,
                'new_tier_id': best.tier_id.id,
                'qualifying_value': best.qualifying_value,
                'threshold': best.tier_id.min_value,
                'window_start': window.first_day,
            }
        )
        survivor.write(
            {
                'tier_id': best.tier_id.id,
                'tier_since': best.tier_since,
                'tier_until': best.tier_until,
            }
        )
