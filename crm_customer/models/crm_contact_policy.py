from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..messaging import CHANNELS

WEEKDAYS = ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')


class CrmContactPolicy(models.Model):
    """How often and when customers are written to.

    A company's own policies replace those that are for all companies.  Of these, all that fit the
    channel of a message apply at once: one may say "three a week", another "one SMS a day".
    """

    _name = 'crm.contact.policy'
    _description = 'Contact Policy'
    _inherit = ['crm.named.mixin']
    _order = 'company_id, sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company',
        default=lambda self: self.env['res.company']._get_settings_company(),
        help="Empty: for all companies that have no policy of their own.",
    )
    channel = fields.Selection(
        selection=[choice for choice in CHANNELS if choice[0] != 'in_person'],
        help="Empty: for all channels, whose messages are counted together.",
    )
    # === How often ===
    max_messages = fields.Integer(
        string="Messages at Most",
        default=3,
        help="Offers, gifts, greetings, service hints and surveys one person may get in the"
        " window; 0 for any number. Orders, service and safety are neither held nor counted.",
    )
    window_days = fields.Integer(string="Window (Days)", default=7, required=True)
    window = fields.Selection(
        selection=[('rolling', "Rolling"), ('calendar', "Calendar Days")],
        default='rolling',
        required=True,
        help="Rolling: so many times 24 hours back. Calendar days: today and the days before it,"
        " as the customer counts them.",
    )
    # === When ===
    quiet_from = fields.Float(
        default=21, help="In the customer's time zone; the same as the end: no quiet hours."
    )
    quiet_to = fields.Float(default=8, help="From this time on messages are sent again.")
    monday = fields.Boolean(default=True)
    tuesday = fields.Boolean(default=True)
    wednesday = fields.Boolean(default=True)
    thursday = fields.Boolean(default=True)
    friday = fields.Boolean(default=True)
    saturday = fields.Boolean(default=True)
    sunday = fields.Boolean(default=True)
    # === How long ===
    defer_max_hours = fields.Integer(
        string="Waits at Most (Hours)",
        help="A message that rules still hold so long after its planned time is given up;"
        " 0 lets it wait as long as they hold it.",
    )

    _max_messages_bounds = models.Constraint(
        'CHECK (max_messages BETWEEN 0 AND 1000)', "Allow between 0 and 1000 messages."
    )
    _window_bounds = models.Constraint(
        'CHECK (window_days BETWEEN 1 AND 366)', "The window has between 1 and 366 days."
    )
    _quiet_bounds = models.Constraint(
        'CHECK (quiet_from >= 0 AND quiet_from < 24 AND quiet_to >= 0 AND quiet_to < 24)',
        "Quiet hours are times of the day, from 0:00 to 23:59.",
    )
    _defer_bounds = models.Constraint(
        'CHECK (defer_max_hours >= 0)', "The hours a message waits cannot be negative."
    )

    @api.constrains(*WEEKDAYS)
    def _check_weekdays(self):
        for policy in self:
            if not any(policy[day] for day in WEEKDAYS):
                raise ValidationError(
                    self.env._("Choose at least one day on which messages may be sent.")
                )
