from datetime import date, datetime, timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged

from .common import CrmCustomerCommon

NOON = datetime(2026, 3, 14, 12, 0, 0)
DAY = timedelta(days=1)


class TimelineSourcesCase(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_colleague = new_test_user(cls.env, 'cc_colleague', 'base.group_user')
        cls.call_type = cls.env.ref('mail.mail_activity_data_call')
        cls.visit_type = cls.env.ref('mail.mail_activity_data_meeting')

    def read_entries(self, user=None, partner=None, **kwargs):
        partner = partner or self.customer
        return partner.with_user(user or self.env.user).get_customer_timeline(**kwargs)['entries']

    def get_titles(self, user=None, **kwargs):
        return [entry['title'] for entry in self.read_entries(user, **kwargs)]

    def create_meeting(self, name, start=NOON, owner=None, **values):
        owner = owner or self.user_employee
        return (
            self.env['calendar.event']
            .with_user(owner)
            .create(
                {
                    'name': name,
                    'start': start,
                    'stop': start + timedelta(hours=1),
                    'user_id': owner.id,
                    'partner_ids': [Command.set((owner.partner_id + self.contact).ids)],
                    **values,
                }
            )
        )

    def do_activity(self, record, activity_type, feedback, user=None):
        user = user or self.user_salesman
        activity = self.env['mail.activity'].create(
            {
                'res_model_id': self.env['ir.model']._get_id(record._name),
                'res_id': record.id,
                'activity_type_id': activity_type.id,
                'user_id': user.id,
            }
        )
        activity.with_user(user).action_feedback(feedback=feedback)


@tagged('post_install', '-at_install')
class TestTimelineSources(TimelineSourcesCase):
    # ------------------------------------------------------------
    # Meetings
    # ------------------------------------------------------------

    def test_meeting(self):
        meeting = self.create_meeting("Talk about next year", location="Their office")
        (entry,) = self.read_entries(self.user_colleague, sources=['calendar.event'])
        self.assertEqual((entry['res_model'], entry['res_id']), ('calendar.event', meeting.id))
        self.assertEqual(entry['title'], "Talk about next year")
        self.assertEqual(entry['body'], "Their office")
        self.assertEqual(entry['date'], '2026-03-14 12:00:00')

    def test_meeting_of_a_whole_day(self):
        self.create_meeting("Fair", allday=True, start_date=NOON.date(), stop_date=NOON.date())
        (entry,) = self.read_entries(sources=['calendar.event'])
        self.assertEqual(entry['date'], '2026-03-14')

    def test_private_meetings(self):
        """Neither those marked private nor those of a private calendar are shown to others."""
        self.user_salesman.with_user(self.user_salesman).calendar_default_privacy = 'private'
        self.create_meeting("Private", privacy='private')
        self.create_meeting("Of a private calendar", owner=self.user_salesman)
        self.create_meeting("Open", privacy='public')
        self.assertEqual(self.get_titles(self.user_colleague, sources=['calendar.event']), ["Open"])
        self.assertEqual(
            set(self.get_titles(self.user_employee, sources=['calendar.event'])),
            {"Private", "Open"},
        )
        self.assertEqual(
            set(self.get_titles(self.user_salesman, sources=['calendar.event'])),
            {"Of a private calendar", "Open"},
        )

    def test_meetings_of_users_who_chose_nothing(self):
        """They have what all new users have."""
        self.user_salesman.res_users_settings_id.unlink()
        self.create_meeting("Theirs", owner=self.user_salesman)
        sources = {'sources': ['calendar.event']}
        self.assertEqual(self.get_titles(self.user_colleague, **sources), ["Theirs"])
        self.env['ir.config_parameter'].set_param('calendar.default_privacy', 'private')
        self.assertFalse(self.get_titles(self.user_colleague, **sources))
        self.assertEqual(self.get_titles(self.user_salesman, **sources), ["Theirs"])

    def test_messages_of_private_meetings(self):
        meeting = self.create_meeting("Private", privacy='private')
        self.create_message(meeting, NOON, "secret", model='calendar.event')
        self.assertFalse(self.read_entries(self.user_colleague, search="secret"))
        self.assertTrue(self.read_entries(self.user_employee, search="secret"))

    def test_meetings_of_the_coming_week_only(self):
        now = fields.Datetime.now()
        self.create_meeting("Past", start=now - DAY)
        self.create_meeting("Soon", start=now + 2 * DAY)
        self.create_meeting("Next year", start=now + 365 * DAY)
        entries = self.read_entries(sources=['calendar.event'])
        self.assertEqual([entry['title'] for entry in entries], ["Soon", "Past"])
        self.assertEqual([entry['state'] for entry in entries], ["Upcoming", ""])

    # ------------------------------------------------------------
    # Messages, calls and visits
    # ------------------------------------------------------------

    def test_messages_on_documents_one_may_read(self):
        mine = self.create_order(self.contact, NOON, user_id=self.user_salesman.id)
        other = self.create_order(self.contact, NOON, user_id=self.user_manager.id)
        for order, body in ((mine, "on mine"), (other, "on the other one")):
            self.create_message(order, NOON + DAY, body, model='sale.order')
        entries = self.read_entries(self.user_salesman, sources=['mail.message'])
        self.assertEqual([entry['body'] for entry in entries], ["on mine"])
        self.assertEqual((entries[0]['res_model'], entries[0]['res_id']), ('sale.order', mine.id))
        self.assertIn(mine.name, entries[0]['title'])
        self.assertFalse(self.read_entries(self.user_employee, sources=['mail.message']))

    def test_messages_of_a_model_that_is_stricter(self):
        """What a model says about its messages is asked for each page."""
        order = self.create_order(self.contact, NOON, user_id=self.user_salesman.id)
        self.create_message(order, NOON, "text", model='sale.order')
        with patch.object(
            self.registry['sale.order'],
            '_mail_get_operation_for_mail_message_operation',
            lambda self, operation: dict.fromkeys(self, 'unlink'),
        ):
            self.assertFalse(self.read_entries(self.user_salesman, sources=['mail.message']))
        self.assertTrue(self.read_entries(self.user_salesman, sources=['mail.message']))

    def test_calls_and_visits(self):
        order = self.create_order(self.contact, NOON, user_id=self.user_salesman.id)
        self.do_activity(self.customer, self.call_type, "Wants a discount")
        self.do_activity(order, self.visit_type, "Showed the new lamps")
        self.do_activity(order, self.env.ref('mail.mail_activity_data_todo'), "Copied the file")
        entries = self.read_entries(self.user_salesman, sources=['mail.activity'])
        self.assertEqual({entry['state'] for entry in entries}, {"Call", "Meeting"})
        bodies = " ".join(entry['body'] for entry in entries)
        self.assertIn("Wants a discount", bodies)
        self.assertIn("Showed the new lamps", bodies)
        self.assertEqual(len(self.read_entries(self.user_employee, sources=['mail.activity'])), 1)

    # ------------------------------------------------------------
    # The suite's messages, consent
    # ------------------------------------------------------------

    def create_planned_message(self, partner=None, **values):
        person = self.env['crm.person']._for_partners(partner or self.contact)
        return self.env['crm.message'].create(
            {
                'key': f"test:{values}",
                'person_id': person.id,
                'message_class': 'offer',
                'purpose': 'promotion',
                'planned_at': NOON,
                **values,
            }
        )

    def test_messages_sent_and_held(self):
        self.create_planned_message(subject="Sent", state='sent', sent_at=NOON + 2 * DAY)
        self.create_planned_message(
            subject="Refused", state='refused', reason='no_consent', decided_at=NOON + DAY
        )
        self.create_planned_message(reason='quiet_period', message_class='gift', purpose='care')
        self.create_planned_message(self.stranger, subject="Somebody else's")
        entries = self.read_entries(self.user_own, sources=['crm.message'])
        self.assertEqual([entry['title'] for entry in entries], ["Sent", "Refused", "Gift"])
        self.assertEqual([entry['date'][:10] for entry in entries],
                         ['2026-03-16', '2026-03-15', '2026-03-14'])  # fmt: skip
        self.assertEqual([entry['state'] for entry in entries], ["Sent", "Refused", "Waiting"])
        self.assertEqual(entries[1]['body'], "Email · No consent")

    def test_messages_of_another_company(self):
        self.create_planned_message(company_id=self.other_company.id)
        self.assertFalse(self.read_entries(self.user_own, sources=['crm.message']))

    def test_consent(self):
        person = self.env['crm.person']._for_partners(self.contact)
        person._set_consent(['promotion'], ['email'], 'in', company=self.company, source='portal')
        person._set_consent(['promotion'], ['email'], 'out', company=self.company, source='portal')
        entries = self.read_entries(self.user_employee, sources=['crm.consent.event'])
        self.assertEqual([entry['state'] for entry in entries], ["Refused", "Agreed"])
        self.assertEqual(entries[0]['title'], "Promotions · Email")

    def test_consent_of_a_person_merged_into_the_customer(self):
        persons = self.env['crm.person']._for_partners(self.contact + self.stranger)
        survivor = persons.filtered(lambda person: person.partner_id == self.contact)
        merged = persons - survivor
        merged._set_consent(['care'], ['sms'], 'out', company=self.company, source='staff')
        merged.write({'survivor_id': survivor.id, 'partner_id': False})
        self.assertEqual(len(self.read_entries(sources=['crm.consent.event'])), 1)

    def test_mails_of_the_suite_stand_there_once(self):
        self.create_planned_message(subject="Offer", rfc_message_id='<7@example.com>')
        self.create_message(self.contact, NOON, "Offer", message_id='<7@example.com>')
        self.create_message(self.contact, NOON, "Answer", message_id='<8@example.com>')
        entries = self.read_entries()
        self.assertEqual(
            {(entry['source'], entry['body']) for entry in entries},
            {('crm.message', "Email"), ('mail.message', "Answer")},
        )

    # ------------------------------------------------------------
    # Notes, occasions
    # ------------------------------------------------------------

    def create_note(self, text, **values):
        return self.env['crm.customer.note'].create(
            {'partner_id': self.contact.id, 'text': text, 'date': NOON.date(), **values}
        )

    def test_notes_by_visibility(self):
        for visibility in ('all', 'service', 'confidential'):
            self.create_note(visibility, visibility=visibility)
        self.create_note("no longer", active=False)
        for groups, expected in (
            ('base.group_user', {'all'}),
            ('crm_customer.group_note_service', {'all', 'service'}),
            ('crm_customer.group_note_confidential', {'all', 'service', 'confidential'}),
        ):
            user = new_test_user(self.env, f'cc_{len(expected)}', groups)
            with self.subTest(groups=groups), self.as_web_client():
                entries = self.read_entries(user, sources=['crm.customer.note'])
                self.assertEqual({entry['body'] for entry in entries}, expected)

    def test_confidential_notes_are_in_no_file(self):
        user = new_test_user(self.env, 'cc_conf', 'crm_customer.group_note_confidential')
        self.create_note("open")
        self.create_note("closed", visibility='confidential')
        partner = self.customer.with_user(user)
        lines = list(partner._iter_timeline_export(sources=['crm.customer.note']))[1:]
        self.assertEqual([line[3] for line in lines], ["open"])
        lines = partner._iter_timeline_export(sources=['crm.customer.note'], search="closed")
        self.assertEqual(len(list(lines)), 1, "only the headers")

    def test_occasions(self):
        stay = self.env['crm.occasion'].create({'partner_id': self.contact.id, 'date_from': NOON})
        (entry,) = self.read_entries(self.user_own, sources=['crm.occasion'])
        self.assertEqual((entry['res_model'], entry['res_id']), ('crm.occasion', stay.id))
        self.assertEqual(entry['date'], '2026-03-14 12:00:00')
        stay.sudo().arrived_at = NOON + timedelta(hours=3)
        (entry,) = self.read_entries(self.user_own, sources=['crm.occasion'])
        self.assertEqual(entry['date'], '2026-03-14 15:00:00', "when he came")

    # ------------------------------------------------------------
    # Days
    # ------------------------------------------------------------

    def test_days_of_the_reader(self):
        """In Shanghai the 14th begins at 16:00 of the 13th in UTC."""
        for moment in ('2026-03-13 15:59:59', '2026-03-13 16:00:00', '2026-03-14 15:59:59',
                       '2026-03-14 16:00:00'):  # fmt: skip
            self.create_order(self.customer, fields.Datetime.to_datetime(moment))
        invoice = self.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'partner_id': self.customer.id,
                'invoice_date': '2026-03-14',
                'invoice_line_ids': [Command.create({'product_id': self.product.id})],
            }
        )
        invoice.action_post()
        partner = self.customer.with_context(tz='Asia/Shanghai')
        one_day = {'date_from': '2026-03-14', 'date_to': '2026-03-14'}
        entries = partner.get_customer_timeline(**one_day)['entries']
        self.assertEqual(
            [entry['date'] for entry in entries if entry['source'] != 'mail.message'],
            ['2026-03-14', '2026-03-14 15:59:59', '2026-03-13 16:00:00'],
        )
        later = partner.get_customer_timeline(date_from='2026-03-15')['entries']
        self.assertEqual([entry['date'] for entry in later], ['2026-03-14 16:00:00'])

    def test_the_first_and_the_last_day(self):
        self.create_order(self.customer, NOON)
        for zone in ('Asia/Shanghai', 'America/New_York'):
            partner = self.customer.with_context(tz=zone)
            page = partner.get_customer_timeline(
                date_from=date.min.isoformat(), date_to=date.max.isoformat()
            )
            self.assertEqual(len(page['entries']), 1)

    def test_no_day(self):
        for day in ('14.03.2026', '2026-02-30', 'x'):
            with self.assertRaises(ValidationError):
                self.read_entries(date_from=day)
