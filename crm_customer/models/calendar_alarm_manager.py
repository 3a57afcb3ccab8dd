from odoo import models

from .calendar_attendee import REMINDER


class CalendarAlarmManager(models.AbstractModel):
    _inherit = 'calendar.alarm_manager'

    def _send_reminder(self):
        return super(CalendarAlarmManager, self.with_context(**{REMINDER: True}))._send_reminder()
