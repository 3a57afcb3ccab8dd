from datetime import datetime, timedelta
from functools import wraps
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import CrmCustomerCommon
from .test_occasion_tasks import TaskCommon


@tagged('post_install', '-at_install')
class TestTours(CrmCustomerCommon, HttpCase):
    def test_customer_timeline(self):
        start = datetime(2026, 1, 1)
        for index in range(60):
            self.create_message(self.contact, start + timedelta(hours=index), f"Note {index}")
        self.create_order(self.customer, start, name="TOUR-1")
        self.start_tour(
            f'/odoo/res.partner/{self.customer.id}', 'crm_customer_timeline', login='admin'
        )

    def test_customer_consent(self):
        self.contact.email = 'chen@example.com'
        self.start_tour(
            f'/odoo/res.partner/{self.contact.id}', 'crm_customer_consent', login='admin'
        )
        person = self.env['crm.person']._for_partners(self.contact)
        self.assertEqual(person._get_consent_statuses(self.company), {('care', 'sms'): 'out'})

    def test_note_is_kept_on_leaving(self):
        self.start_tour(
            f'/odoo/res.partner/{self.customer.id}', 'crm_customer_note_left', login='admin'
        )
        notes = self.env['crm.customer.note'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual(set(notes.mapped('text')), {"Likes tea", "Likes coffee"})

    def test_merged_from_the_form(self):
        pair = self.env['crm.merge.suggestion'].create(
            {
                'partner_a_id': self.env['res.partner'].create({'name': "Tour Twin"}).id,
                'partner_b_id': self.env['res.partner'].create({'name': "Tour Twin"}).id,
                'found_at': fields.Datetime.now(),
            }
        )
        self.start_tour(
            f'/odoo/crm-merge-suggestions/{pair.id}', 'crm_customer_merge', login='admin'
        )
        self.assertFalse(pair.exists())

    def test_notes_of_the_next_customer(self):
        """What is known of one customer never stands under the name of another."""
        first, second = self.env['res.partner'].create(
            [{'name': "Notes Tour 1"}, {'name': "Notes Tour 2"}]
        )
        self.env['crm.customer.note'].create({'partner_id': first.id, 'text': "Allergic to nuts"})
        Note = self.registry['crm.customer.note']
        origin = Note.search_read

        @wraps(origin)
        def search_read(notes, domain=None, *args, **kwargs):
            if list(domain) == [['partner_id', 'child_of', second.id]]:
                raise UserError("The connection is lost.")  # pylint: disable=translation-required
            return origin(notes, domain, *args, **kwargs)

        with patch.object(Note, 'search_read', search_read), mute_logger('odoo.http'):
            self.start_tour(
                '/odoo/action-base.action_partner_customer_form',
                'crm_customer_next_notes',
                login='admin',
            )


@tagged('post_install', '-at_install')
class TestPhoneTours(TaskCommon, HttpCase):
    """What receptionists, managers and cashiers do on a phone."""

    browser_size = '390x844'
    touch_enabled = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        today = fields.Date.context_today(cls.env['res.partner'].with_context(tz='Asia/Shanghai'))
        cls.guest = cls.env['res.partner'].create(
            {
                'name': "Tour Guest",
                'phone': '+86 138 0013 8777',
                'birth_month': today.month,
                'birth_day': today.day,
            }
        )
        cls.env['res.partner'].create({'name': "Tour Other", 'phone': '+86 138 0013 8778'})
        cls.rule_birthday.text = "Flowers for {customer}"
        for user in (cls.user_all, cls.cook):
            user.tz = 'Asia/Shanghai'
        cls.env['crm.occasion'].search([]).unlink()

    def test_hotel_arrival(self):
        self.create_note(self.guest, "Buckwheat pillow", self.pillow)
        stay = self.create_stay(self.guest, place="1611", note="Comes for a wedding")
        self.start_tour('/odoo/arrivals', 'crm_customer_hotel_arrival', login=self.user_all.login)
        self.assertEqual(stay.state, 'present')
        task = stay.task_ids.filtered(lambda task: task.department_id == self.management)
        self.assertEqual(task.state, 'open')
        self.management.user_ids = self.cook  # who has no other role
        self.start_tour('/odoo', 'crm_customer_department_tasks', login=self.cook.login)
        self.assertRecordValues(task, [{'state': 'done', 'done_by': self.cook.id}])

    def test_till(self):
        self.create_note(self.guest, "Low-salt soy sauce", self.pillow)
        self.start_tour(
            '/odoo/action-base.action_partner_customer_form',
            'crm_customer_till',
            login=self.user_all.login,
        )
        visit = self.env['crm.occasion'].search([('partner_id', '=', self.guest.id)])
        self.assertRecordValues(visit, [{'state': 'present', 'type_id': self.visit.id}])
