from __future__ import annotations

import logging
from datetime import datetime, time, timedelta

import pytz
from markupsafe import Markup

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from odoo.addons.crm_customer.working_time import WorkingClock

_logger = logging.getLogger(__name__)

#: requests of one transaction
CHUNK_SIZE = 200
MAX_FAILURES = 5  # claims in a row that others were faster at
#: days looked back at most for working days
HORIZON_DAYS = 3 * 366


class AftersalesRequest(models.Model):
    """Requests whose customers do not answer are closed, not before they were told so.

    A day counts when it is over and had working time; the day of our question does not count.
    Whoever answers after all reopens his request.
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
        """Return the condition of requests to be closed: warned, and the warning is not held."""
        return SQL(
            'request.waiting_since IS NOT NULL AND request.warned_on < %s'
            ' AND NOT EXISTS (SELECT FROM crm_message AS message'
            " WHERE message.origin_model = 'aftersales.request'"
            " AND message.origin_id = request.id AND message.state = 'planned'"
            " AND message.key LIKE 'aftersales.request:%%:closing:%%')",
            before,
        )

    # ------------------------------------------------------------
    # CHUNKS
    # ------------------------------------------------------------

    @api.model
    def _work_off_waiting(self, condition: SQL, work) -> None:
        """Do something with all requests of a condition, chunk by chunk; each is committed.

        :param work: function of the requests; it makes the condition false
        """
        failures = 0
        while failures < MAX_FAILURES:
            try:
                requests = self._claim_waiting(condition)
                work(requests)
                self.env.flush_all()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                _logger.info("Waiting requests: others were faster, they are looked at later")
                self.env.cr.rollback()
                failures += 1
                continue
            failures = 0
            if not requests or not self._commit_waiting(len(requests)):
                break

    @api.model
    def _commit_waiting(self, number: int) -> float:
        """Commit, and return the seconds left for the worker."""
        return self.env['ir.cron']._commit_progress(number, remaining=int(number == CHUNK_SIZE))

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
        if template:
            self.env['crm.message'].sudo()._plan(
                [request._prepare_closing_message_vals(template, days) for request in self]
            )
        if self:
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
