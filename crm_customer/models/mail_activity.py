from odoo import fields, models


class MailActivity(models.Model):
    """A task made from a customer's message: done is sent, taken back is cancelled."""

    _inherit = 'mail.activity'

    crm_message_id = fields.Many2one(
        'crm.message',
        string="Customer Message",
        readonly=True,
        copy=False,
        ondelete='set null',
        index='btree_not_null',
    )

    def _action_done(self, feedback=False, attachment_ids=None):
        messages = self.sudo().crm_message_id
        # one that was refused or settled meanwhile stays what it is
        messages.filtered(lambda message: message.state == 'queued')._set_sent(
            fields.Datetime.now()
        )
        return super()._action_done(feedback=feedback, attachment_ids=attachment_ids)

    def unlink(self):
        messages = self.sudo().crm_message_id
        messages.filtered(lambda message: message.state == 'queued').write(
            {'state': 'cancelled', 'reason': 'staff'}
        )
        return super().unlink()

    def _drop_messages(self) -> None:
        """Delete tasks that are not to be done any more."""
        self.unlink()
