from odoo.fields import Command
from odoo.tests import tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestMessage(LoyaltyCommon):
    """Core's communication plan passes the gate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member.email = 'member@example.com'
        cls.template = cls.env['mail.template'].create(
            {
                'name': "Your card",
                'model_id': cls.env['ir.model']._get_id('loyalty.card'),
                'subject': "Card {{ object.code }}",
                'body_html': "<p>You have <t t-out='object.points'/></p>",
            }
        )
        cls.program.communication_plan_ids = [
            Command.clear(),
            cls.plan_command('create'),
            cls.plan_command('points_reach', 100),
            cls.plan_command('points_reach', 500),
        ]

    @classmethod
    def plan_command(cls, trigger, points=0):
        return Command.create(
            {'trigger': trigger, 'points': points, 'mail_template_id': cls.template.id}
        )

    def create_card(self, program=None, **values):
        program = program or self.program
        return self.env['loyalty.card'].create(
            {'program_id': program.id, 'partner_id': self.member.id, **values}
        )

    def get_messages(self, card):
        return self.env['crm.message'].search(
            [('origin_model', '=', card._name), ('origin_id', '=', card.id)], order='id'
        )

    def test_new_card(self):
        before = self.env['mail.mail'].search_count([])
        card = self.create_card()
        message = self.get_messages(card)
        self.assertRecordValues(
            message,
            [
                {
                    'state': 'planned',
                    'message_class': 'gift',
                    'partner_id': self.member.id,
                    'content_id': self.template.id,
                }
            ],
        )
        self.assertEqual(self.env['mail.mail'].search_count([]), before)
        message.sudo()._enqueue()
        mail = self.env['mail.mail'].search([('crm_message_id', '=', message.id)])
        self.assertEqual(mail.subject, f"Card {card.code}")
        self.assertEqual(mail.recipient_ids, self.member)
        self.assertTrue(mail.email_from)

    def test_forced_mails_pass_too_and_once(self):
        card = self.create_card()
        card._send_creation_communication(force_send=True)
        self.assertEqual(len(self.get_messages(card)), 1)

    def test_no_mail_means_no_message(self):
        for key in ('loyalty_no_mail', 'action_no_send_mail'):
            Card = self.env['loyalty.card'].with_context(**{key: True})
            partner = self.create_partner(key, email=f'{key}@example.com')
            card = Card.create({'program_id': self.program.id, 'partner_id': partner.id})
            self.assertFalse(self.get_messages(card))

    def test_card_of_nobody(self):
        self.assertFalse(self.get_messages(self.create_card(partner_id=False)))

    def test_highest_milestone_once(self):
        card = self.create_card()
        card.points = 600
        card.points = 0
        card.points = 600
        reached = self.get_messages(card).filtered(lambda m: m.message_class == 'hint')
        self.assertEqual(len(reached), 1)
        self.assertIn(f':{self.program.communication_plan_ids[-1].id}', reached.sudo().key)

    def test_mails_of_the_suite_say_how_many_points_came(self):
        """They can be chosen for the plan as well, and read "0 Points" there."""
        self.program.communication_plan_ids.mail_template_id = self.env.ref(
            'crm_loyalty.mail_template_points_earned'
        )
        card = self.create_card(points=40)
        card.points = 120
        messages = self.get_messages(card)
        messages.sudo()._enqueue()
        mails = self.env['mail.mail'].search([('crm_message_id', 'in', messages.ids)], order='id')
        name = self.program.portal_point_name
        self.assertEqual(
            mails.mapped('subject'),
            [f"You have earned 40 {name}", f"You have earned 80 {name}"],
        )

    def test_points_that_fall_say_nothing(self):
        card = self.create_card(points=600)
        count = len(self.get_messages(card))
        card.points = 400
        self.assertEqual(len(self.get_messages(card)), count)

    def test_class_follows_from_the_program(self):
        expected = {
            'gift_card': 'transactional',
            'ewallet': 'transactional',
            'coupons': 'offer',
            'next_order_coupons': 'gift',
        }
        for program_type, message_class in expected.items():
            program = self.env['loyalty.program'].create(
                {'name': program_type, 'program_type': program_type}
            )
            program.communication_plan_ids = [Command.clear(), self.plan_command('create')]
            with self.subTest(program_type=program_type):
                message = self.get_messages(self.create_card(program))
                self.assertEqual(message.message_class, message_class)

    def test_many_cards_at_once(self):
        counts = []
        for number in (2, 2, 20):  # the first fills caches
            vals_list = [
                {
                    'program_id': self.program.id,
                    'partner_id': self.create_partner(f"M{i}", email=f'm{i}@example.com').id,
                }
                for i in range(number)
            ]
            cards = self.env['loyalty.card'].with_context(action_no_send_mail=True)
            cards = cards.create(vals_list).with_context(action_no_send_mail=False)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            cards._send_creation_communication()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
