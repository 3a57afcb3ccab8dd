from __future__ import annotations

from odoo import api, fields, models

PROVIDER_TOOK_IT = ('process', 'pending', 'sent')
BATCH = 20  # messages handed over at once, and uncertain when the worker dies just then


class SmsSms(models.Model):
    """Short messages that belong to a customer's message leave by the queue of the messages.

    Their state is ``process`` from the beginning, which core's queue leaves alone.
    """

    _inherit = 'sms.sms'

    crm_message_id = fields.Many2one(
        'crm.message',
        string="Customer Message",
        readonly=True,
        copy=False,
        ondelete='cascade',
        index='btree_not_null',
    )

    @api.model
    def _send_queued_messages(self, shard: int, shards: int, limit: int) -> int:
        """Send the next short messages; they are ``sending`` in the database before they leave.

        :param shard: which share of the customers
        :param shards: number of shares
        :param limit: number of messages
        :return: number of messages looked at
        """
        messages = self.env['crm.message'].sudo()
        messages = messages._get_queue('sms', shard, shards, min(limit, BATCH))
        claimed = messages._recheck()
        (messages - claimed)._forget_delivery()
        claimed._claim()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        sms = self.sudo().search([('crm_message_id', 'in', claimed.ids)])
        if sms:
            sms._send(unlink_failed=False, unlink_sent=True, raise_exception=False)
            sms._settle_messages()
        return len(messages)

    def _settle_messages(self) -> None:
        """Note on the messages what the provider answered."""
        for sms in self.filtered('crm_message_id'):
            message = sms.crm_message_id
            if sms.state in PROVIDER_TOOK_IT and sms.to_delete:
                message._set_sent(fields.Datetime.now())
            elif sms.state == 'error' and sms.failure_type in ('sms_server', 'sms_credit'):
                sms.state = 'process'
                message._postpone_failed(sms.failure_type)
            elif sms.state == 'error':
                message.write(
                    {'state': 'failed', 'reason': 'delivery', 'failure': sms.failure_type}
                )

    @api.model
    def _finish_settled_messages(self) -> None:
        """Delete what is left of short messages that were settled by hand or refused."""
        settled = ('sent', 'refused', 'cancelled')
        self.sudo().search([('crm_message_id.state', 'in', settled)])._drop_messages()

    def _drop_messages(self) -> None:
        """Delete short messages that will not leave."""
        self.unlink()
