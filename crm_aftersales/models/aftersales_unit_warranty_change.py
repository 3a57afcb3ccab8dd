from __future__ import annotations

from datetime import date, datetime

from odoo import fields, models

from ..warranty import get_last_day


class AftersalesUnit(models.Model):
    """What becomes of the warranty of a product that is handed over, repaired or replaced."""

    _inherit = 'aftersales.unit'

    date_in_service = fields.Date(
        string="In Service since",
        readonly=True,
        copy=False,
        help="Days in service make a warranty longer whose terms say so.",
    )

    def write(self, vals):
        entering = leaving = self.browse()
        if 'state' in vals:
            in_service = self.filtered(lambda unit: unit.state == 'in_service')
            is_service = vals['state'] == 'in_service'
            entering, leaving = (
                (self - in_service, leaving) if is_service else (entering, in_service)
            )
        result = super().write(vals)
        for unit in entering:
            unit.date_in_service = unit._get_customer_day()
        for unit in leaving.filtered('date_in_service'):
            # where another customer is, it may be the day before
            last = max(unit.date_in_service, unit._get_customer_day())
            unit._add_repair_time(unit.date_in_service, last)
            unit.date_in_service = False
        return result

    # ------------------------------------------------------------
    # HANDED OVER
    # ------------------------------------------------------------

    def _after_transfer_hook(self, former):
        """Let warranties end that were promised to the first owner alone."""
        res = super()._after_transfer_hook(former)
        unit = self.sudo()
        if former.commercial_partner_id not in unit.owner_ids.partner_id.commercial_partner_id:
            return res  # corrected: who had it by mistake was promised nothing
        lost = unit.warranty_ids.filtered(
            lambda warranty: warranty._is_alive() and not warranty.terms.get('transferable', True)
        )
        if lost:
            present = unit.owner_ids.filtered(lambda owner: not owner.date_to)
            reason = self.env._("Not transferable, and the product changed hands")
            lost._end(reason, 'transferred', present.date_from, ended_by='transfer')
        return res

    # ------------------------------------------------------------
    # REPAIRED
    # ------------------------------------------------------------

    def _add_repair_time(self, date_from: date, date_to: date) -> None:
        """Make warranties longer by the days the product was away, where their terms say so.

        :param date_from: day it was handed in
        :param date_to: day it was given back
        """
        self.ensure_one()
        days = (date_to - date_from).days
        granted = self.sudo().warranty_ids._get_unit_layers()
        running = granted.filtered(
            lambda warranty: (
                warranty.terms.get('repair_time') == 'extends'
                and warranty.date_start <= date_to
                and warranty.date_end >= date_from
            )
        )
        if days <= 0 or not running:
            return
        follows = granted.filtered(
            lambda warranty: warranty.start_event == 'chained' and warranty.date_start > date_to
        )
        running._extend(days, self.env._("Days in repair added: %(days)s", days=days))
        if running.filtered(lambda warranty: warranty.layer == 'base'):
            follows._postpone(days)

    def _grant_part_warranty(
        self, products, day: date | datetime | None = None, months: int | None = None, request=None
    ):
        """Grant a warranty on parts that were replaced in the product.

        :param products: the parts, ``product.product``
        :param day: of the repair, today when left out
        :param months: those of the part or of the warranty policy when left out
        :param request: the ``aftersales.request`` it was repaired for; each part once
        :return: the warranties granted, of parts with a period
        """
        self.ensure_one()
        self.sudo()._bump_version()
        day = self._get_customer_day(day)
        alive = self.sudo().warranty_ids.filtered(
            lambda warranty: warranty.layer == 'part' and warranty.state == 'active'
        )
        known = {(row.part_product_id.id, row.request_id.id, row.date_start) for row in alive}
        request_id = request.id if request else False
        vals_list = [
            self._prepare_part_warranty_vals(product, day, period, request_id)
            for product in products
            for period in [self._get_part_months(product) if months is None else months]
            if period and (product.id, request_id, day) not in known
        ]
        return self._grant_warranties(vals_list)

    def _get_part_months(self, product) -> int:
        """Return for how long a part is guaranteed that was put in."""
        policy = self._get_warranty_policy().sudo()
        return product._get_warranty_months(self.company_id) or policy.part_months

    def _prepare_part_warranty_vals(
        self, product, day: date, months: int, request_id: int | bool
    ) -> dict:
        terms = {**self.env['aftersales.warranty.policy']._prepare_terms(), 'policy_id': False}
        return self._prepare_warranty_vals(
            'part',
            day,
            months,
            terms,
            'repair',
            part_product_id=product.id,
            request_id=request_id,
        )

    def _grant_repair_extension(self, day: date | datetime | None = None, request=None):
        """Add the months a customer gets once for choosing repair over replacement.

        :param day: of the repair, today when left out; after the warranty there is nothing to add
        :return: the warranty granted now or before; empty when the terms give none
        """
        self.ensure_one()
        self.sudo()._bump_version()
        day = self._get_customer_day(day)
        granted = self.sudo().warranty_ids._get_unit_layers()
        before = granted.filtered(lambda warranty: warranty.start_event == 'repair')
        liable = granted.filtered(lambda warranty: warranty.layer in ('base', 'statutory'))
        months = max(
            (warranty.terms.get('repair_extension_months', 0) for warranty in liable), default=0
        )
        end = max(liable.mapped('date_end'), default=None)
        if before or not months or end < day:
            return before
        terms = {**liable[0].terms, 'policy_id': liable[0].policy_id.id}
        start = fields.Date.add(end, days=1)
        request_id = request.id if request else False
        vals = self._prepare_warranty_vals(
            'statutory', start, months, terms, 'repair', request_id=request_id
        )
        return self._grant_warranties([vals])

    # ------------------------------------------------------------
    # REPLACED
    # ------------------------------------------------------------

    def _replace_warranty(self, replacement, day: date | datetime | None = None) -> None:
        """Let the warranty of this product go on with the one that takes its place.

        A swap at the 50th of 60 days leaves 10, unless the terms say otherwise.

        :param replacement: the ``aftersales.unit`` the customer has now
        :param day: of the swap, today when left out
        """
        self.ensure_one()
        (self | replacement).sudo()._bump_version()
        day = self._get_customer_day(day)
        old = self.sudo().warranty_ids._get_unit_layers()
        target = replacement.sudo()
        alive = old.filtered(lambda warranty: warranty.date_end >= day)
        vals_list = [target._prepare_replacement_vals(warranty, day) for warranty in alive]
        reason = self.env._("Replaced by %(unit)s", unit=target.display_name)
        old._end(reason, 'transferred', day, ended_by='replaced')
        reason = self.env._("Goes on from %(unit)s", unit=self.display_name)
        target.warranty_ids._end(reason, ended_by='replaced')
        self._grant_warranties(vals_list)
        if not alive.filtered(lambda warranty: warranty.layer == 'base'):
            target.warranty_months = 0

    def _prepare_replacement_vals(self, warranty, day: date) -> dict:
        """Return the warranty a replacement has in the place of another product's.

        :param warranty: of the product that was replaced
        """
        self.ensure_one()
        mode = warranty.terms.get('replacement', 'remainder')
        if warranty.layer != 'base':
            mode = 'remainder'
        full = get_last_day(day, warranty.months)
        ends = {
            'remainder': warranty.date_end,
            'fresh': full,
            'longer': max(full, warranty.date_end),
        }
        terms = {**warranty.terms, 'policy_id': warranty.policy_id.id}
        vals = self._prepare_warranty_vals(
            warranty.layer,
            max(day, warranty.date_start),
            warranty.months,
            terms,
            'replacement',
            date_end=ends[mode],
            sale_line_id=warranty.sale_line_id.id,
        )
        if warranty.meter_end and mode != 'fresh':
            vals['meter_end'] = warranty._get_meter_left(day)
        return vals
