"""Workers of the gate that are killed while they decide."""

import os
import random
import signal
import time
from collections import defaultdict
from datetime import datetime
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields, sql_db

from .killing import PREFIX, ProcessCase

NOW = datetime(2001, 6, 5, 12)  # when nothing is due but what is planned here
SHARDS = 2
BATCH = 6  # messages
LAST_POINT = 120  # statements and commits; about three batches
#: class and channel of the messages each person has: one of the first three may go
MESSAGES = {'greeting': 'email', 'offer': 'email', 'survey': 'phone', 'transactional': 'email'}

LOG = 'crm_message_kill_log'
START_LOG = f"""
    CREATE TABLE {LOG} (message_id int);
    CREATE FUNCTION {LOG}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO {LOG} VALUES (NEW.id); RETURN NULL; END $$;
    CREATE TRIGGER {LOG} AFTER UPDATE ON crm_message FOR EACH ROW
    WHEN ((OLD.state, OLD.due_at) IS DISTINCT FROM (NEW.state, NEW.due_at))
    EXECUTE FUNCTION {LOG}()"""
STOP_LOG = f"""
    DROP TRIGGER IF EXISTS {LOG} ON crm_message;
    DROP FUNCTION IF EXISTS {LOG};
    DROP TABLE IF EXISTS {LOG}"""


class GateKillCase(ProcessCase):
    """Messages are decided on by processes that die; in the end each was decided on once.

    A decision is a change of the state or of the due date.  The database notes each in the
    transaction that takes it: of what a kill undid, nothing is noted.
    """

    def setUp(self):
        super().setUp()
        self.execute(STOP_LOG)
        self.execute(START_LOG)
        self.addCleanup(self.clean_up_gate)
        with self.open() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.policy = env['crm.contact.policy'].create(
                {
                    'name': "Killed",
                    'company_id': env.company.id,
                    'max_messages': 1,
                    'quiet_from': 0,
                    'quiet_to': 0,
                }
            )

    def clean_up_gate(self):
        """Delete what is beside the messages."""
        self.execute(STOP_LOG)
        self.execute('DELETE FROM crm_contact_policy WHERE id = %s', self.policy.id)
        self.execute('DELETE FROM ir_cron_trigger WHERE call_at < %s', datetime(2002, 1, 1))

    def plan(self, number):
        """Commit messages that are due.

        :param number: of persons, each with all of ``MESSAGES``
        """
        with self.open() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env['crm.message']._plan(
                {
                    'key': f'{PREFIX}:{partner.id}:{message_class}',
                    'partner_id': partner.id,
                    'message_class': message_class,
                    'channel': channel,
                    'company_id': env.company.id,
                    'priority': (position + partner.id) % 3,
                    'planned_at': fields.Datetime.subtract(NOW, hours=1),
                    'subject': "Hello",
                    'content_values': {'body': '<p>Hello</p>'},
                }
                for partner in self.create_partners(env, number)
                for position, (message_class, channel) in enumerate(MESSAGES.items())
            )

    # ------------------------------------------------------------
    # PROCESSES
    # ------------------------------------------------------------

    def run_child(self, registry, shard, point):
        """Do what a worker of the gate does, up to a point.

        :param point: number of the statement or commit at which it dies; 0 for never
        """
        module = 'odoo.addons.crm_customer.models.crm_message_process'
        with (
            patch(f'{module}.BATCH_SIZE', BATCH),
            patch.object(fields.Datetime, 'now', lambda *_args: NOW),
            registry.cursor() as cr,
        ):
            messages = api.Environment(cr, SUPERUSER_ID, {})['crm.message']
            self.die_at(point)
            messages._cron_gate(shard, SHARDS)

    def die_at(self, point):
        """Kill this process before a statement, or before or after a commit."""
        execute, commit = sql_db.Cursor.execute, sql_db.Cursor.commit

        def pass_point():
            nonlocal point
            point -= 1
            if point == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def execute_or_die(cr, *args, **kwargs):
            pass_point()
            return execute(cr, *args, **kwargs)

        def commit_or_die(cr):
            pass_point()
            commit(cr)
            pass_point()

        sql_db.Cursor.execute, sql_db.Cursor.commit = execute_or_die, commit_or_die

    def kill_often(self, kills, seed):
        """Let so many workers die, then let others finish.

        Half of them die between two statements, the others at any moment.  Now and then there are
        two for the same persons, as when a server is started again before the old one is gone.

        :return: number of persons that had messages
        """
        source = random.Random(seed)
        killed = persons = 0
        while killed < kills:
            if not self.count_due():
                persons += 20
                self.plan(20)
            from_outside = source.random() < 0.5
            workers = source.choice([(0, 1), (0, 1), (0, 1, 0)])
            points = [0 if from_outside else source.randint(1, LAST_POINT) for _worker in workers]
            pids = [self.start(*worker) for worker in zip(workers, points, strict=True)]
            if from_outside:
                time.sleep(source.uniform(0, 0.2))
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            killed += sum(os.waitpid(pid, 0)[1] == signal.SIGKILL for pid in pids)
        self.finish()
        return persons

    def finish(self):
        """Let workers decide on what is left, also on what dying ones had locked a moment ago."""
        for _round in range(20):
            for pid in [self.start(shard, 0) for shard in range(SHARDS)]:
                self.assertEqual(os.waitpid(pid, 0)[1], 0)
            if not self.count_due():
                return
            time.sleep(0.1)
        self.fail("messages are due, and nobody decides on them")

    # ------------------------------------------------------------
    # ACCOUNTS
    # ------------------------------------------------------------

    def count_due(self):
        """Return the number of messages to be decided on."""
        query = "SELECT count(*) FROM crm_message WHERE state = 'planned' AND due_at <= %s"
        return self.execute(query, NOW)[0][0]

    def check_accounts(self, persons):
        """Check that each message was decided on once, and once made into what is to be sent.

        :param persons: number of persons that had messages
        """
        rows = self.execute(
            f"""
            SELECT message.person_id, message_class, state, reason, due_at,
                   (SELECT count(*) FROM {LOG} WHERE message_id = message.id),
                   (SELECT count(*) FROM mail_mail WHERE crm_message_id = message.id),
                   (SELECT count(*) FROM mail_activity WHERE crm_message_id = message.id)
              FROM crm_message AS message
             WHERE key LIKE %s
            """,
            f'{PREFIX}:%',
        )
        self.assertEqual(len(rows), persons * len(MESSAGES), "none is lost")
        released = defaultdict(list)
        for person_id, message_class, state, reason, due_at, decisions, mails, tasks in rows:
            self.assertEqual(decisions, 1, "decided on once")
            if state == 'queued':
                released[person_id].append(message_class)
                self.assertEqual((mails, tasks), (0, 1) if message_class == 'survey' else (1, 0))
            else:
                self.assertEqual((state, reason), ('planned', 'frequency_cap'))
                self.assertGreater(due_at, NOW)
                self.assertEqual((mails, tasks), (0, 0))
        self.assertEqual(len(released), persons)
        for classes in released.values():
            self.assertIn('transactional', classes)
            self.assertEqual(len(classes), 2, "one that counts, and one that does not")
