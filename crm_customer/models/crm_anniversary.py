from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..anniversary import CALENDARS


class CrmAnniversary(models.Model):
    """A day that a customer keeps every year, beside his birthday."""

    _name = 'crm.anniversary'
    _description = 'Anniversary'
    _inherit = ['crm.anniversary.mixin']
    _order = 'partner_id, month, day, id'

    partner_id = fields.Many2one(
        'res.partner', string="Customer", required=True, index=True, ondelete='cascade'
    )
    kind = fields.Selection(
        selection=[
            ('wedding', "Wedding"),
            ('founding', "Founding of the company"),
            ('customer', "Customer since"),
            ('child', "Birthday of a child"),
            ('other', "Other"),
        ],
        required=True,
        default='wedding',
    )
    name = fields.Char(help="What is kept, where the kind does not say it.")
    month = fields.Integer(required=True)
    day = fields.Integer(required=True)
    year = fields.Integer(help="Of the first one; empty when unknown.")
    calendar = fields.Selection(selection=CALENDARS, required=True, default='solar')
    leap_month = fields.Boolean(help="The second of two lunar months of one number.")
    next_date = fields.Date(
        string="Next On", compute='_compute_next_date', search='_search_next_anniversary'
    )

    @api.depends('kind', 'name')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for anniversary in self:
            anniversary.display_name = anniversary.name or kinds.get(anniversary.kind, '')

    @api.depends('month', 'day', 'year', 'calendar', 'leap_month')
    @api.depends_context('company', 'tz')
    def _compute_next_date(self):
        for anniversary in self:
            anniversary.next_date = anniversary._get_next_anniversary_date()

    @api.onchange('calendar')
    def _onchange_calendar(self):
        if self.calendar != 'lunar':  # its box is hidden then, and could not be cleared
            self.leap_month = False

    @api.constrains('month', 'day', 'year', 'calendar', 'leap_month')
    def _check_date(self):
        today = fields.Date.context_today(self)
        translate = self.env._  # the words stand in anniversary.py, marked for translation
        for anniversary in self:
            if error := anniversary._read_anniversary().get_error(today):
                raise ValidationError(
                    self.env._(
                        "%(anniversary)s of %(customer)s: %(error)s",
                        anniversary=anniversary.display_name,
                        customer=anniversary.partner_id.display_name,
                        error=translate(error),
                    )
                )
