from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..messaging import CHANNELS


class CrmPreferenceChange(models.TransientModel):
    """Staff note how and when a customer wants to be contacted."""

    _name = 'crm.preference.change'
    _description = 'Change Contact Preferences'

    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    preferred_channel = fields.Selection(selection=CHANNELS)
    preferred_hour_from = fields.Float(string="Best Time from")
    preferred_hour_to = fields.Float(string="Best Time to")
    do_not_disturb = fields.Boolean(
        help="Nothing but orders, service and safety is sent to this person."
    )
    do_not_disturb_until = fields.Date(
        string="Until", help="First day on which messages may be sent again; empty for good."
    )

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        partner = self.env['res.partner'].browse(values.get('partner_id') or ())
        partner.check_access('read')
        person = self.env['crm.person'].sudo().search([('partner_id', 'in', partner.ids)])
        return {**{name: person[name] for name in self._get_names() if name in fields}, **values}

    @api.constrains('preferred_hour_from', 'preferred_hour_to')
    def _check_hours(self):
        for change in self:
            first, last = change.preferred_hour_from, change.preferred_hour_to
            if not 0 <= first <= 24 or not 0 <= last <= 24 or first > last:
                raise ValidationError(
                    self.env._("The best time must be between 0:00 and 24:00, from before to.")
                )

    def action_save(self) -> dict:
        """Keep the preferences with the person."""
        self.ensure_one()
        self.partner_id.check_access('write')
        person = self.env['crm.person'].sudo()._for_partners(self.partner_id)
        person._bump_version()
        person.write({name: self[name] for name in self._get_names()})
        return {'type': 'ir.actions.act_window_close'}

    def _get_names(self) -> list[str]:
        return [
            'preferred_channel',
            'preferred_hour_from',
            'preferred_hour_to',
            'do_not_disturb',
            'do_not_disturb_until',
        ]
