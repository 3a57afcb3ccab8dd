from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common_occasion import OccasionCommon


@tagged('post_install', '-at_install')
class TestOccasionCalendar(OccasionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tag = cls.env['calendar.event.type'].create({'name': "Fitting"})
        cls.appointment.calendar_category_ids = cls.tag
        cls.start = fields.Datetime.now().replace(microsecond=0) + timedelta(days=1)

    def create_event(self, partners, **values):
        return (
            self.env['calendar.event']
            .with_user(self.user_own)
            .create(
                {
                    'name': "Meeting",
                    'start': self.start,
                    'stop': self.start + timedelta(hours=1),
                    'partner_ids': [Command.set((partners | self.user_own.partner_id).ids)],
                    'categ_ids': [Command.set(self.tag.ids)],
                    'location': "Room 2",
                    **values,
                }
            )
        )

    def test_made_by_tag(self):
        event = self.create_event(self.guest_li | self.guest_wang)
        self.assertRecordValues(
            event.occasion_ids.sorted('partner_id'),
            [
                {
                    'partner_id': guest.id,
                    'type_id': self.appointment.id,
                    'date_from': self.start,
                    'date_to': self.start + timedelta(hours=1),
                    'place': "Room 2",
                    'user_id': self.user_own.id,
                    'state': 'expected',
                }
                for guest in self.guest_li | self.guest_wang
            ],
        )
        self.assertFalse(self.create_event(self.guest_li, categ_ids=False).occasion_ids)

    def test_follows(self):
        event = self.create_event(self.guest_li | self.guest_wang)
        event.write(
            {'start': self.start + timedelta(hours=3), 'stop': self.start + timedelta(hours=4)}
        )
        li, wang = event.occasion_ids.sorted('partner_id')
        self.assertEqual(li.date_from, self.start + timedelta(hours=3))
        wang.action_arrive()
        arrived_from = wang.date_from
        event.partner_ids -= self.guest_li
        self.assertEqual((li.state, wang.state), ('cancelled', 'present'))
        event.partner_ids |= self.guest_li
        self.assertEqual(li.state, 'expected')
        event.active = False
        self.assertEqual((li.state, wang.state), ('cancelled', 'present'))
        event.active = True
        self.assertEqual(li.state, 'expected')
        self.assertEqual(wang.date_from, arrived_from)
        event.unlink()
        self.assertEqual((li.state, wang.state), ('cancelled', 'present'))
        self.assertFalse(li.calendar_event_id)

    def test_cancelled_by_staff_stays_cancelled(self):
        event = self.create_event(self.guest_li)
        event.occasion_ids.action_cancel()
        event.write({'location': "Room 3"})
        self.assertEqual(event.occasion_ids.state, 'cancelled')

    def test_by_button(self):
        event = self.create_event(self.guest_li, categ_ids=False)
        event.action_expect_customers()
        event.action_expect_customers()
        self.assertEqual(len(event.occasion_ids), 1)
        self.assertEqual(event.occasion_ids.type_id, self.appointment)
        with self.assertRaises(UserError):
            self.create_event(self.env['res.partner'], categ_ids=False).action_expect_customers()

    def test_meetings_among_ourselves_cost_nothing(self):
        self.appointment.calendar_category_ids = False
        self.assertFalse(self.create_event(self.guest_li).occasion_ids)
