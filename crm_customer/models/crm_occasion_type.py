from datetime import date, datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmOccasionType(models.Model):
    """A kind of occasion on which a customer is with us: a stay, an appointment, a ship call."""

    _name = 'crm.occasion.type'
    _description = 'Occasion Type'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        copy=False, help="Short name by which other systems and files name the type, as: stay."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        help="Leave empty to share the type between companies.",
    )
    holds_messages = fields.Boolean(
        string="Hold Messages Meanwhile",
        help="While the customer is here, hints, greetings, offers and surveys by e-mail and SMS"
        " wait until he has left.",
    )
    length_unknown = fields.Boolean(
        help="Nobody knows beforehand when the customer leaves, as in a shop."
    )
    close_after = fields.Float(
        string="Over After (Hours)",
        default=4,
        help="With an unknown length: how long after the arrival the customer counts as gone when"
        " nobody noted it.",
    )
    hour_from = fields.Float(
        string="Usual Arrival",
        default=14,
        help="Hour that is meant when only a day is given for the arrival.",
    )
    hour_to = fields.Float(
        string="Usual Departure",
        default=12,
        help="Hour that is meant when only a day is given for the departure.",
    )
    place_label = fields.Char(
        translate=True, help="What the place is called, as room, counter, berth."
    )
    calendar_category_ids = fields.Many2many(
        comodel_name='calendar.event.type',
        string="Made from Meetings",
        help="Meetings with one of these tags expect the customers who take part in them.",
    )

    _code_unique = models.UniqueIndex(
        '(code) WHERE code IS NOT NULL', "There is one type of occasion for each code."
    )
    _hours_valid = models.Constraint(
        'CHECK (hour_from >= 0 AND hour_from < 24 AND hour_to >= 0 AND hour_to < 24)',
        "Hours of a day are from 0 to 24.",
    )

    @api.constrains('length_unknown', 'close_after')
    def _check_close_after(self):
        for kind in self:
            if kind.length_unknown and kind.close_after <= 0:
                raise ValidationError(
                    self.env._("Say after how many hours a customer of no known length is gone.")
                )

    @api.model
    def _get_by_code(self, code: str):
        """Return the type other systems call so.

        :raise ValidationError: there is none
        """
        kind = self.search([('code', '=', code)], limit=1)
        if not kind:
            raise ValidationError(
                self.env._("There is no type of occasion with the code %(code)s.", code=code)
            )
        return kind

    def _to_moment(self, day: date, field: str, company) -> datetime:
        """Return the moment that a day without an hour means for this type.

        :param day: day at the company
        :param field: ``hour_from`` or ``hour_to``
        :param company: whose zone the day is in
        :return: UTC, without a zone
        """
        zone = pytz.timezone(company._get_customer_timezone())
        local = datetime.combine(day, time.min) + timedelta(hours=self[field])
        return zone.localize(local).astimezone(pytz.utc).replace(tzinfo=None)
