from __future__ import annotations

from datetime import timedelta

from odoo import fields, models

#: context of the mails that remind of meetings
REMINDER = 'crm_calendar_reminder'


class CalendarAttendee(models.Model):
    """Reminders of meetings to customers pass the gate; those to ourselves stay with core."""

    _inherit = 'calendar.attendee'

    def _notify_attendees(self, mail_template, notify_author=False, force_send=False):
        customers = self.browse()
        if mail_template and self.env.context.get(REMINDER) and self._may_be_reminded():
            customers = self._filter_customers()
            self.env['crm.message'].sudo()._plan(
                [attendee._prepare_reminder_vals(mail_template) for attendee in customers]
            )
        return super(CalendarAttendee, self - customers)._notify_attendees(
            mail_template, notify_author=notify_author, force_send=force_send
        )

    def _may_be_reminded(self) -> bool:
        """Return whether core would write at all."""
        blocked = self.env['ir.config_parameter'].sudo().get_param('calendar.block_mail')
        return not (blocked or self.env.context.get('no_mail_to_attendees'))

    def _filter_customers(self) -> CalendarAttendee:
        """Return the attendees who are contacts and none of us."""
        return self.filtered(
            lambda attendee: (
                attendee.partner_id
                and all(attendee.partner_id.sudo().user_ids.mapped('share'))
                and not attendee.event_id._skip_send_mail_status_update()
            )
        )

    def _prepare_reminder_vals(self, template) -> dict:
        """Return the message that reminds a customer, once for each reminder of a meeting.

        :param template: ``mail.template`` of attendees
        """
        self.ensure_one()
        event = self.event_id
        alarm = self._get_due_alarm(template)
        company = event.user_id.company_id or self.env.company
        return {
            'key': f'{self._name}:{self.id}:reminder:{alarm.id}:{event.start}',
            'partner_id': self.partner_id.id,
            'company_id': company.id,
            'message_class': 'transactional',
            'expires_at': event.stop,
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {'layout': 'mail.mail_notification_light'},
        }

    def _get_due_alarm(self, template):
        """Return the last reminder of the meeting that is due by now."""
        now = fields.Datetime.now()
        alarms = self.event_id.alarm_ids.filtered(
            lambda alarm: (
                alarm.alarm_type == 'email'
                and alarm.mail_template_id == template
                and self.event_id.start - timedelta(minutes=alarm.duration_minutes) <= now
            )
        )
        return alarms.sorted('duration_minutes')[:1]
