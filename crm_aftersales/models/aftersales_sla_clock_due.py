from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime

from markupsafe import Markup

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..chunks import work_off
from ..rows import update_rows

_logger = logging.getLogger(__name__)

#: clocks of one transaction
CHUNK_SIZE = 500


class AftersalesSlaClock(models.Model):
    """The workers: what is late is marked, who has to know is told, each once.

    They read only clocks that have something due, chunk by chunk, and commit each.
    """

    _inherit = 'aftersales.sla.clock'

    # ------------------------------------------------------------
    # WORKERS
    # ------------------------------------------------------------

    @api.model
    def _cron_due(self, shard: int = 0, shards: int = 1) -> None:
        """Look at all clocks that are due, of this worker's share of the requests.

        A request belongs to one worker. To work with more workers, give each scheduled action its
        number and all of them the new total.

        :param shard: number of the worker, from 0
        :param shards: how many workers there are
        """
        now = fields.Datetime.now()
        work_off(
            self,
            lambda: self._claim_due(now, shard, shards),
            lambda clocks: clocks._process_due(now),
            CHUNK_SIZE,
        )

    @api.model
    def _claim_due(self, now: datetime, shard: int, shards: int):
        """Lock the next clocks that are due; the first statement of a transaction."""
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM aftersales_sla_clock WHERE date_next <= %(now)s'
                # the CASE keeps PostgreSQL from taking a share for a needle
                ' AND CASE WHEN request_id %% %(shards)s = %(shard)s THEN TRUE ELSE FALSE END'
                ' ORDER BY date_next LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED',
                now=now,
                shard=shard,
                shards=shards,
                limit=CHUNK_SIZE,
            )
        )
        return self.browse(clock_id for (clock_id,) in rows)

    def _process_due(self, now: datetime) -> None:
        """Do what is due of claimed clocks, in the present transaction.

        :param now: the moment it is done for
        """
        if not self:
            return
        self._end_pauses(now)
        rows = self._read_rows(self.request_id)
        rows = [row for row in rows.values() if row['id'] in self._ids]
        self._mark_late(rows, now)
        fired = self._fire_steps(rows, now)
        names = ('state', 'breached_at', 'fired_percent', 'date_next')
        update_rows(self, rows, names)
        self._escalate(fired)

    def _end_pauses(self, now: datetime) -> None:
        """Let clocks run again whose pause has lasted as long as it may."""
        over = self.filtered(
            lambda clock: self._is_waiting(clock) and clock.pause_until and clock.pause_until <= now
        )
        moments = {clock.request_id: clock.pause_until for clock in over}
        reasons = {clock.request_id: clock.pause_reason_id for clock in over}
        self.env['aftersales.request']._note_sla_facts(
            [(request, 'resume', moment, {'cap': True}) for request, moment in moments.items()]
        )
        self.env['aftersales.request']._on_pauses_used_up(reasons)

    def _mark_late(self, rows: list[dict], now: datetime) -> None:
        """Note in the rows, and on their requests, what is too late."""
        late = [row for row in rows if row['state'] == 'running' and (row['deadline'] or now) < now]
        for row in late:
            row.update(state='breached', breached_at=row['breached_at'] or row['deadline'])
        requests = self.env['aftersales.request'].browse({row['request_id'] for row in late})
        missed = [{'id': request_id, 'sla_missed': True} for request_id in requests.ids]
        update_rows(requests, missed, ['sla_missed'])
        requests.modified(['sla_missed'])

    def _fire_steps(self, rows: list[dict], now: datetime) -> list[tuple[dict, int, int]]:
        """Note in the rows which steps are taken now; at night and on holidays they wait.

        :return: (row, percent taken so far, percent taken now)
        """
        fired, calendars = [], {}
        requests = self.env['aftersales.request'].browse(row['request_id'] for row in rows).exists()
        companies = {request.id: request for request in requests}
        for row in rows:
            reached = [
                percent
                for percent, moment in row['steps'] or []
                if percent > row['fired_percent'] and fields.Datetime.to_datetime(moment) <= now
            ]
            working = companies[row['request_id']]._get_calendars(calendars)(
                row['calendar_id'] or 0
            )
            if reached and not working.is_working(now):
                row['date_next'] = working.next_opening(now)
                continue
            if reached:
                fired.append((row, row['fired_percent'], max(reached)))
                row['fired_percent'] = max(reached)
            row['date_next'] = self._get_date_next(row)
        return fired

    # ------------------------------------------------------------
    # ESCALATION
    # ------------------------------------------------------------

    def _escalate(self, fired: list[tuple[dict, int, int]]) -> None:
        """Take steps of the ladders: tell staff, raise priorities, hand over.

        :param fired: as :meth:`_fire_steps` returns it
        """
        policies = self.env['aftersales.sla.policy'].browse({row['policy_id'] for row, *_ in fired})
        ladders = {policy.id: policy.escalation_ids for policy in policies.exists()}
        todo = defaultdict(list)
        requests = {
            clock.id: clock.request_id for clock in self.browse(row['id'] for row, *_ in fired)
        }
        for row, before, after in fired:
            ladder = ladders.get(row['policy_id'], self.env['aftersales.sla.escalation'])
            for step in ladder._get_taken(requests[row['id']], row['kind'], before, after):
                todo[step].append(row['id'])
        for step, clock_ids in todo.items():
            clocks = self.browse(clock_ids)
            try:
                with self.env.cr.savepoint():
                    getattr(clocks, f'_escalate_{step.action}')(step)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception:
                # one step that cannot be taken keeps no other back
                _logger.exception("Escalation %s failed", step.id)

    def _by_recipient(self, step) -> dict:
        """Return who is to be told: user -> clocks."""
        groups = defaultdict(self.browse)
        for clock in self:
            user = step._get_recipient(clock.request_id)
            if user:
                groups[user] += clock
        return groups

    def _escalate_notify(self, step) -> None:
        """Tell each user once about all requests, as he likes to be told of things."""
        for user, clocks in self._by_recipient(step).items():
            clocks = clocks.with_context(lang=user.lang)
            # of a single request the notice leads to it
            thread = clocks.request_id if len(clocks.request_id) == 1 else self.env['mail.thread']
            thread.with_context(lang=user.lang).message_notify(
                partner_ids=user.partner_id.ids,
                subject=clocks._get_notice_subject(step),
                body=clocks._get_notice_body(),
                subtype_xmlid='mail.mt_note',
            )

    def _get_notice_subject(self, step) -> str:
        count = len(self.request_id)
        if count == 1:
            return self.env._(
                "%(percent)s %% of the time used: %(request)s",
                percent=step.percent,
                request=self.request_id.display_name,
            )
        return self.env._(
            "%(percent)s %% of the time used: %(count)s requests", percent=step.percent, count=count
        )

    def _get_notice_body(self) -> Markup:
        """Return the list of requests with what is due of them."""
        now = fields.Datetime.now()
        # unlike that of _get_html_link, the link also leads somewhere in an e-mail
        line = Markup(
            '<li><a href="/mail/view?model=aftersales.request&amp;res_id=%(id)s"'
            ' data-oe-model="aftersales.request" data-oe-id="%(id)s">%(name)s</a>: %(due)s</li>'
        )
        lines = Markup('').join(
            line
            % {
                'id': request.id,
                'name': request.display_name,
                'due': request._get_sla_countdown(now),
            }
            for request in self.request_id
        )
        return Markup('<ul>%s</ul>') % lines

    def _escalate_activity(self, step) -> None:
        """Give each user a to-do on each request."""
        for user, clocks in self._by_recipient(step).items():
            requests = clocks.request_id.with_context(
                lang=user.lang, mail_activity_quick_update=True
            )
            requests.activity_schedule(
                'mail.mail_activity_data_todo',
                summary=clocks.with_context(lang=user.lang).env._(
                    "%(percent)s %% of the time used", percent=step.percent
                ),
                user_id=user.id,
            )

    def _escalate_priority(self, _step) -> None:
        """Raise the priority by one; another policy may rule from then on."""
        highest = max(self.env['aftersales.request']._fields['priority'].get_values(self.env))
        by_priority = self.request_id.grouped('priority')
        for priority, requests in by_priority.items():
            if priority < highest:
                requests.write({'priority': str(int(priority) + 1)})

    def _escalate_reassign(self, step) -> None:
        """Make the user responsible who is to have it."""
        for user, clocks in self._by_recipient(step).items():
            clocks.request_id.write({'user_id': user.id})
