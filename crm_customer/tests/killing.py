"""Processes that send messages and are killed while they do.

A child is a fork of the test, as the workers of Odoo are forks of their master: same code, own
connections, and when it is killed nothing of it is left but what was committed and what the mail
server has.
"""

import os
import random
import signal
import threading
import time
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, modules, sql_db, tools
from odoo.tests import BaseCase, get_db_name

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .smtp_sink import SmtpSink

PREFIX = 'kill'
CLASSES = ('greeting', 'offer', 'survey', 'transactional')
SAFE_TWICE = ('transactional', 'safety')


class CommittedCase(BaseCase):
    """Messages in the database for all to see, deleted in the end."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_up)
        with self.open() as cr:
            company = api.Environment(cr, SUPERUSER_ID, {}).company
            self.consent = company.crm_consent_promotion
            company.crm_consent_promotion = 'opt_out'  # nobody of these has agreed

    def open(self):
        """Return a cursor with real commits."""
        return sql_db.db_connect(get_db_name()).cursor()

    def execute(self, query, *params):
        """Execute a statement, commit, and return what it found."""
        with self.open() as cr:
            cr.execute(query, params)  # pylint: disable=sql-injection
            return cr.fetchall() if cr.description else cr.rowcount

    def clean_up(self):
        """Delete what was committed."""
        with self.open() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            partners = env['res.partner'].search([('ref', '=', PREFIX)])
            messages = env['crm.message'].search([('key', '=like', f'{PREFIX}:%')])
            for model in ('mail.mail', 'sms.sms', 'mail.activity'):
                env[model].search([('crm_message_id', 'in', messages.ids)]).unlink()
            persons = messages.person_id.ids
            cr.execute('DELETE FROM crm_message WHERE id = ANY(%s)', [messages.ids])
            cr.execute('DELETE FROM crm_person WHERE id = ANY(%s)', [persons])
            env.invalidate_all()
            partners.unlink()
            env.company.crm_consent_promotion = self.consent
            env['crm.selfcheck']._run_message_checks()

    def enqueue(self, number, **values):
        """Commit messages that are ready to leave.

        :param number: how many; classes take turns
        :param values: of all messages
        """
        with self.open() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            partners = self.create_partners(env, number)
            env['crm.message']._plan(
                {
                    'key': f'{PREFIX}:{partner.id}',
                    'partner_id': partner.id,
                    'message_class': CLASSES[position % len(CLASSES)],
                    'company_id': env.company.id,
                    'subject': "Hello",
                    'content_values': {'body': '<p>Hello</p>'},
                    **values,
                }
                for position, partner in enumerate(partners)
            )._enqueue()

    def create_partners(self, env, number):
        """Return new customers."""
        return env['res.partner'].create(
            [
                {
                    'name': f"Killed {n}",
                    'email': f'killed{n}@example.com',
                    'phone': f'+4930{n:07}',
                    'ref': PREFIX,
                }
                for n in range(number)
            ]
        )


class ProcessCase(CommittedCase):
    """Workers are processes."""

    def start(self, *args):
        """Start a process that does all there is to do; return its id."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            modules.module.current_test = None
            sql_db._Pool = sql_db._Pool_readonly = None  # the connections are the parent's
            registry = modules.registry.Registry(get_db_name())
            registry._db = sql_db.db_connect(get_db_name())
            self.run_child(registry, *args)
            code = 0
        finally:
            os._exit(code)

    def run_child(self, registry, *args):
        """What a scheduled worker does, in a process of its own."""
        raise NotImplementedError


