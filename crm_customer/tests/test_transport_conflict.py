from unittest.mock import patch

import psycopg2.errors

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import get_db_name, tagged
from odoo.tools import config, mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .killing import PREFIX, CommittedCase
from .smtp_sink import SmtpSink
from .transport_common import SMS_API


class ConflictCase(CommittedCase):
    """Others change the same messages while they leave, with real commits."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.enterContext(mute_logger('odoo.sql_db'))
        self.enterContext(patch.object(IrMail_Server, '_disable_send', lambda _model: False))

    def send(self):
        """Do what the scheduled worker does."""
        with self.open() as cr:
            api.Environment(cr, SUPERUSER_ID, {})['crm.message']._cron_send()

    def touch(self):
        """Commit a change of all messages, as a merge or an erasure does."""
        self.execute('UPDATE crm_message SET write_date = now() WHERE key LIKE %s', f'{PREFIX}:%')

    def get_states(self):
        rows = self.execute(
            'SELECT state FROM crm_message WHERE key LIKE %s ORDER BY id', f'{PREFIX}:%'
        )
        return [state for (state,) in rows]


@tagged('post_install', '-at_install')
class TestMailConflict(ConflictCase):
    def setUp(self):
        super().setUp()
        self.sink = self.enterContext(SmtpSink())
        smtp = {'smtp_server': 'localhost', 'smtp_port': self.sink.port}
        self.enterContext(patch.dict(config.options, smtp))
        self.startPatcher(
            patch.object(
                IrMail_Server,
                '_find_mail_server',
                lambda model, email_from, _servers=None: (model.browse(), email_from),
            )
        )

    def check_all_sent_once(self, number):
        self.assertEqual(self.get_states(), ['sent'] * number)
        self.assertEqual(list(self.sink.counts.values()), [1] * number)

    def fail_at(self, name, first, last, model='crm.message'):
        """Let some calls of a method that are made on the way lose against others."""
        original, calls = getattr(self.registry[model], name), []

        def conflicting(records, *args):
            if self.sink.counts:
                calls.append(records)
                if first <= len(calls) <= last:
                    raise psycopg2.errors.SerializationFailure
            return original(records, *args)

        self.startPatcher(patch.object(self.registry[model], name, conflicting))

    def test_question_on_the_way_is_asked_again(self):
        self.enqueue(4, message_class='greeting')
        self.fail_at('_recheck', 1, 2)
        self.startPatcher(patch('odoo.addons.crm_customer.models.mail_mail.MAX_AGE_OF_CHECK', 0))
        self.send()
        self.check_all_sent_once(4)

    def test_what_has_left_is_known_when_the_question_fails(self):
        self.enqueue(4, message_class='greeting')
        self.fail_at('_recheck', 1, 5)
        self.startPatcher(patch('odoo.addons.crm_customer.models.mail_mail.MAX_AGE_OF_CHECK', 0))
        self.send()
        self.check_all_sent_once(4)

    def test_what_has_left_is_known_when_the_next_cannot_be_built(self):
        self.enqueue(4, message_class='greeting')
        self.startPatcher(patch('odoo.addons.crm_customer.models.mail_mail.BUILT_AHEAD', 1))
        self.fail_at('_build_letter', 1, 1, model='mail.mail')
        self.send()
        self.check_all_sent_once(4)

    def test_others_change_the_messages_while_they_leave(self):
        self.enqueue(4, message_class='greeting')
        self.sink.behaviour.on_mail = lambda _content: self.touch()
        self.send()
        self.check_all_sent_once(4)


@tagged('post_install', '-at_install')
class TestSmsConflict(ConflictCase):
    def setUp(self):
        super().setUp()
        self.calls = []
        self.startPatcher(patch(SMS_API, lambda _api, batches, **_kw: self.answer(batches)))
        self.on_call = None

    def answer(self, batches):
        numbers = [number for batch in batches for number in batch['numbers']]
        self.calls += [number['uuid'] for number in numbers]
        if self.on_call:
            self.on_call()
        return [{'uuid': number['uuid'], 'state': 'success', 'credit': 1} for number in numbers]

    def test_others_change_the_messages_while_they_leave(self):
        self.enqueue(4, channel='sms')
        self.on_call = self.touch
        self.send()
        self.assertEqual(self.get_states(), ['sent'] * 4)
        self.assertEqual(len(self.calls), len(set(self.calls)), "each once")

    def test_somebody_else_holds_one(self):
        """It waits for the next turn, and nobody spins round it until then."""
        self.enqueue(2, channel='sms')
        with self.open() as cr:
            cr.execute(
                'SELECT sms.id FROM sms_sms AS sms JOIN crm_message AS message'
                ' ON message.id = sms.crm_message_id WHERE message.key LIKE %s'
                ' ORDER BY sms.id LIMIT 1 FOR UPDATE OF sms',
                [f'{PREFIX}:%'],
            )
            self.send()
            self.assertEqual(self.get_states(), ['queued', 'sent'])
        self.send()
        self.assertEqual(self.get_states(), ['sent', 'sent'])
        self.assertEqual(len(self.calls), 2)

    def test_tidying_up_fails(self):
        """What the provider took is known, whatever becomes of the rest."""
        self.enqueue(4, channel='sms')
        commits = []

        def commit(cron, *_args, **_kwargs):
            commits.append(cron)
            if len(commits) == 1:
                raise psycopg2.errors.SerializationFailure
            cron.env.cr.commit()
            return 60

        with patch.object(self.registry['ir.cron'], '_commit_progress', commit):
            self.send()
        self.assertEqual(self.get_states(), ['sent'] * 4)
        self.assertEqual(len(self.calls), 4)
