from unittest.mock import patch

from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.crm_customer.gate import GateSource

from .common import MessageCase

PROCESS_LOGGER = 'odoo.addons.crm_customer.models.crm_message_process'


@tagged('post_install', '-at_install')
class TestSources(MessageCase):
    when = '2026-06-01 02:00:00'

    def look(self, *sources, **values):
        self.patch(self.registry['crm.message'], '_get_gate_sources', lambda model: [*sources])
        message = self.plan_message('1', self.when, **values)
        self.look_at(self.when)
        return message

    def source(self, reason, until=None, **values):
        query = SQL(
            'SELECT %s AS partner_id, NULL::int AS company_id, %s::timestamp AS until',
            self.customer_person.id,
            until,
        )
        return GateSource(reason=reason, query=query, **values)

    def test_until(self):
        message = self.look(self.source('in_house', '2026-06-03 04:00:00'))
        self.assert_waits(message, 'in_house', '2026-06-03 04:00:00')

    def test_until_nobody_knows(self):
        message = self.look(self.source('hush'))
        self.assert_waits(message, 'hush', '2026-06-01 03:00:00')

    def test_over(self):
        self.assertEqual(self.look(self.source('hush', self.when)).state, 'queued')

    def test_in_order(self):
        message = self.look(self.source('in_house'), self.source('hush'))
        self.assertEqual(message.reason, 'hush')

    def test_final(self):
        message = self.look(self.source('hush'), self.source('holdout', final=True))
        self.assertEqual((message.state, message.reason), ('refused', 'holdout'))

    def test_channels_and_classes(self):
        source = self.source('in_house', channels=['email'], classes=['offer', 'greeting'])
        self.assertEqual(self.look(source, channel='sms').state, 'queued')

    def test_of_another_class(self):
        source = self.source('in_house', classes=['offer', 'transactional'])
        self.assertEqual(self.look(source, message_class='transactional').state, 'queued')


@tagged('post_install', '-at_install')
class TestProcess(MessageCase):
    def setUp(self):
        super().setUp()
        self.partners = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(30)]
        )
        self.handed_over = []
        self.patch(
            self.registry['crm.message'], '_enqueue', lambda messages: self.enqueue(messages)
        )
        self.broken = ()

    def enqueue(self, messages):
        for message in messages:
            if message.partner_id.name in self.broken:
                self.fail_in_database(message)
        self.handed_over += messages.ids

    def fail_in_database(self, message):
        message.env.cr.execute('SELECT 1 / 0')

    def plan_all(self, count=30, **values):
        return self.messages._plan(
            {
                'key': f'test:{partner.id}:{values}',
                'partner_id': partner.id,
                'message_class': 'greeting',
                'planned_at': Datetime.subtract(Datetime.now(), hours=1),
                **values,
            }
            for partner in self.partners[:count]
        )

    def run_workers(self):
        with self.enter_registry_test_mode():
            for number in (1, 2):
                self.env.ref(
                    f'crm_customer.ir_cron_crm_message_gate_{number}'
                ).method_direct_trigger()
        self.env.invalidate_all()

    def test_workers_share_the_persons(self):
        messages = self.plan_all()
        self.run_workers()
        self.assertEqual(set(messages.mapped('state')), {'queued'})
        self.assertEqual(sorted(self.handed_over), sorted(messages.ids), "each once")

    def test_batches(self):
        messages = self.plan_all()
        with patch('odoo.addons.crm_customer.models.crm_message_process.BATCH_SIZE', 4):
            self.run_workers()
        self.assertEqual(set(messages.mapped('state')), {'queued'})

    def test_all_of_a_person_in_one_batch(self):
        person = self.env['crm.person']._for_partners(self.partners[0])
        others = self.plan_all(5)
        last = self.plan_message('last', '2026-06-01 03:00:00', partner=self.partners[0])
        now = Datetime.now()
        with patch('odoo.addons.crm_customer.models.crm_message_process.BATCH_SIZE', 1):
            claimed, _mark = self.messages._claim_due(now, 0, 1)
        self.assertEqual(claimed, last + others[0])
        self.assertEqual(claimed.person_id, person)

    @mute_logger(PROCESS_LOGGER, 'odoo.sql_db')
    def test_one_that_cannot_be_written(self):
        self.broken = ("C3", "C17")
        messages = self.plan_all()
        messages._process(Datetime.now())
        failed = messages.filtered(lambda message: message.state == 'failed')
        self.assertEqual(failed.mapped('partner_id.name'), ["C3", "C17"])
        self.assertEqual(failed[0].reason, 'delivery')
        self.assertIn("division by zero", failed[0].failure)
        self.assertFalse(failed[0].counted_at)
        self.assertEqual(len(self.handed_over), 28)

    @mute_logger(PROCESS_LOGGER)
    def test_what_was_folded_into_a_broken_one(self):
        messages = self.plan_all(2)
        host, greeting = messages
        host.partner_id.name = "Broken"
        self.broken = ("Broken",)
        greeting.write({'state': 'folded', 'folded_into_id': host.id})
        with mute_logger('odoo.sql_db'):
            host._process(Datetime.now())
        self.assertEqual((host.state, greeting.state), ('failed', 'planned'))

    def test_queries_do_not_grow(self):
        def count(messages):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with patch.object(self.registry['crm.message'], '_enqueue', lambda messages: None):
                messages._process(Datetime.now())
            return self.env.cr.sql_log_count - before

        self.create_policy(max_messages=9)
        count(self.plan_all(2))
        few = count(self.plan_all(3, priority=1))
        self.assertEqual(few, count(self.plan_all(30, priority=2)))

    def test_persons_are_claimed_when_room_is_used(self):
        self.create_policy(max_messages=2)
        messages = self.plan_all(2)
        messages[1].write({'message_class': 'transactional'})
        before = messages.person_id.mapped('lock_version')
        messages._process(Datetime.now())
        after = messages.person_id.mapped('lock_version')
        self.assertEqual([late - early for early, late in zip(before, after, strict=True)], [1, 0])
