"""The hotel's day as its preset plays it: what this addon carries of the scenario."""

from freezegun import freeze_time

from odoo import Command
from odoo.tests import new_test_user, tagged

from .common_occasion import OccasionCommon


@tagged('post_install', '-at_install')
class TestScenarioHotel(OccasionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-04-09 01:00:00'))  # 9:00 in Shanghai
        cls.env['crm.occasion.rule'].search([]).active = False
        preset = cls.env.ref('crm_customer.crm_preset_b3_hotel')
        if preset.state == 'new':
            preset._load()
        confidential = 'crm_customer.group_own,crm_customer.group_note_confidential'
        cls.receptionist = new_test_user(cls.env, 'b3_reception', confidential)
        cls.housekeeper = new_test_user(cls.env, 'b3_housekeeper', confidential)
        cls.cook = new_test_user(cls.env, 'b3_cook', 'crm_customer.group_own')
        cls.duty_manager = new_test_user(cls.env, 'b3_duty', confidential)
        cls.marketing = new_test_user(cls.env, 'b3_marketing', 'crm_customer.group_all')
        for code, user in (
            ('reception', cls.receptionist),
            ('housekeeping', cls.housekeeper),
            ('kitchen', cls.cook),
            ('duty_manager', cls.duty_manager),
        ):
            cls.env.ref(f'crm_customer.b3_department_{code}').user_ids = [Command.set(user.ids)]

    def setUp(self):
        super().setUp()
        web_client = self.as_web_client()  # where confidential notes are shown
        web_client.start()
        self.addCleanup(web_client.stop)

    def note(self, user, partner, text, category):
        return (
            self.env['crm.customer.note']
            .with_user(user)
            .create(
                {
                    'partner_id': partner.id,
                    'text': text,
                    'category_id': self.env.ref(f'crm_customer.b3_note_category_{category}').id,
                }
            )
        )

    def register(self, reference, partner, date_from, date_to, **values):
        [result] = self.env['crm.occasion'].register(
            [
                {
                    'type': 'stay',
                    'reference': reference,
                    'partner_id': partner.id,
                    'date_from': date_from,
                    'date_to': date_to,
                    **values,
                }
            ]
        )
        return self.env['crm.occasion'].browse(result['id'])

    def get_tasks(self, user):
        tasks = self.env['crm.occasion.task'].with_user(user)
        domain = [('department_id.user_ids', 'in', user.id), ('state', '=', 'open')]
        return tasks.search(domain).filtered(
            lambda t: t.partner_id in (self.guest_li, self.guest_wang)
        )

    def test_steps_2_to_4(self):
        """Notes of the departments stand on tomorrow's list and become their tasks."""
        self.note(self.housekeeper, self.guest_li, "Two ashtrays on the tea table", 'smoking')
        self.note(self.housekeeper, self.guest_li, "Bin by the desk", 'room')
        stay = self.register('RES-1', self.guest_li, '2026-04-10', '2026-04-12', place='1208')
        self.note(self.receptionist, self.guest_li, "Buckwheat pillow", 'pillow')
        self.note(self.receptionist, self.guest_li, "Pears, no mango", 'fruit')
        medicine = self.note(self.receptionist, self.guest_li, "Takes medicine at 7", 'health')
        self.assertEqual(medicine.visibility, 'confidential')
        tomorrow = (
            self.env['crm.occasion'].with_user(self.receptionist).with_context(tz='Asia/Shanghai')
        )
        found = tomorrow.search([('date_from', '>=', 'today +1d'), ('date_from', '<', 'today +2d')])
        self.assertIn(stay, found)
        with self.as_web_client():
            briefing = stay.with_user(self.receptionist).briefing
        for wish in ("Two ashtrays", "Buckwheat pillow", "Takes medicine at 7"):
            self.assertIn(wish, briefing)
        self.assertNotIn("medicine", stay.with_user(self.marketing).briefing)
        self.assertEqual(
            sorted(self.get_tasks(self.housekeeper).mapped('text')),
            [
                "Bed: Buckwheat pillow",
                "Set up the room: Bin by the desk",
                "Smoking: Two ashtrays on the tea table",
            ],
        )
        self.assertEqual(
            self.get_tasks(self.cook).mapped('text'), ["Fruit for room 1208: Pears, no mango"]
        )
        with self.as_web_client():
            self.assertEqual(
                self.get_tasks(self.duty_manager).mapped('text'),
                ["Mind before the arrival: Takes medicine at 7"],
            )
        self.get_tasks(self.cook).action_done()
        self.assertEqual(stay.with_user(self.cook).task_progress, '1/4', "his eyes see no medicine")

    def test_steps_5_and_6(self):
        """Wang arrives on his birthday: 15 minutes; what was to be mailed waits till he leaves."""
        self.guest_wang.write({'birth_month': 4, 'birth_day': 9, 'email': 'wang@mail.example.com'})
        stay = self.register('RES-2', self.guest_wang, '2026-04-09', '2026-04-11', place='1611')
        person = self.env['crm.person']._for_partners(self.guest_wang)
        messages = self.env['crm.message']
        mail, offer = messages._plan(
            [
                {
                    'key': key,
                    'person_id': person.id,
                    'company_id': self.company.id,
                    'message_class': message_class,
                }
                for key, message_class in (
                    (messages._get_greeting_key(self.company, person, 'S2026'), 'greeting'),
                    ('test:offer', 'offer'),
                )
            ]
        )
        notice = stay.with_user(self.receptionist).action_arrive()
        self.assertIn("Wang", notice['params']['message'])
        task = self.get_tasks(self.duty_manager)
        self.assertEqual(
            task.text, "Congratulate Wang in person with flowers and a card, room 1611"
        )
        self.assertEqual(task.due_at, self.utc('2026-04-09 01:15:00'))
        mail._decide(self.utc('2026-04-09 01:00:00'))
        self.assertEqual((mail.state, mail.reason), ('planned', 'in_house'))
        task.action_done()
        self.assertRecordValues(mail, [{'state': 'sent', 'channel': 'in_person'}])
        self.assertEqual(
            len(
                messages.search([('person_id', '=', person.id), ('message_class', '=', 'greeting')])
            ),
            1,
        )
        self.assertEqual(offer.state, 'planned')

    def test_step_9(self):
        """The fifteenth stay counts, once, when the guest checks out."""
        for number in range(14):
            self.register(
                f'OLD-{number}',
                self.guest_li,
                f'2025-{number % 12 + 1:02}-01',
                f'2025-{number % 12 + 1:02}-02',
                state='left',
            )
        stay = self.register('RES-3', self.guest_li, '2026-04-09', '2026-04-11')
        stay.action_arrive()
        self.assertIn("14 × Stay", stay.briefing)
        stay.action_leave()
        stay.action_leave()
        again = self.register('RES-4', self.guest_li, '2026-05-09', '2026-05-11')
        self.assertIn("15 × Stay", again.briefing)
