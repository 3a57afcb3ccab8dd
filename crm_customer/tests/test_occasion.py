from ast import literal_eval
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree
from psycopg2 import IntegrityError
from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TwoCursorsCase
from .common_occasion import OccasionCommon


@tagged('post_install', '-at_install')
class TestOccasion(OccasionCommon):
    def test_steps(self):
        stay = self.create_stay(self.guest_li).with_user(self.user_own)
        with freeze_time('2026-04-10 08:00:00'):
            stay.action_arrive()
        self.assertRecordValues(
            stay, [{'state': 'present', 'arrived_at': self.utc('2026-04-10 08:00:00')}]
        )
        with freeze_time('2026-04-12 04:00:00'):
            stay.action_leave()
        self.assertRecordValues(
            stay, [{'state': 'left', 'left_at': self.utc('2026-04-12 04:00:00')}]
        )

    def test_pressed_twice(self):
        stay = self.create_stay(self.guest_li)
        with freeze_time('2026-04-10 08:00:00'):
            stay.action_arrive()
        with freeze_time('2026-04-10 09:00:00'):
            stay.action_arrive()
        self.assertEqual(stay.arrived_at, self.utc('2026-04-10 08:00:00'))
        self.env.flush_all()
        tracked = stay.message_ids.tracking_value_ids.filtered(
            lambda value: value.field_id.name == 'state'
        )
        self.assertLessEqual(len(tracked), 1)
        for step in ('action_no_show', 'action_cancel'):
            with self.assertRaisesRegex(UserError, "Undo the last step first"):
                getattr(stay, step)()
        with self.assertRaises(UserError):
            self.create_stay(self.guest_wang).action_leave()

    def test_written_by_a_program(self):
        """Who writes the state itself goes the way of the buttons; nothing is lost on it."""
        stay = self.create_stay(self.guest_li).with_user(self.user_own)
        for state, wrong in (('no_show', 'left'), ('cancelled', 'present')):
            stay.state = state
            with self.assertRaisesRegex(UserError, "Undo the last step first"):
                stay.write({'state': wrong})
            stay.state = 'expected'
        stay.write({'state': 'present', 'place': "1208"})
        stay.write({'state': 'present'})
        with self.assertRaises(UserError):
            stay.state = 'cancelled'
        self.assertRecordValues(stay, [{'state': 'present', 'place': "1208"}])

    def test_undo(self):
        stay = self.create_stay(self.guest_li)
        with freeze_time('2026-04-10 08:00:00'):
            stay.action_arrive()
        stay.action_leave()
        on_screen = stay.with_context(occasion_state='left')
        on_screen.action_undo()
        on_screen.action_undo()
        self.assertRecordValues(
            stay,
            [
                {
                    'state': 'present',
                    'left_at': False,
                    'arrived_at': self.utc('2026-04-10 08:00:00'),
                }
            ],
        )
        stay.action_undo()
        self.assertRecordValues(stay, [{'state': 'expected', 'arrived_at': False}])
        stay.action_arrive()
        stay.action_leave()
        stay.action_undo()
        self.assertEqual(stay.state, 'present', "one step, also without a screen")
        stay.action_undo()
        for step in ('action_no_show', 'action_cancel'):
            getattr(stay, step)()
            stay.action_undo()
            self.assertEqual(stay.state, 'expected')
        stay.action_no_show()
        stay.action_arrive()
        self.assertEqual(stay.state, 'present', "he came after all")

    def test_printed(self):
        """The list on paper has what all staff may know."""
        stay = self.create_stay(self.guest_li, companions="Her mother", place="1208")
        for visibility in ('all', 'confidential'):
            self.env['crm.occasion.task'].sudo().create(
                {
                    'occasion_id': stay.id,
                    'department_id': self.env['crm.occasion.department'].search([], limit=1).id,
                    'text': f"Task for {visibility}",
                    'visibility': visibility,
                }
            )
        html, _type = self.env['ir.actions.report']._render_qweb_html(
            'crm_customer.report_arrivals', (stay | self.create_stay(self.guest_wang)).ids
        )
        for words in (self.guest_li.name, self.guest_wang.name, "Her mother", "1208", "for all"):
            self.assertIn(words, html.decode())
        self.assertNotIn("for confidential", html.decode())

    @mute_logger('odoo.sql_db')
    def test_constraints(self):
        stay = self.create_stay(self.guest_li, reference="RES-1")
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.create_stay(self.guest_wang, reference="RES-1")
        self.create_stay(self.guest_wang, reference="RES-1", type_id=self.appointment.id)
        self.create_stay(self.guest_wang, reference=" ")
        self.create_stay(self.guest_wang, reference="")
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            stay.date_to = stay.date_from - timedelta(hours=1)
            stay.flush_recordset()

    def test_arrival_list(self):
        """The lists of today and tomorrow are those of the reader's day."""
        search = self.env['crm.occasion'].with_context(tz='Asia/Shanghai').search
        mine = [('partner_id', 'in', (self.guest_li | self.guest_wang).ids)]
        with freeze_time('2026-04-09 15:00:00'):  # 23:00 on the 9th
            stay = self.create_stay(self.guest_li, date_from='2026-04-09 15:30:00', date_to=False)
            later = self.create_stay(
                self.guest_wang, date_from='2026-04-09 16:30:00', date_to=False
            )
            today, tomorrow = self.get_filters('today', 'tomorrow')
            self.assertEqual(search(mine + today), stay)
            self.assertEqual(search(mine + tomorrow), later)

    def test_late_arrivals(self):
        """Who was expected yesterday and may still come stands in today's list."""
        with freeze_time('2026-04-09 20:00:00'):
            (today,) = self.get_filters('today')
            last_night = self.create_stay(self.guest_li, days=-1)
            over = self.create_stay(self.guest_wang, days=-3)
            search = self.env['crm.occasion'].search
            self.assertEqual(search([('id', 'in', (last_night | over).ids), *today]), last_night)
            last_night.action_arrive()
            last_night.date_from = '2026-04-08 20:00:00'
            self.assertFalse(search([('id', '=', last_night.id), *today]), "he came yesterday")

    def get_filters(self, *names):
        """Return the domains of filters of the arrival list."""
        arch = etree.fromstring(self.env.ref('crm_customer.crm_occasion_view_search').arch)
        return [
            literal_eval(arch.find(f".//filter[@name='{name}']").get('domain')) for name in names
        ]

    def test_visit_of_unknown_length_ends(self):
        with freeze_time('2026-04-10 08:00:00'):
            action = self.guest_li.with_user(self.user_own).action_note_visit()
            visit = self.env['crm.occasion'].browse(action['res_id'])
            self.assertRecordValues(visit, [{'state': 'present', 'type_id': self.visit.id}])
            again = self.guest_li.with_user(self.user_own).action_note_visit()
            self.assertEqual(again['res_id'], visit.id, "pressed twice is one visit")
        stay = self.create_stay(self.guest_wang)
        stay.action_arrive()
        for moment, state in (('2026-04-10 09:59:00', 'present'), ('2026-04-10 10:00:00', 'left')):
            with freeze_time(moment), self.enter_registry_test_mode():
                self.env.ref('crm_customer.ir_cron_crm_occasion_close').method_direct_trigger()
            visit.invalidate_recordset()
            self.assertEqual(visit.state, state)
        self.assertEqual(visit.left_at, self.utc('2026-04-10 10:00:00'))
        self.assertEqual(stay.state, 'present')

    def close_forgotten(self):
        with self.enter_registry_test_mode():
            self.env.ref('crm_customer.ir_cron_crm_occasion_close').method_direct_trigger()
        self.env.invalidate_all()

    def create_visits(self, count):
        return self.env['crm.occasion'].create(
            [
                {
                    'type_id': self.visit.id,
                    'partner_id': self.guest_li.id,
                    'date_from': '2026-04-10 08:00:00',
                    'state': 'present',
                    'arrived_at': '2026-04-10 08:00:00',
                }
                for _number in range(count)
            ]
        )

    def test_long_visits_do_not_hide_forgotten_ones(self):
        """However many may stay for long, the one whose time is up is found."""
        long = self.visit.copy({'close_after': 100000, 'code': False})
        with freeze_time('2026-04-10 08:00:00'):
            visit = self.create_visits(1)
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO crm_occasion (type_id, partner_id, company_id, currency_id, date_from,"
            " state, arrived_at) SELECT %s, partner_id, company_id, currency_id,"
            " timestamp '2026-03-01', 'present', timestamp '2026-03-01'"
            " FROM crm_occasion, generate_series(1, 1000) WHERE id = %s",
            [long.id, visit.id],
        )
        self.close_forgotten()
        self.assertEqual(visit.state, 'left')

    def test_visit_that_cannot_be_closed(self):
        """One that fails, or is busy, takes nothing back of what was done before."""
        visits = self.create_visits(5)
        Occasion = self.registry['crm.occasion']
        origin = Occasion.write

        def fail(records, vals):
            if visits[1] in records:
                raise KeyError('no')
            return origin(records, vals)

        logger = 'odoo.addons.crm_customer.models.crm_occasion'
        with patch.object(Occasion, 'write', fail), self.assertLogs(logger, 'ERROR'):
            self.close_forgotten()
        self.assertEqual(visits.mapped('state'), ['left', 'present', 'left', 'left', 'left'])

    def test_visit_somebody_works_on(self):
        visits = self.create_visits(5)
        Occasion = self.registry['crm.occasion']
        origin = Occasion.write

        def fail(records, vals):
            if visits[2] in records:
                raise SerializationFailure("somebody was faster")
            return origin(records, vals)

        with (
            patch.object(Occasion, 'write', fail),
            patch('odoo.addons.crm_customer.models.crm_occasion.CHUNK', 2),
        ):
            self.close_forgotten()
        self.assertEqual(visits.mapped('state'), ['left', 'left', 'present', 'present', 'left'])
        self.close_forgotten()
        self.assertEqual(set(visits.mapped('state')), {'left'}, "the next run finds them")

    def test_signs_are_no_phone_number(self):
        partners = self.env['res.partner'].with_user(self.user_own)
        for text in ('-----', '(    )', '+...-', '1 - - - 2', '..1..2..3..4'):
            with self.subTest(text):
                self.assertFalse(partners.search([('phone_text_search', 'ilike', text)]))
                self.assertFalse(partners.name_search(text))

    def test_search_by_phone(self):
        """B5 step 1: the file is found by the phone number, however it is typed."""
        partners = self.env['res.partner'].with_user(self.user_own)
        for text in ('13800138000', '138 0013 8000', '+86 138-0013-8000', '138000'):
            with self.subTest(text):
                found = partners.search([('phone_text_search', 'ilike', text)])
                self.assertIn(self.guest_li, found)
                self.assertNotIn(self.guest_wang, found)
                self.assertIn(self.guest_li.id, [row[0] for row in partners.name_search(text)])
        self.assertFalse(partners.search([('phone_text_search', 'ilike', "Li")]))
        self.assertIn(self.guest_li.id, [row[0] for row in partners.name_search("Li")])

    def test_one_button(self):
        """The form of a contact says Is Here once."""
        form = self.env['res.partner'].get_view(view_type='form')['arch']
        self.assertEqual(form.count('name="action_note_visit"'), 1)

    def test_access(self):
        stay = self.create_stay(self.guest_li)
        with self.assertRaises(AccessError):
            stay.with_user(self.user_employee).read(['place'])
        with self.assertRaises(AccessError):
            stay.with_user(self.user_employee).action_arrive()
        stay.with_user(self.user_own).action_arrive()
        with self.assertRaises(AccessError):
            stay.with_user(self.user_own).unlink()
        with self.assertRaises(AccessError):
            self.stay.with_user(self.user_all).write({'name': "Sojourn"})
        self.stay.with_user(self.user_manager).write({'name': "Sojourn"})

    def test_companies(self):
        other = self.env['crm.occasion'].create(
            {
                'type_id': self.stay.id,
                'partner_id': self.guest_li.id,
                'company_id': self.other_company.id,
                'date_from': fields.Datetime.now(),
            }
        )
        with self.assertRaises(AccessError):
            other.with_user(self.user_own).action_arrive()
        self.assertFalse(
            self.env['crm.occasion'].with_user(self.user_own).search([('id', '=', other.id)])
        )
        kind = self.env['crm.occasion.type'].create(
            {'name': "Theirs", 'company_id': self.other_company.id}
        )
        with self.assertRaises(UserError):
            self.create_stay(self.guest_li, type_id=kind.id)
        with self.assertRaises(AccessError):
            kind.with_user(self.user_own).read(['name'])

    def test_time_line(self):
        stay = self.create_stay(self.guest_li, reference="RES-7")
        self.env.flush_all()
        page = self.guest_li.with_user(self.user_own).get_customer_timeline(
            sources=['crm.occasion']
        )
        self.assertEqual([entry['title'] for entry in page['entries']], ["Stay RES-7"])
        stay.partner_id = self.guest_wang
        self.assertFalse(self.guest_li.get_customer_timeline(sources=['crm.occasion'])['entries'])


