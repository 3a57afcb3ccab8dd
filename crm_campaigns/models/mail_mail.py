from odoo import models


class MailMail(models.Model):
    _inherit = 'mail.mail'

    def _drop_messages(self):
        """Show mails of mailings that the gate took back as cancelled."""
        self.mailing_trace_ids.set_canceled()
        return super()._drop_messages()
