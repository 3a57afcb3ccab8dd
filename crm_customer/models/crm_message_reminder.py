import base64

from odoo import models


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _prepare_template_content(self, template, values, record_id):
        """Give a reminder of a meeting the meeting as a file for the customer's calendar."""
        content = super()._prepare_template_content(template, values, record_id)
        if template.model == 'calendar.attendee':
            event = self.env[template.model].browse(record_id).event_id
            if ics := event._get_ics_file().get(event.id):
                content.files.append(('invitation.ics', base64.b64encode(ics)))
        return content
