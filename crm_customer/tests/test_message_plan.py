import json

from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import SQL

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestMessagePlan(CrmCustomerCommon):
    def plan(self, key, **values):
        vals = {'key': key, 'partner_id': self.stranger.id, 'message_class': 'greeting', **values}
        return self.env['crm.message']._plan([vals])

    def test_each_key_once(self):
        first = self.plan('t:1', planned_at=Datetime.to_datetime('2026-03-10 14:30:00'))
        self.assertFalse(self.plan('t:1'))
        self.assertRecordValues(
            first,
            [
                {
                    'partner_id': self.stranger.id,
                    'company_id': self.company.id,
                    'purpose': 'care',
                    'channel': 'email',
                    'state': 'planned',
                    'due_at': Datetime.to_datetime('2026-03-10 14:30:00'),
                    'counted_at': False,
                }
            ],
        )

    def test_by_person_follows_a_merge(self):
        persons = self.env['crm.person']._for_partners(self.stranger + self.contact)
        survivor = persons.filtered(lambda person: person.partner_id == self.contact)
        merged = persons - survivor
        merged.write({'survivor_id': survivor.id, 'partner_id': False})
        message = self.env['crm.message']._plan(
            [{'key': 't:1', 'person_id': merged.id, 'message_class': 'offer'}]
        )
        self.assertEqual(message.person_id, survivor)

    def test_unknown_values(self):
        with self.assertRaisesRegex(ValueError, "state"):
            self.plan('t:1', state='sent')

    def test_select(self):
        partners = self.stranger + self.contact
        select = SQL(
            "SELECT 't:' || id AS key, id AS partner_id, 'gift' AS message_class,"
            " %s AS company_id, timestamp '2026-03-10 14:30' AS planned_at,"
            " jsonb_build_object('name', name) AS content_values"
            ' FROM res_partner WHERE id IN %s',
            self.company.id,
            tuple(partners.ids),
        )
        self.plan(f't:{self.contact.id}')
        self.assertEqual(self.env['crm.message']._plan_select(select), 1)
        message = self.env['crm.message'].search([('key', '=', f't:{self.stranger.id}')])
        self.assertRecordValues(
            message,
            [
                {
                    'partner_id': self.stranger.id,
                    'message_class': 'gift',
                    'purpose': 'care',
                    'channel': 'email',
                    'priority': 5,
                    'content_values': {'name': "Stranger"},
                    'due_at': Datetime.to_datetime('2026-03-10 14:30:00'),
                }
            ],
        )
        self.assertEqual(self.env['crm.message']._plan_select(select), 0)
        self.assertTrue(json.dumps(message.content_values))

    def test_select_needs_key_and_class(self):
        with self.assertRaisesRegex(ValueError, "key"):
            self.env['crm.message']._plan_select(SQL('SELECT 1 AS partner_id'))
        with self.assertRaisesRegex(ValueError, "stat"):
            self.env['crm.message']._plan_select(SQL("SELECT 1 AS partner_id, 'x' AS stat"))

    def test_queries_do_not_grow(self):
        partners = self.env['res.partner'].create([{'name': str(n)} for n in range(30)])

        def count(chunk, prefix):
            before = self.env.cr.sql_log_count
            self.env['crm.message']._plan(
                [
                    {'key': f'{prefix}:{p.id}', 'partner_id': p.id, 'message_class': 'hint'}
                    for p in chunk
                ]
            )
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(partners[:3], 'warm')
        self.assertEqual(count(partners[3:5], 'few'), count(partners[5:], 'many'))
