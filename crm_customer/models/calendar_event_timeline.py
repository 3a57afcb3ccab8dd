from odoo import fields, models

from ..timeline import TimelineText


class CalendarEvent(models.Model):
    _inherit = 'calendar.event'

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these meetings."""
        now = fields.Datetime.now()
        return {
            event.id: TimelineText(
                title=event.display_name,
                body=event.location or '',
                state=self.env._("Upcoming") if event.start > now else '',
                day=event.start_date if event.allday else None,
            )
            for event in self
        }
