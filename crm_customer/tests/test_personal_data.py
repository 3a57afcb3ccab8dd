import io
import json
import zipfile

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..message_content import MessageContent
from .common import CrmCustomerCommon


class PersonalDataCommon(CrmCustomerCommon):
    """A customer that two companies share, and an administrator of each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_manager = new_test_user(
            cls.env,
            'cc_other_manager',
            'crm_customer.group_manager',
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )
        cls.person = cls.env['res.partner'].create(
            {'name': "Mrs Zhang", 'email': 'zhang.pd@example.com'}
        )

    def get_data(self, user, partner=None):
        """Return the texts of the export, by source."""
        data = (partner or self.person).with_user(user)._get_personal_data()['data']
        return {source['key']: source for source in data}

    def get_texts(self, user, key):
        return json.dumps(self.get_data(user)[key]['records'], ensure_ascii=False)

    def assert_own_only(self, key, name):
        """Check that each administrator finds what is of his company, and what is of none.

        :param name: what the text of each has, with one, two and three behind it
        """
        mine = self.get_texts(self.user_manager, key)
        theirs = self.get_texts(self.other_manager, key)
        for text, number, found in (
            (mine, 'one', True),
            (mine, 'two', False),
            (theirs, 'one', False),
            (theirs, 'two', True),
        ):
            self.assertEqual(f'{name} {number}' in text, found, (number, text))


@tagged('post_install', '-at_install')
class TestPersonalData(PersonalDataCommon):
    def test_every_source_knows_its_companies(self):
        partner = self.person.with_user(self.user_manager)
        for source in partner._get_personal_data_sources():
            with self.subTest(source.key):
                partner._get_personal_records(source, exported=True)

    def test_messages_and_mails_of_another_company(self):
        for number, company in (('one', self.company), ('two', self.other_company)):
            message = self.create_message(
                self.person, '2026-01-02', f"Said {number}", record_company_id=company.id
            )
            self.env['mail.mail'].create(
                {
                    'mail_message_id': message.id,
                    'subject': f"Mail {number}",
                    'recipient_ids': [Command.link(self.person.id)],
                }
            )
            self.env['sms.sms'].create(
                {
                    'mail_message_id': message.id,
                    'partner_id': self.person.id,
                    'number': '+4911111',
                    'body': f"SMS {number}",
                }
            )
        self.create_message(self.person, '2026-01-02', "Said by nobody")
        self.assert_own_only('mail.message', "Said")
        self.assertIn("Said by nobody", self.get_texts(self.user_manager, 'mail.message'))
        self.assert_own_only('mail.mail', "Mail")
        self.assert_own_only('sms.sms', "SMS")

    def test_short_messages_that_were_planned(self):
        self.person.phone = '+4930123456'
        for number, company in (('one', self.company), ('two', self.other_company)):
            message = self.env['crm.message']._plan(
                [
                    {
                        'key': f'pd:{number}',
                        'partner_id': self.person.id,
                        'company_id': company.id,
                        'message_class': 'transactional',
                        'channel': 'sms',
                        'subject': f"SMS {number}",
                        'content_values': {'body': f"SMS {number}"},
                    }
                ]
            )
            content = MessageContent(subject='', body=f"SMS {number}")
            self.env['sms.sms'].create(message._prepare_sms_vals(content))
        self.assert_own_only('sms.sms', "SMS")

    def test_notes_logged_on_documents_of_another_company(self):
        for number, company in (('one', self.company), ('two', self.other_company)):
            order = self.env['sale.order'].create(
                {'partner_id': self.person.id, 'company_id': company.id}
            )
            note = order._message_log(body=f"Noted {number}", author_id=self.person.id)
            self.assertFalse(note.record_company_id)
        self.assert_own_only('mail.message', "Noted")

    def test_meetings_and_activities_of_another_company(self):
        for number, user in (('one', self.user_manager), ('two', self.other_manager)):
            self.env['calendar.event'].create(
                {
                    'name': f"Meeting {number}",
                    'start': '2026-01-02 10:00:00',
                    'stop': '2026-01-02 11:00:00',
                    'user_id': user.id,
                    'partner_ids': [Command.link(self.person.id)],
                }
            )
            self.person.activity_schedule(
                'mail.mail_activity_data_todo', summary=f"To do {number}", user_id=user.id
            )
        self.assert_own_only('calendar.event', "Meeting")
        self.assert_own_only('calendar.attendee', "Meeting")
        self.assert_own_only('mail.activity', "To do")

    def test_nothing_is_counted_of_a_contact_one_may_not_see(self):
        foreign = self.env['res.partner'].create(
            {'name': "Mr Two", 'company_id': self.other_company.id}
        )
        wizard = self.env['crm.erasure'].with_user(self.user_manager)
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            wizard.create({'partner_id': foreign.id})
        lines = wizard.create({'partner_id': self.person.id}).line_ids
        self.assertIn("Contact and Addresses", lines.mapped('name'))

    def test_invitations_to_meetings_that_stay_are_erased(self):
        meeting = self.env['calendar.event'].create(
            {'name': "Tasting", 'partner_ids': [Command.set(self.person.ids)]}
        )
        files = self.env['ir.attachment'].create(
            [
                {
                    'name': name,
                    'raw': b'BEGIN:VCALENDAR',
                    'mimetype': mimetype,
                    'res_model': 'calendar.event',
                    'res_id': meeting.id,
                }
                for name, mimetype in (
                    ('invitation.ics', 'text/calendar'),
                    ('wines.txt', 'text/plain'),
                )
            ]
        )
        self.person.with_user(self.user_manager)._erase_personal_data()
        self.assertEqual(files.exists().mapped('name'), ['wines.txt'])

    def test_times_say_what_zone_they_are_of(self):
        text = self.person._describe_personal_value(self.person, 'create_date')
        self.assertRegex(text, r'^[-0-9]{10} [0-9:]{8} UTC$')

    def test_the_browser_forgets_what_was_erased(self):
        """It keeps the messages it has read, and would go on to show them."""
        wizard = self.env['crm.erasure'].with_user(self.user_manager)
        action = wizard.create({'partner_id': self.person.id, 'is_checked': True}).action_erase()
        self.assertEqual(action['params']['next']['tag'], 'reload')

    def test_files_of_another_company(self):
        for number, company in (('one', self.company), ('two', self.other_company)):
            self.env['ir.attachment'].create(
                {
                    'name': f"{number}.txt",
                    'raw': b'x',
                    'res_model': 'res.partner',
                    'res_id': self.person.id,
                    'company_id': company.id,
                }
            )
        files = self.person.with_user(self.user_manager)._get_personal_files()
        self.assertEqual([name.partition('_')[2] for name, _raw in files], ['one.txt'])


@tagged('post_install', '-at_install')
class TestPersonalDataNotes(PersonalDataCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['crm.customer.note'].create(
            [
                {
                    'partner_id': cls.person.id,
                    'text': f"note {visibility}",
                    'visibility': visibility,
                }
                for visibility in ('all', 'service', 'confidential')
            ]
        )

    def download(self):
        self.authenticate('cc_manager', 'cc_manager')
        answer = self.url_open(f'/crm_customer/personal_data/{self.person.id}')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return [archive.read(f'personal_data.{kind}').decode() for kind in ('json', 'html')]

    def test_confidential_notes_are_for_the_group(self):
        data, page = self.download()
        for text in (data, page):
            self.assertIn("note all", text)
            self.assertNotIn("note service", text)
            self.assertNotIn("note confidential", text)
        [notes] = [s for s in json.loads(data)['data'] if s['key'] == 'crm.customer.note']
        self.assertEqual(notes['held_back'], 2)
        self.assertIn("2 are not shown here", ' '.join(page.split()))

    def test_members_of_the_group_give_all(self):
        self.user_manager.group_ids += self.env.ref('crm_customer.group_note_confidential')
        data, page = self.download()
        self.assertIn("note confidential", data)
        self.assertNotIn("not shown here", page)
