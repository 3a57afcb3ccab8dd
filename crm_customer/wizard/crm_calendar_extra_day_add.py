import re
from datetime import date

from odoo import fields, models
from odoo.exceptions import UserError

# 2026-05-09, 2026/5/9, 2026.5.9, 2026年5月9日
_DATE = re.compile(r'(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?')
_SEPARATORS = re.compile(r'[\s,;，；、]+')


class CrmCalendarExtraDayAdd(models.TransientModel):
    """Adds the extra working days of a year in one go, to as many calendars as need them."""

    _name = 'crm.calendar.extra.day.add'
    _description = 'Add Extra Working Days'
    _inherit = ['crm.calendar.hours.mixin']

    calendar_ids = fields.Many2many(
        comodel_name='resource.calendar',
        string="Working Hours",
        required=True,
        default=lambda self: self.env.company.resource_calendar_id,
    )
    dates = fields.Text(
        required=True,
        help="One or more days, as 2026-05-09, on lines of their own or with commas between them.",
    )

    def action_add(self) -> dict:
        """Add the days; those a calendar has already are left as they are.

        :return: action that closes the form and shows the days again
        """
        self.ensure_one()
        days = self._parse_dates()
        ExtraDay = self.env['crm.calendar.extra.day']
        known = {
            (day.calendar_id.id, day.date)
            for day in ExtraDay.search(
                [('calendar_id', 'in', self.calendar_ids.ids), ('date', 'in', days)]
            )
        }
        ExtraDay.create(
            [
                self._prepare_extra_day_vals(calendar, day)
                for calendar in self.calendar_ids
                for day in days
                if (calendar.id, day) not in known
            ]
        )
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    def _prepare_extra_day_vals(self, calendar, day: date) -> dict:
        """Return the values of one extra working day."""
        names = self.env['crm.calendar.hours.mixin']._get_hours_fields()
        return {'calendar_id': calendar.id, 'date': day, **{name: self[name] for name in names}}

    def _parse_dates(self) -> list[date]:
        """Return the days that were typed, each once, in order.

        :raise UserError: with what is not a date
        """
        words = list(filter(None, _SEPARATORS.split(self.dates or '')))
        parsed = {word: self._parse_date(word) for word in words}
        wrong = [word for word, day in parsed.items() if day is None]
        if wrong or not words:
            raise UserError(
                self.env._(
                    "Give the days as 2026-05-09, one per line. Not understood: %(words)s",
                    words=wrong or self.env._("nothing was given"),
                )
            )
        return sorted(set(parsed.values()))

    @staticmethod
    def _parse_date(word: str) -> date | None:
        match = _DATE.fullmatch(word)
        try:
            return match and date(*map(int, match.groups()))
        except ValueError:
            return None
