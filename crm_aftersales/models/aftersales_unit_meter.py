from __future__ import annotations

from datetime import date, datetime, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from .aftersales_meter_reading import USUAL_DAYS, USUAL_DAYS_MIN


class AftersalesUnit(models.Model):
    """How much a product was used: its meter, the readings, and requests at the limits."""

    _name = 'aftersales.unit'
    _inherit = ['aftersales.unit', 'crm.version.mixin']

    meter_type_id = fields.Many2one(
        comodel_name='aftersales.meter.type',
        string="Meter",
        compute='_compute_meter_type_id',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
        ondelete='restrict',
        tracking=True,
        help="What its meter counts or measures; that of the product unless changed.",
    )
    meter_uom = fields.Char(related='meter_type_id.uom', string="Meter's Unit of Measure")
    meter_reading_ids = fields.One2many(
        comodel_name='aftersales.meter.reading',
        inverse_name='unit_id',
        string="Meter Readings",
        copy=False,
    )
    meter_limit_ids = fields.One2many(
        comodel_name='aftersales.meter.limit', inverse_name='unit_id', string="Own Limits"
    )
    meter_total = fields.Float(
        string="Used in All",
        compute='_compute_meter_total',
        digits=(16, 4),
        help="By the last reading that counts, with the meters that were replaced.",
    )
    meter_date = fields.Date(string="Last Read on", compute='_compute_meter_total')
    meter_per_day = fields.Float(
        string="Use per Day",
        compute='_compute_meter_per_day',
        digits=(16, 2),
        help="On average of the year before the last reading.",
    )

    @api.depends('product_id')
    def _compute_meter_type_id(self):
        read = self.env['aftersales.meter.reading'].sudo()
        read = read._read_group([('unit_id', 'in', self._origin.ids)], ['unit_id'])
        read_ids = {unit.id for (unit,) in read}
        for unit in self:
            of_product = unit.product_id.aftersales_meter_type_id
            if unit._origin.id in read_ids:
                of_product = False  # what was read keeps its meaning
            unit.meter_type_id = of_product or unit.meter_type_id

    @api.depends('meter_reading_ids.total', 'meter_reading_ids.state', 'meter_reading_ids.date')
    def _compute_meter_total(self):
        readings = self._get_last_readings()
        for unit in self:
            reading = readings.get(unit._origin)
            unit.meter_total = reading.total if reading else False
            unit.meter_date = reading.date if reading else False

    @api.depends('meter_reading_ids.total', 'meter_reading_ids.state', 'meter_reading_ids.date')
    def _compute_meter_per_day(self):
        usage = self._get_usages_per_day()
        for unit in self:
            unit.meter_per_day = usage.get(unit._origin) or 0

    def write(self, vals):
        if 'meter_type_id' in vals:
            self._ensure_can_change_meter(vals['meter_type_id'])
        return super().write(vals)

    def _ensure_can_change_meter(self, meter_type_id: int | bool) -> None:
        """Refuse to let what was read mean something else."""
        changing = self.filtered(
            lambda unit: unit.meter_type_id and unit.meter_type_id.id != meter_type_id
        )
        read = self.env['aftersales.meter.reading'].sudo()
        read = read.search([('unit_id', 'in', changing.ids)], limit=1)
        if read:
            raise ValidationError(
                self.env._(
                    "The meter of %(unit)s was read already: what it counts cannot change any"
                    " more.",
                    unit=read.unit_id.display_name,
                )
            )

    # ------------------------------------------------------------
    # HOW MUCH IT WAS USED
    # ------------------------------------------------------------

    def _get_meter_total(self, moment: date | datetime | None = None) -> float | None:
        """Return what the product was used in all, by the last reading until then that counts.

        :param moment: a day, or a moment in UTC; now when left out
        :return: in the unit of measure of its meter; None without any reading until then
        """
        self.ensure_one()
        reading = self._get_last_readings(moment).get(self)
        return reading.total if reading else None

    def _get_usage_per_day(self) -> float | None:
        """Return how much the product is used per day, on average of the last year read.

        :return: in the unit of measure of its meter; None while too little is known
        """
        self.ensure_one()
        return self._get_usages_per_day().get(self)

    def _get_last_readings(self, moment: date | datetime | None = None) -> dict:
        """Return the last reading that counts of each product, in elevated rights.

        :param moment: as for ``_get_meter_total``
        """
        readings = self.env['aftersales.meter.reading'].sudo()
        readings.flush_model()
        found = readings._search_last_before(
            {unit: unit._get_day_after(moment) for unit in self._origin}
        )
        return {reading.unit_id.with_env(self.env): reading for reading in found}

    def _get_day_after(self, moment: date | datetime | None) -> date:
        """Return the day after a moment where the product's company is; the last of all for now."""
        if moment is None:
            return date.max
        if isinstance(moment, datetime):
            zone = pytz.timezone(self.sudo().company_id._get_customer_timezone())
            moment = pytz.utc.localize(moment).astimezone(zone).date()
        return moment + timedelta(days=1)

    def _get_usages_per_day(self) -> dict:
        """Return the use per day of the products of which it is known."""
        units = self._origin.filtered(lambda unit: unit.meter_type_id.counts_upward)
        if not units:
            return {}
        self.env['aftersales.meter.reading'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT last.unit_id,
                       ((array_agg(total ORDER BY reading.date DESC))[1]
                        - (array_agg(total ORDER BY reading.date))[1])
                       / (max(reading.date) - min(reading.date))
                  FROM (SELECT unit_id, max(date) AS date
                          FROM aftersales_meter_reading
                         WHERE unit_id IN %(units)s AND state = 'ok'
                         GROUP BY unit_id) AS last
                  JOIN aftersales_meter_reading reading
                    ON reading.unit_id = last.unit_id AND reading.state = 'ok'
                   AND reading.date >= last.date - %(days)s
                 GROUP BY last.unit_id
                HAVING max(reading.date) - min(reading.date) >= %(least)s
                """,
                units=tuple(units.ids),
                days=USUAL_DAYS,
                least=USUAL_DAYS_MIN,
            )
        )
        return {self.browse(id_): float(usage) for id_, usage in rows}

    # ------------------------------------------------------------
    # LIMITS
    # ------------------------------------------------------------

    def _raise_meter_alarms(self) -> None:
        """Open a request for each limit that the last reading crossed, once for each crossing."""
        units = self.sudo().filtered(lambda unit: unit.active and unit.state != 'retired')
        limits = self.env['aftersales.meter.limit']._get_for_units(units)
        if not any(limits.values()):
            return
        last = units._get_last_readings()
        reached = [
            (unit, limit, last[unit])
            for unit in units
            if unit in last
            for limit in limits[unit]
            if limit._is_reached(last[unit])
        ]
        vals_list = [
            self._prepare_alarm_vals(limit, reading)
            for unit, limit, reading in reached
            if not unit._has_alarm_since_crossing(limit, reading)
        ]
        self.env['aftersales.request'].sudo().create(vals_list)

    def _has_alarm_since_crossing(self, limit, reading) -> bool:
        """Return whether a request told already that this limit is reached.

        It is to be told again when a reading in between lay within the limit.
        """
        told = self.env['aftersales.request'].with_context(active_test=False)
        told = told.search(
            [('unit_id', '=', self.id), ('meter_limit_id', '=', limit.id)],
            order='meter_date desc',
            limit=1,
        )
        if not told:
            return False
        since = self.env['aftersales.meter.reading'].search(
            [
                ('unit_id', '=', self.id),
                ('state', '=', 'ok'),
                ('date', '>=', told.meter_date),
                ('date', '<', reading.date),
            ]
        )
        return all(limit._is_reached(between) for between in since)

    @api.model
    def _prepare_alarm_vals(self, limit, reading) -> dict:
        """Return the values of the request that tells of a limit."""
        unit, meter = reading.unit_id, limit.meter_type_id
        value = meter._format(reading.total if meter.counts_upward else reading.value)
        kind = limit.request_type_id or self.env.ref(
            'crm_aftersales.aftersales_request_type_fault', raise_if_not_found=False
        )
        return {
            'name': self.env._(
                "%(limit)s (read: %(value)s)", limit=limit.display_name, value=value
            ),
            'unit_id': unit.id,
            'partner_id': unit.partner_id.id,
            'company_id': unit.company_id.id,
            'type_id': kind.id if kind else False,
            'user_id': False,
            'channel': 'other',
            'meter_limit_id': limit.id,
            'meter_date': reading.date,
        }

    def action_view_meter_readings(self) -> dict:
        """Open the readings of these products.

        :return: window action
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_meter_reading_action'
        )
        action['domain'] = [('unit_id', 'in', self.ids)]
        action['context'] = {'default_unit_id': self.id} if len(self) == 1 else {}
        return action
