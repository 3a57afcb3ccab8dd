from __future__ import annotations

from odoo import api, fields, models

from ..sms_provider import AnswerWatch
from ..smtp import Letter

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

    def _send(self, *args, **kwargs):
        """Whoever sends a customer's message by hand only wakes its queue up."""
        own = self.filtered('crm_message_id')
        if own:
            own.crm_message_id._trigger_senders()
        others = self - own
        return super(SmsSms, others)._send(*args, **kwargs) if others else None

    @api.model
    def _send_queued_messages(self, shard: int, shards: int, limit: int) -> int:
        """Send the next short messages; they are ``sending`` in the database before they leave.

        :param shard: which share of the customers
        :param shards: number of shares
        :param limit: number of messages
        :return: number of messages done with
        """
        messages = self.env['crm.message'].sudo()
        messages = messages._get_queue('sms', shard, shards, min(limit, BATCH))
        if not messages:
            return 0
        allowed = messages._recheck_before_leaving()
        sms = self.sudo().search([('crm_message_id', 'in', allowed.ids)])
        (allowed - sms.crm_message_id)._enqueue_again()
        sms -= sms._give_up_cancelled()
        sms -= sms._write_again_to_changed_numbers()
        ready = sms.try_lock_for_update()  # nobody deletes them while they leave
        for company, of_company in ready.grouped(lambda s: s.crm_message_id.company_id).items():
            of_company.with_company(company)._hand_over()
        return len(messages) - len(sms - ready)

    def _give_up_cancelled(self) -> SmsSms:
        """Return the short messages somebody cancelled; they are not sent."""
        cancelled = self.filtered(lambda sms: sms.state == 'canceled')
        cancelled.crm_message_id.write({'state': 'cancelled', 'reason': 'staff'})
        return cancelled

    def _hand_over(self) -> None:
        """Hand short messages to the provider, with the ledger committed before and after.

        What it answered is kept for itself, whether or not the rest of the work can be.
        """
        company, messages = self.env.company, self.env['crm.message']
        sms_api = company._get_sms_api_class()(self.env)
        sms_api._set_company(company)
        watch = AnswerWatch(sms_api, self.IAP_TO_SMS_STATE_SUCCESS)
        with self.env.registry.cursor() as ledger:
            letters = {
                sms: (sms.uuid, Letter(sms.crm_message_id.id, sms.number or None)) for sms in self
            }
            own = self.filtered(lambda sms: messages._record(ledger, None, letters[sms][1]))
            letters = {sms: letters[sms] for sms in own}
            if not letters:
                return
            try:
                own._send_with_api(sms_api, unlink_failed=False, unlink_sent=True)
            finally:
                for uuid, letter in letters.values():
                    letter.outcome = watch.judge(uuid)
                    messages._record(ledger, letter)
        again = own.filtered(lambda sms: letters[sms][1].outcome.result == 'later')
        again.state = 'process'

    def _write_again_to_changed_numbers(self) -> SmsSms:
        """Compose anew what was for a former number: its links would not open for the present one.

        :return: the short messages that are gone; their messages wait for the next turn
        """
        moved = self.filtered(
            lambda sms: sms.number != sms.crm_message_id.partner_id.phone_sanitized
        )
        messages = moved.crm_message_id
        moved._drop_messages()
        if messages:
            messages._enqueue()
        return moved

    @api.model
    def _finish_settled_messages(self) -> None:
        """Delete what is left of short messages that were settled by hand or refused."""
        settled = ('sent', 'refused', 'cancelled')
        self.sudo().search([('crm_message_id.state', 'in', settled)])._drop_messages()

    def _drop_messages(self) -> None:
        """Delete short messages that will not leave."""
        self.unlink()
