from datetime import date

from odoo import fields, models


class ResourceCalendar(models.Model):
    _inherit = 'resource.calendar'

    extra_day_ids = fields.One2many(
        comodel_name='crm.calendar.extra.day',
        inverse_name='calendar_id',
        string="Extra Working Days",
        copy=True,
    )

    def write(self, vals):
        res = super().write(vals)
        if 'tz' in vals:
            # companies know the zone by heart
            self.env.registry.clear_cache()
        return res

    def _get_weekday_blocks(self, dayofweek: str, day: date) -> list[tuple[float, float]]:
        """Return the working hours of a weekday.

        :param dayofweek: ``'0'`` for Monday to ``'6'`` for Sunday
        :param day: tells which of two weeks counts when they take turns
        :return: (from, to) in local hours, holidays not looked at
        """
        self.ensure_one()
        if self.flexible_hours:
            # as core draws a flexible day: around noon
            half = min(self.hours_per_day, 24) / 2
            return [(12 - half, 12 + half)] if half else []
        attendances = self.attendance_ids.filtered(
            lambda attendance: attendance.dayofweek == dayofweek and attendance._is_work_period()
        )
        if self.two_weeks_calendar:
            week = str(attendances.get_week_type(day))
            attendances = attendances.filtered(lambda attendance: attendance.week_type == week)
        return sorted((attendance.hour_from, attendance.hour_to) for attendance in attendances)

    def action_add_extra_days(self) -> dict:
        """Open the form that adds many extra working days at once.

        :return: window action
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Add Extra Working Days"),
            'res_model': 'crm.calendar.extra.day.add',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_calendar_ids': self.ids},
        }
