from odoo import SUPERUSER_ID, api, fields
from odoo.tools import SQL, split_every

from odoo.addons.crm_aftersales.models.aftersales_request_stage import OPEN_STATES
from odoo.addons.crm_aftersales.rows import rows_sql, update_rows

CHUNK_SIZE = 1000


def migrate(cr, version):
    """Make events and clocks of the deadlines that requests had.

    Promises of the past stay as they were judged; clocks that run go on, and of steps of escalation
    only those are taken that are reached from now on.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    mark_emergencies(cr)
    make_terms(env)
    make_events(cr)
    make_ended_clocks(cr)
    summarise_ended(cr)
    cr.execute('DROP TABLE aftersales_sla_terms')
    env.invalidate_all()
    go_on(env)


def mark_emergencies(cr):
    """The policy for emergencies that came with the addon rules their types."""
    cr.execute(
        """
        UPDATE aftersales_sla_policy policy
           SET emergency = TRUE
          FROM ir_model_data data
         WHERE data.module = 'crm_aftersales'
           AND data.name = 'aftersales_sla_policy_emergency'
           AND data.res_id = policy.id
        """
    )


def make_terms(env):
    """Freeze what the policies promise now, once for each team and company they rule."""
    env.cr.execute(
        """
        SELECT DISTINCT sla_policy_id, team_id, company_id
          FROM aftersales_request
         WHERE sla_policy_id IS NOT NULL
        """
    )
    rows = []
    for policy_id, team_id, company_id in env.cr.fetchall():
        policy = env['aftersales.sla.policy'].browse(policy_id)
        team, company = (
            env['aftersales.team'].browse(team_id),
            env['res.company'].browse(company_id),
        )
        terms = policy._get_terms(team, company)
        keys = {'sla_policy_id': policy_id, 'team_id': team_id, 'company_id': company_id}
        rows.append({**keys, 'duration_tracking': terms})
    # a column of the right type is borrowed for the terms
    names = ('sla_policy_id', 'team_id', 'company_id', 'duration_tracking')
    env.cr.execute(
        SQL(
            'CREATE TEMPORARY TABLE aftersales_sla_terms AS'
            ' SELECT sla_policy_id, team_id, company_id, duration_tracking AS terms FROM %s',
            rows_sql(env['aftersales.request'], rows, names),
        )
    )


def make_events(cr):
    """Tell what happened to each request, in the order it happens."""
    cr.execute(
        """
        INSERT INTO aftersales_sla_event
                    (request_id, kind, at, "values", create_uid, create_date, write_uid, write_date)
        SELECT request.id, event.kind, date_trunc('second', event.at), event.data,
               request.create_uid, event.at, request.create_uid, event.at
          FROM aftersales_request request
          LEFT JOIN aftersales_sla_terms terms
            ON terms.sla_policy_id = request.sla_policy_id
           AND terms.company_id = request.company_id
           AND terms.team_id IS NOT DISTINCT FROM request.team_id
         CROSS JOIN LATERAL (VALUES
               (1, 'start', request.date_received,
                jsonb_build_object('terms', COALESCE(terms.terms, '{}'::jsonb))),
               (2, 'reply', request.date_first_reply, '{}'::jsonb),
               (3, 'reopen', request.sla_date_start,
                jsonb_build_object('used', COALESCE(request.sla_seconds_used, 0))),
               (4, 'stop', CASE WHEN request.state IN ('resolved', 'closed')
                                THEN request.date_resolved END, '{}'::jsonb),
               (5, 'cancel', CASE WHEN request.state = 'cancelled'
                                  THEN request.date_closed END, '{}'::jsonb),
               (6, 'pause', CASE WHEN request.state IN ('waiting_customer', 'waiting_supplier')
                                 THEN now() AT TIME ZONE 'UTC' END,
                jsonb_build_object('reason', request.state))
               ) AS event(number, kind, at, data)
         WHERE event.at IS NOT NULL
           AND NOT EXISTS (SELECT FROM aftersales_sla_event told WHERE told.request_id = request.id)
         ORDER BY request.id, event.number
        """
    )


def make_ended_clocks(cr):
    """Keep the promises that were fulfilled: in time, or too late."""
    cr.execute(
        """
        INSERT INTO aftersales_sla_clock
                    (request_id, kind, policy_id, calendar_id, target_sec, used_sec, date_start,
                     deadline, date_end, breached_at, late_sec, state, steps, fired_percent,
                     create_uid, create_date, write_uid, write_date)
        SELECT request.id, clock.kind, request.sla_policy_id,
               NULLIF((terms.terms ->> 'calendar')::int, 0),
               COALESCE((terms.terms -> 'targets' ->> clock.kind)::int, 0), 0,
               date_trunc('second', request.date_received), clock.deadline,
               date_trunc('second', clock.ended),
               CASE WHEN clock.judged > clock.deadline THEN clock.deadline END,
               CASE WHEN clock.judged > clock.deadline
                    THEN EXTRACT(EPOCH FROM clock.ended - clock.deadline)::int ELSE 0 END,
               CASE WHEN clock.judged > clock.deadline THEN 'breached' ELSE 'met' END, '[]', 0,
               1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC'
          FROM aftersales_request request
          LEFT JOIN aftersales_sla_terms terms
            ON terms.sla_policy_id = request.sla_policy_id
           AND terms.company_id = request.company_id
           AND terms.team_id IS NOT DISTINCT FROM request.team_id
         CROSS JOIN LATERAL (VALUES
               ('first_response', request.sla_response_deadline,
                COALESCE(request.date_first_reply, request.date_resolved),
                LEAST(request.date_first_reply, request.date_resolved)),
               ('resolution', request.sla_deadline, request.date_resolved, request.date_resolved)
               ) AS clock(kind, deadline, judged, ended)
         WHERE clock.deadline IS NOT NULL
           AND clock.ended IS NOT NULL
           AND request.state <> 'cancelled'
           AND NOT EXISTS (SELECT FROM aftersales_sla_clock told WHERE told.request_id = request.id)
        """
    )


def summarise_ended(cr):
    """Note on requests that have ended what their clocks leave there."""
    cr.execute(
        """
        UPDATE aftersales_request
           SET sla_kind = NULL, sla_paused = FALSE, sla_warning_date = NULL,
               sla_missed = COALESCE(sla_missed AND state <> 'cancelled', FALSE),
               sla_deadline = CASE WHEN state <> 'cancelled'
                                   THEN GREATEST(sla_response_deadline, sla_deadline) END
         WHERE state IN ('resolved', 'closed', 'cancelled')
        """
    )


def go_on(env):
    """Compute the clocks of open requests, chunk by chunk."""
    requests = env['aftersales.request'].with_context(active_test=False)
    requests = requests.search([('state', 'in', OPEN_STATES)], order='id')
    for ids in split_every(CHUNK_SIZE, requests.ids):
        chunk = requests.browse(ids)
        chunk._refresh_sla()
        skip_past_steps(chunk)
        env.invalidate_all()


def skip_past_steps(requests):
    """Have nobody told of what was reached before there was a ladder."""
    Clock = requests.env['aftersales.sla.clock']
    now, rows = fields.Datetime.now(), []
    for row in Clock._read_rows(requests).values():
        reached = [
            percent
            for percent, moment in row['steps'] or []
            if fields.Datetime.to_datetime(moment) <= now
        ]
        if reached:
            row = {**row, 'fired_percent': max(reached)}
            rows.append({**row, 'date_next': Clock._get_date_next(row)})
    update_rows(Clock, rows, ('fired_percent', 'date_next'))
