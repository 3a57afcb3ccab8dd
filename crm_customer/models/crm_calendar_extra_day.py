from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date


class CrmCalendarExtraDay(models.Model):
    """A single day on which people work beside the weekly hours of a calendar.

    In China single Saturdays and Sundays make up for the days around a holiday.  An extra day only
    ever adds working time: it opens its hours on a free day and on a holiday alike, and hours that
    are worked anyway count once.
    """

    _name = 'crm.calendar.extra.day'
    _description = 'Extra Working Day'
    _inherit = ['crm.calendar.hours.mixin']
    _order = 'date desc, id desc'
    _rec_names_search = ['name', 'calendar_id']

    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string="Working Hours",
        required=True,
        index=True,
        ondelete='cascade',
        default=lambda self: self.env.company.resource_calendar_id,
    )
    company_id = fields.Many2one(related='calendar_id.company_id')
    date = fields.Date(required=True)
    schedule = fields.Char(
        string="Working Time", compute='_compute_schedule', help="When people work on that day."
    )

    _date_unique = models.UniqueIndex(
        '(calendar_id, date)', "This day is already an extra working day of the calendar."
    )
    _own_hours = models.Constraint(
        "CHECK(hours_as != 'own' OR (0 <= hour_from AND hour_from < hour_to AND hour_to <= 24))",
        "An extra working day ends after it begins, between 0:00 and 24:00.",
    )
    _own_break = models.Constraint(
        """CHECK(hours_as != 'own' OR break_from = break_to
             OR (hour_from <= break_from AND break_from < break_to AND break_to <= hour_to))""",
        "The break of an extra working day lies within its hours and ends after it begins.",
    )

    @api.constrains('calendar_id', 'hours_as', 'dayofweek', 'date')
    def _check_weekday_has_hours(self):
        """Refuse a day that would add nothing, as long as the calendar has hours to look at."""
        for day in self:
            if day.calendar_id.attendance_ids and not day._get_blocks():
                raise ValidationError(
                    self.env._(
                        "%(calendar)s has no working hours on a %(weekday)s, so %(date)s would stay"
                        " a free day. Choose another weekday or give the day its own hours.",
                        calendar=day.calendar_id.name,
                        weekday=dict(
                            self._fields['dayofweek']._description_selection(self.env)
                        ).get(day.dayofweek),
                        date=format_date(self.env, day.date),
                    )
                )

    @api.depends('date', 'name')
    def _compute_display_name(self):
        for day in self:
            parts = [format_date(self.env, day.date) if day.date else '', day.name]
            day.display_name = " ".join(filter(None, parts))

    @api.depends(
        'date', 'calendar_id', 'hours_as', 'dayofweek',
        'hour_from', 'break_from', 'break_to', 'hour_to',
    )  # fmt: skip
    def _compute_schedule(self):
        for day in self:
            day.schedule = ", ".join(
                f'{_format_hour(start)}–{_format_hour(stop)}' for start, stop in day._get_blocks()
            )

    def _get_blocks(self) -> list[tuple[float, float]]:
        """Return the hours worked on this day, as (from, to) in local hours."""
        self.ensure_one()
        if self.hours_as == 'own':
            return self._get_own_blocks()
        if not self.date:
            return []
        return self.calendar_id._get_weekday_blocks(self.dayofweek, self.date)

    def _get_intervals(self) -> list[tuple[datetime, datetime]]:
        """Return when people work on these days, in the time zone of the calendar.

        :return: begin and end, with time zone
        """
        intervals = []
        for day in self:
            zone = pytz.timezone(day.calendar_id.tz or 'UTC')
            midnight = datetime.combine(day.date, time.min)
            intervals += [
                tuple(
                    zone.localize(midnight + timedelta(minutes=round(hour * 60))) for hour in block
                )
                for block in day._get_blocks()
            ]
        return intervals


def _format_hour(hour: float) -> str:
    """Return hours as people write them; the end of the day is 24:00."""
    minutes = round(hour * 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}'
