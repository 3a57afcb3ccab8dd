from odoo import fields, models


class ResUsersSettings(models.Model):
    _inherit = 'res.users.settings'

    def write(self, vals):
        result = super().write(vals)
        if 'calendar_default_privacy' in vals:
            self._sync_occasions()
        return result

    def _sync_occasions(self) -> None:
        """Show or hide the customers of meetings that are as private as their organiser says."""
        events_sudo = self.env['calendar.event'].sudo()
        domain = [
            ('user_id', 'in', self.user_id.ids),
            ('privacy', '=', False),
            ('stop', '>=', fields.Datetime.now()),
        ]
        events_sudo.search(domain)._sync_occasions()
