from freezegun import freeze_time

from odoo.tests import tagged

from .test_occasion_tasks import TaskCommon


@tagged('post_install', '-at_install')
class TestOccasionMessages(TaskCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guest_li.write({'birth_month': 4, 'birth_day': 11})
        cls.person = cls.env['crm.person']._for_partners(cls.guest_li)
        cls.start = freeze_time('2026-04-11 02:00:00')
        cls.now = cls.utc('2026-04-11 02:00:00')
        cls.startClassPatcher(cls.start)
        cls.stay_li = cls.create_stay(
            cls.guest_li, date_from='2026-04-10 06:00:00', date_to='2026-04-12 04:00:00'
        )

    def plan(self, key, message_class='greeting', **values):
        return self.env['crm.message']._plan(
            [
                {
                    'key': key,
                    'partner_id': self.guest_li.id,
                    'company_id': self.company.id,
                    'message_class': message_class,
                    'planned_at': self.now,
                    **values,
                }
            ]
        )

    def decide(self, message):
        message._decide(self.now)
        return message.state, message.reason

    def test_held_while_here(self):
        """B3 step 6: mails wait while the guest is in the house, a greeting in person does not."""
        greeting = self.plan('a')
        offer = self.plan('b', 'offer')
        order = self.plan('c', 'transactional')
        in_person = self.plan('d', channel='in_person')
        self.assertNotEqual(self.decide(greeting)[1], 'in_house', "he is only expected")
        self.stay_li.action_arrive()
        greeting = self.plan('e')
        (greeting | offer | order | in_person)._decide(self.now)
        self.assertEqual((greeting.state, greeting.reason), ('planned', 'in_house'))
        self.assertEqual(greeting.due_at, self.stay_li.date_to, "looked at when he leaves")
        for message in order | in_person:
            self.assertNotEqual(message.reason, 'in_house')
        self.stay_li.action_leave()
        self.assertEqual(greeting.due_at, self.now)
        self.assertNotEqual(self.decide(greeting)[1], 'in_house')

    def test_who_stays_longer(self):
        self.stay_li.action_arrive()
        self.stay_li.date_to = '2026-04-10 20:00:00'
        greeting = self.plan('a')
        self.assertEqual(self.decide(greeting), ('planned', 'in_house'))
        self.assertGreater(greeting.due_at, self.now)

    def test_only_where_the_type_says_so(self):
        self.stay.holds_messages = False
        self.stay_li.action_arrive()
        self.assertNotEqual(self.decide(self.plan('a'))[1], 'in_house')

    def test_other_company(self):
        self.stay_li.action_arrive()
        greeting = self.plan('a', company_id=self.other_company.id)
        self.assertNotEqual(self.decide(greeting)[1], 'in_house')

    def get_key(self):
        return self.env['crm.message']._get_greeting_key(self.company, self.person, 'S2026')

    def test_greeted_in_person(self):
        """B3 step 5: greeted at the desk, and by nothing else that year."""
        self.stay_li.action_arrive()
        task = self.stay_li.task_ids.filtered(lambda task: task.rule_id == self.rule_birthday)
        task.with_user(self.duty).action_done()
        greeting = self.env['crm.message'].search([('key', '=', self.get_key())])
        self.assertRecordValues(
            greeting,
            [
                {
                    'state': 'sent',
                    'channel': 'in_person',
                    'message_class': 'greeting',
                    'person_id': self.person.id,
                    'sent_at': self.now,
                }
            ],
        )
        self.assertFalse(self.plan(self.get_key()), "no second greeting that year")
        task.with_user(self.duty).action_undo()
        self.assertEqual((greeting.state, greeting.reason), ('cancelled', 'staff'))
        task.with_user(self.duty).action_done()
        self.assertEqual(greeting.state, 'sent')

    def test_waiting_greeting_becomes_the_one_in_person(self):
        planned = self.plan(self.get_key(), subject="Happy birthday")
        self.stay_li.action_arrive()
        self.assertEqual(self.decide(planned), ('planned', 'in_house'))
        self.stay_li.task_ids.with_user(self.duty).action_done()
        self.assertRecordValues(planned, [{'state': 'sent', 'channel': 'in_person'}])

    def test_greeting_sent_before_stays(self):
        sent = self.plan(self.get_key(), subject="Happy birthday")
        sent.sudo().write({'state': 'sent', 'sent_at': self.now})
        self.stay_li.action_arrive()
        self.stay_li.task_ids.with_user(self.duty).action_done()
        self.assertRecordValues(sent, [{'state': 'sent', 'channel': 'email'}])