@tagged('post_install', '-at_install')
class TestTwoPeople(TwoCursorsCase):
    def test_arrive_at_once(self):
        """Two people press Arrived at the same moment: the second is run again and finds it."""
        kind = self.env.ref('crm_customer.crm_occasion_type_stay').id
        company = self.env.company.id
        self.execute_committed(
            "INSERT INTO res_partner (name, active, autopost_bills) VALUES"
            " ('Two people', true, 'ask')"
        )
        self.execute_committed(
            "INSERT INTO crm_occasion (type_id, partner_id, company_id, currency_id, date_from,"
            " state, lock_version) SELECT %s, partner.id, company.id, company.currency_id, now(),"
            " 'expected', 0 FROM res_partner AS partner, res_company AS company"
            " WHERE partner.name = 'Two people' AND company.id = %s",
            kind,
            company,
        )
        self.addCleanup(self.execute_committed, "DELETE FROM res_partner WHERE name = 'Two people'")
        self.addCleanup(
            self.execute_committed,
            "DELETE FROM crm_occasion USING res_partner AS partner"
            " WHERE partner.id = partner_id AND partner.name = 'Two people'",
        )
        self.take_snapshots()
        first, second = (
            env['crm.occasion'].search([('partner_id.name', '=', "Two people")])
            for env in (self.env_1, self.env_2)
        )
        silent = {'tracking_disable': True}
        first.with_context(**silent).action_arrive()
        self.env_1.cr.commit()
        with self.assertRaises(SerializationFailure), mute_logger('odoo.sql_db'):
            second.with_context(**silent).action_arrive()
        self.env_2.cr.rollback()
        arrived_at = first.arrived_at
        second.invalidate_recordset()
        second.with_context(**silent).action_arrive()  # what Odoo does then
        self.assertEqual((second.state, second.arrived_at), ('present', arrived_at))

    def test_visit_at_once(self):
        """Is Here pressed twice at once, or at two tills: the second is run again and finds it."""
        for known in (False, True):
            with self.subTest("with a person" if known else "without"):
                self.check_visit_at_once(known)

    def check_visit_at_once(self, known):
        name = f"Two tills {known}"
        self.execute_committed(
            "INSERT INTO res_partner (name, active, autopost_bills) VALUES (%s, true, 'ask')", name
        )
        self.addCleanup(self.execute_committed, "DELETE FROM res_partner WHERE name = %s", name)
        for table in ('crm_person', 'crm_occasion'):
            self.addCleanup(
                self.execute_committed,
                f"DELETE FROM {table} USING res_partner AS partner"
                " WHERE partner.id = partner_id AND partner.name = %s",
                name,
            )
        silent = {'tracking_disable': True}
        first, second = (
            env['res.partner'].with_context(**silent).search([('name', '=', name)])
            for env in (self.env_1, self.env_2)
        )
        if known:
            self.env_1['crm.person']._for_partners(first)
            self.env_1.cr.commit()
        self.take_snapshots()
        visit = first.action_note_visit()['res_id']
        self.env_1.cr.commit()
        with self.assertRaises(SerializationFailure), mute_logger('odoo.sql_db'):
            second.action_note_visit()
        self.env_2.cr.rollback()
        self.assertEqual(second.action_note_visit()['res_id'], visit)  # what Odoo does then
