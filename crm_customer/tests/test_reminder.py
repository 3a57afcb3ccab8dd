from datetime import timedelta
from email import message_from_bytes

from odoo import Command, fields
from odoo.tests import new_test_user, tagged

from .transport_common import TransportCase


@tagged('post_install', '-at_install')
class TestReminder(TransportCase):
    """Core's reminders of meetings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env.ref('calendar.calendar_template_meeting_reminder')
        cls.host = new_test_user(cls.env, 'reminder_host', email='host@shop.example.com')
        cls.alarms = cls.env['calendar.alarm'].create(
            {
                'name': "One Hour",
                'alarm_type': 'email',
                'duration': 1,
                'interval': 'hours',
                'mail_template_id': cls.template.id,
            }
        )
        start = fields.Datetime.now().replace(microsecond=0) + timedelta(minutes=30)
        event = (
            cls.env['calendar.event']
            .with_context(no_mail_to_attendees=True)
            .create(
                {
                    'name': "Fitting",
                    'start': start,
                    'stop': start + timedelta(hours=1),
                    'partner_ids': [Command.set((cls.partner | cls.host.partner_id).ids)],
                    'alarm_ids': [Command.set(cls.alarms.ids)],
                }
            )
        )
        cls.event = event.with_context(no_mail_to_attendees=False)
        cls.attendee = cls.event.attendee_ids.filtered(
            lambda attendee: attendee.partner_id == cls.partner
        )

    def remind(self):
        """Do what core does when a reminder is due."""
        known = self.env['mail.mail'].search([])
        self.event.attendee_ids.with_context(crm_calendar_reminder=True)._notify_attendees(
            self.template, notify_author=True
        )
        return self.env['mail.mail'].search([]) - known

    def get_messages(self):
        return self.messages.search(
            [('origin_model', '=', 'calendar.attendee'), ('origin_id', '=', self.attendee.id)]
        )

    def test_customer_is_reminded_by_the_gate(self):
        mails = self.remind()
        self.remind()
        message = self.get_messages()
        self.assertRecordValues(
            message, [{'partner_id': self.partner.id, 'message_class': 'transactional'}]
        )
        self.assertNotIn(self.partner, mails.recipient_ids)
        self.assertIn(self.host.partner_id, mails.recipient_ids, "we are reminded by core")

    def test_refused_by_the_customer(self):
        person = self.env['crm.person']._for_partners(self.partner)
        person._set_consent(
            ['transactional'], ['email'], 'out', company=self.company, source='staff'
        )
        self.remind()
        message = self.get_messages()
        message._process(fields.Datetime.now())
        self.assertRecordValues(message, [{'state': 'refused', 'reason': 'no_consent'}])

    def test_mail(self):
        calendar = {self.event.id: b'BEGIN:VCALENDAR'}  # core makes none without a Python package
        self.patch(self.registry['calendar.event'], '_get_ics_file', lambda _events: calendar)
        self.remind()
        message = self.get_messages()
        message._enqueue()
        self.send()
        [mail] = [message_from_bytes(mail) for mail in self.sink.mails]
        self.assertIn("Fitting", mail['Subject'])
        files = [part.get_filename() for part in mail.walk() if part.get_filename()]
        self.assertEqual(files, ['invitation.ics'])

    def test_a_changed_meeting_is_announced_by_core(self):
        self.attendee._notify_attendees(self.template, notify_author=True)
        self.assertFalse(self.get_messages())

    def test_the_job_says_that_it_reminds(self):
        seen = []
        attendees = self.env.registry['calendar.attendee']
        self.patch(
            attendees,
            '_notify_attendees',
            lambda records, *_args, **_kwargs: seen.append(dict(records.env.context)),
        )
        manager = self.env.registry['calendar.alarm_manager']
        due = {self.alarms.id: self.event.ids}
        self.patch(manager, '_get_events_by_alarm_to_notify', lambda *_args: due)
        self.env['calendar.alarm_manager']._send_reminder()
        self.assertTrue(seen[0]['crm_calendar_reminder'])
