from unittest.mock import patch

import requests
from urllib3.exceptions import MaxRetryError

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.iap.tools.iap_tools import IAPServerError

from .transport_common import SMS_API, TransportCase


@tagged('post_install', '-at_install')
class TestTextMessages(TransportCase):
    def setUp(self):
        super().setUp()
        self.calls, self.answers = [], {}
        self.startPatcher(patch(SMS_API, lambda _api, batches, **_kw: self.answer(batches)))
        for number, partner in enumerate(self.partners):
            partner.phone = f'+493012345{number}'

    def answer(self, batches):
        """Answer as a provider does; what ``answers`` holds for a number may be an exception."""
        results = []
        for number in [number for batch in batches for number in batch['numbers']]:
            self.calls.append(number['number'])
            state = self.answers.get(number['number'], 'success')
            if isinstance(state, Exception):
                raise state
            results.append({'uuid': number['uuid'], 'state': state, 'credit': 1})
        return results

    def get_sms(self, messages):
        return self.env['sms.sms'].search([('crm_message_id', 'in', messages.ids)])

    def test_what_the_provider_answers(self):
        self.answers['+4930123451'] = 'wrong_number_format'
        self.answers['+4930123452'] = 'insufficient_credit'
        messages = self.enqueue(self.partners, channel='sms')
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent', 'failed', 'queued'])
        self.assertTrue(messages[2].retry_at)
        self.assertEqual(messages.mapped('attempts'), [1, 1, 1])
        self.assertEqual(self.get_sms(messages[2]).state, 'process', "not core's to send")
        self.answers.clear()
        messages.retry_at = False
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent', 'failed', 'sent'])
        self.assertEqual(len(self.calls), 4)

    def test_provider_takes_it_and_does_not_answer(self):
        """Nobody can tell: a greeting is not risked twice, news of an order are."""
        cases = (
            (requests.exceptions.ReadTimeout(), ['uncertain', 'queued']),
            (requests.exceptions.ConnectTimeout(), ['queued', 'queued']),
            (requests.exceptions.ConnectionError("Connection aborted."), ['uncertain', 'queued']),
            (requests.exceptions.ConnectionError(MaxRetryError(None, '')), ['queued', 'queued']),
            (UserError("No account"), ['queued', 'queued']),
            ('insufficient_credit', ['queued', 'queued']),
            ('server_error', ['uncertain', 'queued']),
            (IAPServerError(), ['uncertain', 'queued']),
            (self.get_http_error(502), ['uncertain', 'queued']),
            (self.get_http_error(401), ['queued', 'queued']),
        )
        for number, (error, states) in enumerate(cases):
            with self.subTest(error=error):
                self.answers['+4930123450'] = error
                messages = self.enqueue(self.partner, event=f'g{number}', channel='sms')
                messages |= self.enqueue(
                    self.partner, 'transactional', event=f'o{number}', channel='sms'
                )
                self.send()
                self.assertEqual(messages.mapped('state'), states)
                messages.write({'state': 'cancelled'})

    def get_http_error(self, status):
        """Return what core raises when the provider answers with an error of HTTP."""
        answer = requests.Response()
        answer.status_code = status
        error = AccessError("An error occurred while reaching the provider.")
        error.__context__ = requests.exceptions.HTTPError(response=answer)
        return error

    def test_tried_again_but_not_for_ever(self):
        self.answers['+4930123450'] = 'insufficient_credit'
        message = self.enqueue(self.partner, channel='sms')
        for _attempt in range(14):
            self.send()
            message.retry_at = False
        self.assertEqual((message.state, message.attempts, len(self.calls)), ('failed', 12, 12))

    def test_short_message_somebody_deleted(self):
        messages = self.enqueue(self.partners, channel='sms')
        self.get_sms(messages[0]).unlink()
        with mute_logger('odoo.addons.crm_customer.models.crm_message_delivery'):
            self.send()
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 3)
        self.assertEqual(sorted(self.calls), sorted(self.partners.mapped('phone_sanitized')))

    def test_short_message_somebody_cancelled(self):
        message = self.enqueue(self.partner, channel='sms')
        self.get_sms(message).action_set_canceled()
        self.send()
        self.assertRecordValues(message, [{'state': 'cancelled', 'reason': 'staff'}])
        self.assertFalse(self.calls)

    def test_sent_by_hand_it_waits_for_its_queue(self):
        message = self.enqueue(self.partner, channel='sms')
        sms = self.get_sms(message)
        sms.action_set_outgoing()
        sms.send()
        with self.committing() as env:
            env['sms.sms']._process_queue()
        self.assertFalse(self.calls)
        self.send()
        self.assertEqual((message.state, len(self.calls)), ('sent', 1))

    def test_only_to_the_number_that_was_asked_about(self):
        message = self.enqueue(self.partner, channel='sms')
        self.partner.phone = '+4930999999'
        self.send()
        self.assertEqual((message.state, self.calls), ('sent', ['+4930999999']))

    def test_number_changed_in_the_last_moment(self):
        messages = self.enqueue(self.partners[:2], channel='sms')
        original = self.registry['sms.sms']._write_again_to_changed_numbers

        def write_again(sms):
            moved = original(sms)
            if not self.calls:
                partner = sms.crm_message_id.partner_id & self.partner.with_env(sms.env)
                partner.phone = '+4930999999'
                partner.flush_recordset()
            return moved

        with patch.object(self.registry['sms.sms'], '_write_again_to_changed_numbers', write_again):
            self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 2)
        self.assertEqual(self.calls, ['+4930123451', '+4930999999'])
