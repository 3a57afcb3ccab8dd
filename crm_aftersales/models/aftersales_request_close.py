from __future__ import annotations

from datetime import datetime, time, timedelta

import pytz
from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_customer.working_time import WorkingClock

from ..chunks import work_apart, work_off

#: requests of one transaction
CHUNK_SIZE = 200
#: days looked back at most for working days
HORIZON_DAYS = 3 * 366


class AftersalesRequest(models.Model):
    """Requests whose customers do not answer are closed, not before they were told so.

    A day counts when it is over and had working time; the day of our question does not count.
    Whoever answers after all reopens his request. Whom the warning does not reach is to be called.
    """

    _inherit = 'aftersales.request'

    @api.model
    def _cron_close_waiting(self) -> None:
        """Warn and close, for each team in its working hours: nobody is written to at night."""
        groups = self._read_group([('waiting_since', '!=', False)], ['company_id', 'team_id'])
        for company, team in groups:
            self._close_waiting_of(company, team)

    @api.model
    def _close_waiting_of(self, company, team) -> None:
        """Warn and close the requests of a team in a company.

        :param team: empty for requests without one
        """
        warn_days, close_days = team._get_closing_days(company)
        calendar = team.calendar_id or company.resource_calendar_id
        clock = WorkingClock(calendar, company)
        if not warn_days or not clock.is_working(fields.Datetime.now()):
            return
        tz = pytz.timezone(calendar.tz or 'UTC')
        warn_before = self._get_days_ago(clock, tz, warn_days)
        close_before = self._get_days_ago(clock, tz, close_days)
        of_team = SQL(
            'request.active AND request.company_id = %s'
            ' AND request.team_id IS NOT DISTINCT FROM %s',
            company.id,
            team.id or None,
        )
        if close_before:
            self._work_off_waiting(
                SQL('%s AND %s', of_team, self._get_close_condition(close_before)),
                lambda requests: requests._close_without_answer(),
            )
        self._work_off_waiting(
            SQL('%s AND %s', of_team, self._get_call_condition()),
            lambda requests: requests._ask_for_call(),
        )
        if warn_before:
            self._work_off_waiting(
                SQL('%s AND %s', of_team, self._get_warn_condition(warn_before)),
                lambda requests: requests._warn_of_closing(close_days),
            )

    @api.model
    def _get_days_ago(self, clock: WorkingClock, tz, days: int) -> datetime | None:
        """Return the beginning of the last ``days`` working days that are over.

        :return: in UTC; None where the calendar has not as many
        """
        day = pytz.utc.localize(fields.Datetime.now()).astimezone(tz).date()
        for _number in range(HORIZON_DAYS):
            stop = self._get_midnight(tz, day)
            day -= timedelta(days=1)
            start = self._get_midnight(tz, day)
            if clock.count(start, stop):
                days -= 1
                if not days:
                    return start
        return None

    @api.model
    def _get_midnight(self, tz, day) -> datetime:
        local = tz.localize(datetime.combine(day, time.min))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    @api.model
    def _get_warn_condition(self, before: datetime) -> SQL:
        """Return the condition of requests whose customers are to be warned."""
        return SQL(
            'request.waiting_since < %s AND request.warned_on IS NULL'
            ' AND request.partner_id IS NOT NULL',
            before,
        )

    @api.model
    def _get_close_condition(self, before: datetime) -> SQL:
        """Return the condition of requests to be closed: the warning has reached the customer."""
        return SQL('request.warned_on < %s AND %s', before, self._get_warning_condition('sent'))

    @api.model
    def _get_call_condition(self) -> SQL:
        """Return the condition of requests whose customers our warning did not reach."""
        return SQL(
            'request.warned_on IS NOT NULL AND request.warning_lost IS NOT TRUE AND %s',
            self._get_warning_condition('failed', 'uncertain', 'refused', 'cancelled'),
        )

    @api.model
    def _get_warning_condition(self, *states: str) -> SQL:
        """Return the condition of requests whose present warning is in one of some states."""
        return SQL(
            'request.waiting_since IS NOT NULL AND EXISTS (SELECT FROM crm_message AS message'
            " WHERE message.origin_model = 'aftersales.request'"
            ' AND message.origin_id = request.id AND message.state IN %s'
            " AND message.key = 'aftersales.request:' || request.id || ':closing:'"
            " || to_char(request.waiting_since, 'YYYYMMDDHH24MISS'))",
            states,
        )

    # ------------------------------------------------------------
    # CHUNKS
    # ------------------------------------------------------------

    @api.model
    def _work_off_waiting(self, condition: SQL, work) -> None:
        """Do something with all requests of a condition, chunk by chunk; each is committed.

        One that fails is logged and left to the next time; it keeps no other back.

        :param work: function of the requests; it makes the condition false
        """
        last_id = 0

        def claim():
            return self._claim_waiting(SQL('%s AND request.id > %s', condition, last_id))

        def work_on(requests):
            nonlocal last_id
            work_apart(requests, work)
            last_id = max(requests.ids, default=last_id)

        work_off(self, claim, work_on, CHUNK_SIZE)

    @api.model
    def _claim_waiting(self, condition: SQL):
        """Lock the next requests; the first statement of a transaction."""
        rows = self.env.execute_query(
            SQL(
                'SELECT request.id FROM aftersales_request AS request WHERE %s'
                ' ORDER BY request.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED',
                condition,
                CHUNK_SIZE,
            )
        )
        return self.browse(request_id for (request_id,) in rows)

    # ------------------------------------------------------------
    # WARN, CLOSE
    # ------------------------------------------------------------

    def _warn_of_closing(self, days: int) -> None:
        """Tell the customers that their requests will be closed, through the gate.

        :param days: working days they have left
        """
        template = self.env.ref(
            'crm_aftersales.mail_template_request_closing', raise_if_not_found=False
        )
        if template and self:
            self.env['crm.message'].sudo()._plan(
                [request._prepare_closing_message_vals(template, days) for request in self]
            )
            self.sudo().write({'warned_on': fields.Datetime.now()})

    def _prepare_closing_message_vals(self, template, days: int) -> dict:
        """Return the message by which a customer is warned, once for each time we wait.

        :param template: ``mail.template`` of this model
        """
        self.ensure_one()
        return {
            'key': f'{self._name}:{self.id}:closing:{self.waiting_since:%Y%m%d%H%M%S}',
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'message_class': 'transactional',
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {
                'layout': 'mail.mail_notification_light',
                'keep': True,
                'days': days,
            },
        }

    def _ask_for_call(self) -> None:
        """Give who is responsible a to-do, as the customer does not know what he has to answer."""
        for request in self.sudo():
            user = request.user_id or request.team_id.user_id
            env = request.with_context(lang=user.lang or request.env.lang).env
            request.activity_schedule(
                'mail.mail_activity_data_call',
                summary=env._("Our warning before closing did not reach the customer"),
                user_id=user.id,
            )
        self.sudo().write({'warning_lost': True})

    def _close_without_answer(self) -> None:
        """Close, with a word on the portal that says why and how to go on."""
        if not self:
            return
        self.env['mail.message'].sudo().create(
            [request._prepare_closed_note_vals() for request in self]
        )
        self.sudo()._move_to_state('closed')

    def _prepare_closed_note_vals(self) -> dict:
        """Return the message on the portal; nobody is written to, the warning was enough."""
        env = self.with_context(lang=self._get_customer_lang()).env
        text = env._(
            "Closed, as we did not hear from you. Is something still not right? Write to us here,"
            " and we go on."
        )
        company = self.company_id.partner_id
        return {
            'model': self._name,
            'res_id': self.id,
            'author_id': company.id,
            'email_from': company.email_formatted or self.env.user.email_formatted,
            'message_type': 'auto_comment',
            'subtype_id': self.env['ir.model.data']._xmlid_to_res_id('mail.mt_comment'),
            'body': Markup("<p>%s</p>") % text,
        }
