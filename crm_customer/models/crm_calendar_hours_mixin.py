from odoo import api, fields, models

WEEKDAYS = [
    ('0', "Monday"),
    ('1', "Tuesday"),
    ('2', "Wednesday"),
    ('3', "Thursday"),
    ('4', "Friday"),
    ('5', "Saturday"),
    ('6', "Sunday"),
]


class CrmCalendarHoursMixin(models.AbstractModel):
    """The hours of one extra working day: those of a weekday of the calendar, or its own."""

    _name = 'crm.calendar.hours.mixin'
    _description = 'Hours of an Extra Working Day'

    name = fields.Char(string="Reason", help="For example: make-up day for Labour Day.")
    hours_as = fields.Selection(
        selection=[('weekday', "Hours of a Weekday"), ('own', "Own Hours")],
        string="Hours",
        required=True,
        default='weekday',
    )
    dayofweek = fields.Selection(
        selection=WEEKDAYS,
        string="Works as",
        required=True,
        default='0',
        help="The weekday whose working hours apply on that day.",
    )
    hour_from = fields.Float(string="From", default=9)
    break_from = fields.Float(string="Break from", help="Leave 0:00 when there is no break.")
    break_to = fields.Float(string="Break to")
    hour_to = fields.Float(string="To", default=18)

    @api.model
    def _get_hours_fields(self) -> tuple[str, ...]:
        """Return the fields that say when people work on the day, and why."""
        return ('name', 'hours_as', 'dayofweek', 'hour_from', 'break_from', 'break_to', 'hour_to')

    def _get_own_blocks(self) -> list[tuple[float, float]]:
        """Return the hours given on the record itself, as (from, to) in local hours."""
        self.ensure_one()
        if self.break_from == self.break_to:
            return [(self.hour_from, self.hour_to)]
        blocks = [(self.hour_from, self.break_from), (self.break_to, self.hour_to)]
        return [(start, stop) for start, stop in blocks if start < stop]
