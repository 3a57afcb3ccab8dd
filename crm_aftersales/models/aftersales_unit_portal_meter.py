from __future__ import annotations

import math

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError

MAX_READING = 1e12


class AftersalesUnit(models.Model):
    """The owner of a product reads its meter himself."""

    _inherit = 'aftersales.unit'

    def _read_meter_from_portal(self, value: float):
        """Enter what the owner has read today.

        Runs in elevated rights; the page has checked whose product it is. A reading that is far
        from the usual is kept as suspect, for staff to look at.

        :param value: what the meter shows
        :return: the reading
        :raise UserError: there is no meter, it was read today, or the value is none
        """
        self.ensure_one()
        if not self.meter_type_id or self.state in ('draft', 'retired'):
            raise UserError(self.env._("This product has no meter."))
        if not (math.isfinite(value) and 0 <= value < MAX_READING):
            raise UserError(self.env._("Please enter what the meter shows, as a number."))
        readings = self.env['aftersales.meter.reading'].sudo()
        vals = {
            'unit_id': self.id,
            'value': value,
            'date': fields.Date.context_today(self),
            'source': 'customer',
        }
        try:
            with self.env.cr.savepoint():
                return readings.create(vals)
        except psycopg2.errors.UniqueViolation as error:
            raise UserError(
                self.env._(
                    "The meter was read today already. Was there a typing error? Then please tell"
                    " us by a request."
                )
            ) from error
