from __future__ import annotations

from datetime import date

from odoo import fields, models

from ..warranty import find_rule
from .aftersales_unit_warranty_extension import INSPECTION


class AftersalesWarranty(models.Model):
    """Warranties that were sold: they start when the one before is over."""

    _inherit = 'aftersales.warranty'

    def _settle_extension(self, end: date | None, limit: float):
        """Start an extended warranty when it is known when, or move one that follows another.

        :param end: last day of what comes before; None when that has not started
        :param limit: where that ends by the meter; zero: by days alone
        :return: the warranty, or the one in its place
        """
        self.ensure_one()
        sold = fields.Date.to_date(self.terms['sold_on'])
        if self.terms['extension_start'] == 'today':
            if self.state == 'draft':
                self._start(sold, 'sale', limit)
        elif not end:
            pass
        elif self.state == 'draft' and end < sold:
            self._wait_for_inspection()
        elif self.state == 'draft':
            self._start(fields.Date.add(end, days=1), 'chained', limit)
        elif self.start_event == 'chained' and self.date_start != fields.Date.add(end, days=1):
            return self._move_extension(fields.Date.add(end, days=1), limit)
        return self

    def _would_cover(self, day: date, asked: tuple) -> bool:
        """Whether a warranty that waits was sold by a day and pays for what is asked.

        :param asked: line type, id of the product and ids of its categories
        """
        self.ensure_one()
        rule = find_rule(self.terms, *asked)
        is_paid = not rule or (rule['percent'] and not rule['excluded'])
        return bool(is_paid and fields.Date.to_date(self.terms['sold_on']) <= day)

    def _wait_for_inspection(self) -> None:
        """Note why the warranty does not start, and give who sold it a to-do."""
        self.ensure_one()
        self.reason = self.env._("The warranty before is over: to be inspected first")
        self.unit_id._ask_for_inspection(self.sale_line_id.order_id.user_id)

    def _start(self, day: date, event: str, limit_before: float) -> None:
        """Start a warranty that waited.

        :param day: its first
        :param limit_before: where the warranty before ends by the meter; zero: by days alone
        """
        self.ensure_one()
        vals = self.unit_id._prepare_warranty_vals(
            self.layer,
            day,
            self.months,
            self.terms,
            event,
            self.repair_days,
            state='active',
            reason=False,
        )
        limit = vals['meter_end']
        start = limit_before or (limit and self.unit_id._get_meter_total(day)) or 0
        self.write(
            {
                **{name: vals[name] for name in ('date_start', 'date_end', 'state', 'reason')},
                'start_event': event,
                'meter_start': start if limit else 0,
                'meter_end': start + limit if limit else 0,
            }
        )

    def _move_extension(self, day: date, limit_before: float):
        """Put another in the place of an extended warranty whose first day was wrong.

        Days in repair stay added.
        """
        [vals] = self.copy_data({'state': 'draft', 'date_start': False, 'date_end': False})
        extension = self.create(vals)
        self._end(self.env._("Corrected"), ended_by='corrected')
        extension._start(day, 'chained', limit_before)
        return extension

    def action_start_inspected(self):
        """Start extended warranties today whose products were inspected."""
        self._ensure_can_grant()
        for warranty in self.sudo().filtered(lambda warranty: warranty.state == 'draft'):
            unit = warranty.unit_id
            limit = max(unit._get_first_warranties().mapped('meter_end'), default=0)
            warranty._start(unit._get_customer_day(), 'manual', limit)
            unit.activity_feedback([INSPECTION])
