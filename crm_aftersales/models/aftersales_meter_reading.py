from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..days import check_days

#: how far the usual use of a product looks back
USUAL_DAYS = 365
#: use of fewer days says nothing about what is usual
USUAL_DAYS_MIN = 7
#: what the verdict on a reading, and on those after it, depends on
JUDGED_FIELDS = {'unit_id', 'date', 'value', 'kind', 'value_before', 'is_confirmed'}


def get_use_per_day(points: list[tuple[date, float]]) -> float | None:
    """Return what was used per day in the year before the last of these readings.

    :param points: day and total of each reading, in the order of the days
    :return: None while they say too little
    """
    if not points:
        return None
    last_day, last_total = points[-1]
    first_day, first_total = points[bisect_left(points, (last_day - timedelta(days=USUAL_DAYS),))]
    days = (last_day - first_day).days
    return (last_total - first_total) / days if days >= USUAL_DAYS_MIN else None


class AftersalesMeterReading(models.Model):
    """What the meter of a customer product showed on a day, and what was used until then in all.

    Readings may come in any order: each is judged against the ones before and after it by date.
    A suspect reading stays beside the others until somebody confirms it: nothing is judged against
    it, and nothing follows from it.
    """

    _name = 'aftersales.meter.reading'
    _description = "Meter Reading"
    _inherit = ['crm.system.mixin', 'crm.import.mixin']
    _order = 'date desc, id desc'
    _rec_name = 'date'
    _check_company_auto = True

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        required=True,
        index=True,
        ondelete='cascade',
        check_company=True,
    )
    company_id = fields.Many2one(
        related='unit_id.company_id', store=True, precompute=True, index=True
    )
    meter_type_id = fields.Many2one(related='unit_id.meter_type_id', string="Meter")
    date = fields.Date(
        string="Read on", required=True, default=lambda self: fields.Date.context_today(self)
    )
    value = fields.Float(string="Reading", digits=(16, 4), required=True, aggregator='max')
    kind = fields.Selection(
        selection=[
            ('normal', "Reading"),
            ('replaced', "Meter Replaced"),
            ('corrected', "Correction"),
        ],
        required=True,
        default='normal',
        help="Meter Replaced: what the new meter begins with. Correction: the readings before were"
        " wrong, the total may fall.",
    )
    value_before = fields.Float(
        string="Last of the Old Meter",
        digits=(16, 4),
        aggregator=None,
        help="What the meter that was replaced showed at last; empty when nobody knows.",
    )
    total = fields.Float(
        digits=(16, 4),
        readonly=True,
        copy=False,
        aggregator='max',
        help="Used in all, also with the meters before.",
    )
    source = fields.Selection(
        selection=[
            ('staff', "Staff"),
            ('customer', "Customer"),
            ('import', "Import"),
            ('device', "Device"),
        ],
        required=True,
        default=lambda self: 'import' if self.env.context.get('import_file') else 'staff',
    )
    state = fields.Selection(
        selection=[('ok', "Counts"), ('suspect', "Suspect")],
        required=True,
        readonly=True,
        default='ok',
        copy=False,
        help="Suspect: far above what is usual or possible. It counts once somebody confirms it.",
    )
    is_confirmed = fields.Boolean(
        string="Confirmed", copy=False, help="Somebody looked, and the reading is right."
    )
    note = fields.Char()

    _date_unique = models.UniqueIndex(
        '(unit_id, date)',
        "The meter of this product was read on that day already. Change that reading instead.",
    )
    _recent_idx = models.Index('(unit_id, date DESC)')
    _values_positive = models.Constraint(
        'CHECK(value_before >= 0)', "The last reading of the old meter is not below zero."
    )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'total', 'state'}

    @api.depends('date', 'value')
    def _compute_display_name(self):
        for reading in self:
            meter = reading.meter_type_id
            value = meter._format(reading.value) if meter else f'{reading.value:g}'
            day = format_date(self.env, reading.date) if reading.date else ''
            reading.display_name = f'{day}: {value}'

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        readings = super().create(vals_list)
        readings._judge()
        return readings

    def write(self, vals):
        if not JUDGED_FIELDS & vals.keys():
            return super().write(vals)
        since = self._get_first_days()
        res = super().write(vals)
        self._judge(since)
        return res

    def unlink(self):
        since = self._get_first_days()
        res = super().unlink()
        self.browse()._judge(since)
        return res

    @api.constrains('unit_id', 'date', 'value')
    def _check_reading(self):
        today = fields.Date.context_today(self)
        for reading in self:
            if not reading.unit_id.meter_type_id:
                raise ValidationError(
                    self.env._(
                        "%(unit)s has no meter yet. Choose what its meter counts first.",
                        unit=reading.unit_id.display_name,
                    )
                )
            if reading.unit_id.meter_type_id.counts_upward and reading.value < 0:
                raise ValidationError(
                    self.env._("A meter that counts upwards does not show less than zero.")
                )
            check_days(reading, 'date')
            # somebody's tomorrow is another one's today
            if reading.date > today + timedelta(days=1):
                raise ValidationError(
                    self.env._(
                        "A meter is read today or was before, not on %(day)s.",
                        day=format_date(self.env, reading.date),
                    )
                )

    def action_confirm(self) -> None:
        """Say of suspect readings that they are right."""
        self.filtered(lambda reading: reading.state == 'suspect').is_confirmed = True

    # ------------------------------------------------------------
    # VERDICT
    # ------------------------------------------------------------

    def _get_first_days(self) -> dict:
        """Return the first day of these readings by product."""
        return {
            unit: min(readings.mapped('date')) for unit, readings in self.grouped('unit_id').items()
        }

    def _judge(self, since: dict | None = None) -> None:
        """Judge readings that came or changed, and bring the totals after them in line.

        :param since: product -> day from which something changed besides
        :raise ValidationError: a meter that counts upwards would fall
        """
        days = dict(since or {})
        for unit, day in self._get_first_days().items():
            days[unit] = min(day, days.get(unit, day))
        units = self.env['aftersales.unit'].browse(sorted(unit.id for unit in days))
        # two readings at once would both begin with the same total
        units.sudo()._bump_version()
        self.flush_model()
        chains = self._get_chains(days)
        for unit, chain in chains.items():
            chain._judge_chain(days[unit], set(self.ids))
        units._raise_meter_alarms()

    def _get_chains(self, days: dict) -> dict:
        """Return for each product its readings from a day on, and those before they need.

        :param days: product -> day
        """
        if not days:
            return {}
        readings = self.sudo()
        reach = timedelta(days=USUAL_DAYS)
        begin = readings._search_last_before(days)
        begins = {reading.unit_id.id: reading.date - reach for reading in begin}
        domain = Domain.OR(
            Domain('unit_id', '=', unit.id) & Domain('date', '>=', begins.get(unit.id, day))
            for unit, day in days.items()
        )
        found = readings.search(domain, order='unit_id, date')
        return found.grouped('unit_id')

    @api.model
    def _search_last_before(self, days: dict) -> AftersalesMeterReading:
        """Return the last reading that counts before a day, one of each product.

        :param days: product -> day
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT last.id
                  FROM unnest(%(units)s::int[], %(days)s::date[]) AS asked (unit_id, day)
                  JOIN LATERAL (SELECT id
                                  FROM aftersales_meter_reading
                                 WHERE unit_id = asked.unit_id AND date < asked.day
                                   AND state = 'ok'
                                 ORDER BY date DESC
                                 LIMIT 1) AS last ON TRUE
                """,
                units=[unit.id for unit in days],
                days=list(days.values()),
            )
        )
        return self.browse(id_ for (id_,) in rows)

    def _judge_chain(self, since: date, changed: set[int]) -> None:
        """Judge the readings of one product, which are in the order of their days.

        :param since: the ones before that day stay as they are
        :param changed: ids of those that may become suspect; the others have been looked at
        """
        previous, points = self.browse(), []
        for reading in self:
            if reading.date >= since:
                usual = get_use_per_day(points)
                reading._judge_after(previous, usual, reading.id in changed)
            if reading.state == 'ok':
                previous = reading
                points.append((reading.date, reading.total))

    def _judge_after(
        self, previous: AftersalesMeterReading, usual: float | None, is_new: bool
    ) -> None:
        """Give a reading its total and its state, by those that count before it.

        :param usual: use per day until the previous one
        """
        meter = self.meter_type_id
        total = meter._round(self._get_total_after(previous))
        suspect = False
        if is_new or self.state == 'suspect':
            suspect = self._is_suspect_after(previous, usual, total)
        if not suspect:
            self._ensure_not_falling(previous)
        vals = {'total': total, 'state': 'suspect' if suspect else 'ok'}
        if vals['state'] != self.state or meter._round(self.total) != total:
            self.sudo().write(vals)

    def _get_total_after(self, previous: AftersalesMeterReading) -> float:
        """Return what was used in all, given the reading before."""
        if not self.meter_type_id.counts_upward:
            return self.value
        if not previous:
            # what the old meter showed was used, though nobody had read it before
            return (self.kind == 'replaced' and self.value_before) or self.value
        if self.kind == 'replaced':
            return previous.total + max(self.value_before - previous.value, 0)
        return previous.total + self.value - previous.value

    def _is_suspect_after(
        self, previous: AftersalesMeterReading, usual: float | None, total: float
    ) -> bool:
        """Return whether more was used since the previous reading than is possible or usual."""
        meter = self.meter_type_id
        if not previous or not meter.counts_upward:
            return False
        if self.is_confirmed or self.kind == 'corrected':
            return False
        per_day = (total - previous.total) / max((self.date - previous.date).days, 1)
        if meter.max_per_day and per_day > meter.max_per_day:
            return True
        return bool(meter.suspect_factor and usual and per_day > meter.suspect_factor * usual)

    def _ensure_not_falling(self, previous: AftersalesMeterReading) -> None:
        meter = self.meter_type_id
        if not (previous and meter.counts_upward):
            return
        if self.kind == 'replaced' and self.value_before:
            self._ensure_old_meter_not_falling(previous)
        if self.kind != 'normal':
            return
        if meter._round(self.value) < meter._round(previous.value):
            raise ValidationError(
                self.env._(
                    "%(unit)s: the meter showed %(value)s on %(day)s, and %(before)s on"
                    " %(day_before)s before that; it cannot count backwards. Correct the wrong one."
                    " When the meter was replaced, or what was read before was wrong, enter the"
                    " reading as such.",
                    unit=self.unit_id.display_name,
                    value=meter._format(self.value),
                    day=format_date(self.env, self.date),
                    before=meter._format(previous.value),
                    day_before=format_date(self.env, previous.date),
                )
            )

    def _ensure_old_meter_not_falling(self, previous: AftersalesMeterReading) -> None:
        meter = self.meter_type_id
        if meter._round(self.value_before) < meter._round(previous.value):
            raise ValidationError(
                self.env._(
                    "%(unit)s: the old meter showed %(before)s on %(day)s already; its last reading"
                    " was not less.",
                    unit=self.unit_id.display_name,
                    before=meter._format(previous.value),
                    day=format_date(self.env, previous.date),
                )
            )
