from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

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

    def get_occasions(self, event):
        return self.env['crm.occasion'].search([('calendar_event_id', '=', event.id)])

    def test_made_by_tag(self):
        event = self.create_event(self.guest_li | self.guest_wang)
        self.assertRecordValues(
            self.get_occasions(event).sorted('partner_id'),
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
        self.assertFalse(self.get_occasions(self.create_event(self.guest_li, categ_ids=False)))

    def test_follows(self):
        event = self.create_event(self.guest_li | self.guest_wang)
        event.write(
            {'start': self.start + timedelta(hours=3), 'stop': self.start + timedelta(hours=4)}
        )
        li, wang = self.get_occasions(event).sorted('partner_id')
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
        self.get_occasions(event).action_cancel()
        mine = self.user_own.with_user(self.user_own)
        for change in (
            lambda: event.write({'location': "Room 3"}),
            lambda: mine.write({'calendar_default_privacy': 'confidential'}),
            lambda: mine.write({'calendar_default_privacy': 'private'}),
            lambda: event.write({'privacy': 'public'}),
            lambda: event.write({'active': False}),
            lambda: event.write({'active': True}),
        ):
            change()
            self.assertEqual(self.get_occasions(event).state, 'cancelled')
        self.get_occasions(event).action_undo()
        event.active = False
        event.active = True
        self.assertEqual(self.get_occasions(event).state, 'expected')

    def test_once_one_of_us(self):
        """A contact whose user was archived is a customer as any other."""
        former = new_test_user(self.env, 'former', 'base.group_user')
        self.assertFalse(self.get_occasions(self.create_event(former.partner_id)))
        former.active = False
        former.partner_id.active = True
        event = self.create_event(former.partner_id)
        self.assertEqual(self.get_occasions(event).partner_id, former.partner_id)

    def test_other_meetings_cost_nothing(self):
        """Neither changing many meetings nor one's calendar asks anything of each of them."""

        def count(work, *args):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            work(*args)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        counts = []
        other = self.tag.create({'name': "Other"})
        events = self.env['calendar.event'].with_user(self.user_own)
        settings = self.user_own.res_users_settings_id
        for number in (4, 4, 40):  # caches are filled by the first round
            for tag in (self.tag.browse(), other):
                for _number in range(number // 2):
                    events |= self.create_event(self.guest_li, categ_ids=[Command.set(tag.ids)])
            change = {'location': f"Room {len(events)}"}
            counts.append((count(events.write, change), count(settings._sync_occasions)))
        self.assertEqual(*counts[1:])

    def test_by_button(self):
        event = self.create_event(self.guest_li, categ_ids=False)
        event.action_expect_customers()
        event.action_expect_customers()
        self.assertEqual(len(self.get_occasions(event)), 1)
        self.assertEqual(self.get_occasions(event).type_id, self.appointment)
        with self.assertRaises(UserError):
            self.create_event(self.env['res.partner'], categ_ids=False).action_expect_customers()

    def test_meetings_among_ourselves_cost_nothing(self):
        self.appointment.calendar_category_ids = False
        self.assertFalse(self.get_occasions(self.create_event(self.guest_li)))

    # ------------------------------------------------------------
    # PRIVATE MEETINGS
    # ------------------------------------------------------------

    def test_private(self):
        """The arrival list is read by everybody: private meetings do not stand there."""
        private = self.create_event(self.guest_li, privacy='private')
        self.assertFalse(self.get_occasions(private))
        with self.assertRaisesRegex(UserError, "private"):
            private.action_expect_customers()
        private.privacy = 'confidential'  # for staff
        self.assertEqual(self.get_occasions(private).state, 'expected')

    def test_becomes_private(self):
        event = self.create_event(self.guest_li | self.guest_wang, location="Oncology")
        li, wang = self.get_occasions(event).sorted('partner_id')
        wang.action_arrive()
        self.env.flush_all()
        event.privacy = 'private'
        self.env.flush_all()
        self.assertEqual((li.state, wang.state), ('cancelled', 'present'))
        self.assertFalse(li.place or wang.place)
        tracked = (li | wang).message_ids.sudo().tracking_value_ids
        self.assertNotIn("Oncology", tracked.mapped('old_value_char'))
        event.write({'location': "Radiology"})
        self.assertFalse(li.place or wang.place)
        event.privacy = False
        self.assertEqual((li.state, li.place), ('expected', "Radiology"))

    def test_becomes_private_with_tasks(self):
        department = self.env['crm.occasion.department'].create({'name': "Reception"})
        self.env['crm.occasion.rule'].create(
            {
                'name': "Prepare",
                'department_id': department.id,
                'type_ids': [Command.set(self.appointment.ids)],
                'for_notes': False,
                'days_before': 5,
                'text': "Prepare {place}",
            }
        )
        event = self.create_event(self.guest_li, location="Oncology")
        tasks = self.get_occasions(event).task_ids.filtered(
            lambda task: task.department_id == department
        )
        self.assertEqual(tasks.text, "Prepare Oncology")
        event.privacy = 'private'
        self.assertEqual((tasks.state, tasks.text), ('void', "Prepare"))

    def test_private_by_default(self):
        mine = self.user_own.with_user(self.user_own)
        mine.calendar_default_privacy = 'private'
        event = self.create_event(self.guest_li)
        self.assertFalse(self.get_occasions(event))
        mine.calendar_default_privacy = 'public'
        self.assertEqual(self.get_occasions(event).state, 'expected')
        mine.calendar_default_privacy = 'private'
        self.assertRecordValues(self.get_occasions(event), [{'state': 'cancelled', 'place': False}])

    # ------------------------------------------------------------
    # COMPANIES
    # ------------------------------------------------------------

    def test_company(self):
        """Customers are expected where they belong, shared ones where one works."""
        self.guest_wang.company_id = self.other_company
        self.user_own.company_ids |= self.other_company
        here = self.create_event(self.guest_li | self.guest_wang)
        li, wang = self.get_occasions(here).sorted('partner_id')
        self.assertEqual((li.company_id, wang.company_id), (self.company, self.other_company))
        self.assertEqual(li.user_id, self.user_own)
        there = self.create_event(self.guest_li)
        self.get_occasions(there).unlink()
        there.with_company(self.other_company).write({'location': "Room 4"})
        self.assertEqual(self.get_occasions(there).company_id, self.other_company)

    def test_company_the_organiser_is_not_of(self):
        self.guest_wang.company_id = self.other_company
        event = self.create_event(self.guest_wang)
        self.assertRecordValues(
            self.get_occasions(event), [{'company_id': self.other_company.id, 'user_id': False}]
        )
        event.write({'location': "Room 4"})
        self.assertEqual(self.get_occasions(event).place, "Room 4")
        event = self.create_event(self.guest_li, user_id=self.user_own.id)
        self.get_occasions(event).unlink()
        admin = self.env.ref('base.user_admin')
        admin.company_ids |= self.other_company
        event.with_user(admin).with_company(self.other_company).location = "Room 5"
        self.assertEqual(self.get_occasions(event).company_id, self.company)

    def test_types_of_companies(self):
        theirs = self.env['crm.occasion.type'].create(
            {
                'name': "Theirs",
                'company_id': self.other_company.id,
                'calendar_category_ids': [Command.set(self.tag.ids)],
                'sequence': 0,
            }
        )
        self.guest_wang.company_id = self.other_company
        event = self.create_event(self.guest_li | self.guest_wang)
        li, wang = self.get_occasions(event).sorted('partner_id')
        self.assertEqual((li.type_id, wang.type_id), (self.appointment, theirs))
        self.assertEqual(wang.currency_id, self.other_company.currency_id)
        later = self.env['res.partner'].create({'name': "Zhao", 'company_id': self.company.id})
        wang.unlink()
        event.partner_ids = later | self.guest_wang
        self.assertEqual(
            {o.partner_id: o.type_id for o in self.get_occasions(event) if o.state == 'expected'},
            {later: self.appointment, self.guest_wang: self.appointment},
        )