class KillCase(ProcessCase):
    """Messages are sent by processes that die; in the end each is accounted for."""

    def setUp(self):
        super().setUp()
        self.sink = self.enterContext(SmtpSink())
        self.sink.behaviour.delay = 0.001

    # ------------------------------------------------------------
    # PROCESSES
    # ------------------------------------------------------------

    def run_child(self, registry):
        """What a scheduled worker does, in a process of its own."""
        tools.config['smtp_server'], tools.config['smtp_port'] = 'localhost', self.sink.port
        nobody = patch.object(
            IrMail_Server,
            '_find_mail_server',
            lambda model, email_from, _servers=None: (model.browse(), email_from),
        )
        with nobody, registry.cursor() as cr:
            messages = api.Environment(cr, SUPERUSER_ID, {})['crm.message']
            messages._cron_recover_stuck()
            cr.commit()  # pylint: disable=invalid-commit
            messages._cron_send()

    def kill_at(self, pid, mails, delay):
        """Kill a process a moment after so many mails from it have arrived, without their answer.

        :param mails: number of mails; 0 for a moment after its start
        :param delay: the moment, in seconds
        """
        arrived = threading.Semaphore(0)
        self.sink.behaviour.on_mail = lambda _content: arrived.release()
        if mails:
            for _mail in range(mails):
                if not arrived.acquire(timeout=20):
                    break
        time.sleep(delay)
        self.sink.behaviour.on_mail = None
        os.kill(pid, signal.SIGKILL)
        return os.waitpid(pid, 0)[1] == signal.SIGKILL

    def kill_often(self, kills, seed):
        """Let so many processes begin to send and die, then one that may finish.

        :return: how many were really killed, and in how many kills a message was on its way
        """
        source = random.Random(seed)
        killed = on_way = 0
        while killed < kills:
            mails = source.choice([0, 1, 1, 2, 3, 5])
            delay = source.uniform(0, 0.15 if not mails else source.choice([0.0005, 0.003, 0.02]))
            killed += self.kill_at(self.start(), mails, delay)
            stuck = self.let_time_pass()
            self.assertLessEqual(stuck, 1, "a kill can only hit the one message being sent")
            on_way += stuck
        for _round in range(2):  # the second sends again what the first one found
            self.assertEqual(os.waitpid(self.start(), 0)[1], 0)
            self.let_time_pass()
        return killed, on_way

    def let_time_pass(self):
        """Make messages on their way old enough to be settled; return how many there are."""
        with self.open() as cr:
            cr.execute(
                'UPDATE crm_message SET attempted_at = attempted_at - %s::interval, retry_at = NULL'
                " WHERE key LIKE %s AND state = 'sending'",
                ['1 hour', f'{PREFIX}:%'],
            )
            stuck = cr.rowcount
            cr.execute('UPDATE crm_message SET retry_at = NULL WHERE key LIKE %s', [f'{PREFIX}:%'])
            return stuck

    # ------------------------------------------------------------
    # ACCOUNTS
    # ------------------------------------------------------------

    def account(self):
        """Return how often each message arrived, as (class, state, arrivals)."""
        with self.open() as cr:
            cr.execute(
                'SELECT message_class, state, rfc_message_id FROM crm_message WHERE key LIKE %s',
                [f'{PREFIX}:%'],
            )
            return [(*row[:2], self.sink.counts.get(row[2], 0)) for row in cr.fetchall()]

    def check_accounts(self, number, on_way):
        """Check that nothing is lost, nothing doubled that may not be, and no doubt is hidden.

        :param number: number of messages
        :param on_way: in how many kills a message was on its way
        """
        rows = self.account()
        self.assertEqual(len(rows), number)
        self.assertLessEqual({state for _class, state, _arrivals in rows}, {'sent', 'uncertain'})
        once = [(state, arrivals) for c, state, arrivals in rows if c not in SAFE_TWICE]
        doubled = [row for row in once if row[1] > 1]
        lost = [row for row in rows if row[1] == 'sent' and not row[2]]
        self.assertFalse(doubled, "promotion and care: at most once")
        self.assertFalse(lost, "what counts as sent has arrived")
        uncertain = [row for row in rows if row[1] == 'uncertain']
        self.assertLessEqual(len(uncertain), on_way)
        again = [row for row in rows if row[0] in SAFE_TWICE]
        self.assertTrue(all(row[1] == 'sent' and row[2] for row in again), "at least once")
        return {
            'messages': number,
            'on their way when killed': on_way,
            'uncertain': len(uncertain),
            'of these arrived': sum(row[2] for row in uncertain),
            'orders arrived twice under one Message-Id': sum(row[2] > 1 for row in again),
        }
