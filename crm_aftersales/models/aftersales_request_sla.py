from __future__ import annotations

from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.crm_customer.working_time import WorkingClock

from ..rows import update_rows, without_deleted
from ..sla import CLOCK_KINDS, fold, get_last_break
from .aftersales_request_stage import OPEN_STATES
from .aftersales_sla_clock import CLOCK_LABELS

#: what the clocks leave on the request, for lists and searches
SUMMARY_FIELDS = (
    'sla_policy_id',
    'sla_kind',
    'sla_deadline',
    'sla_warning_date',
    'sla_paused',
    'sla_missed',
)
#: of terms, what tells whether others fit by now
MATCHED_TERMS = ('policy', 'calendar')
#: states of a request that are facts about whom we wait for
WAITING_STATES = ('waiting_customer', 'waiting_supplier')


class AftersalesRequest(models.Model):
    """What happens to a request becomes events, and the events become its clocks.

    Reading, searching and counting never runs a calendar: deadlines are stored when something
    happens that moves them.
    """

    _name = 'aftersales.request'
    _inherit = ['aftersales.request', 'crm.version.mixin']

    sla_event_ids = fields.One2many(
        comodel_name='aftersales.sla.event', inverse_name='request_id', string="Events"
    )
    sla_clock_ids = fields.One2many(
        comodel_name='aftersales.sla.clock', inverse_name='request_id', string="Clocks"
    )
    sla_policy_id = fields.Many2one(
        comodel_name='aftersales.sla.policy',
        string="SLA Policy",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="Chosen anew whenever team, type, priority, customer or product change.",
    )
    sla_kind = fields.Selection(
        selection=CLOCK_LABELS, string="Due Next", readonly=True, copy=False
    )
    sla_deadline = fields.Datetime(
        string="Deadline",
        readonly=True,
        copy=False,
        help="When the next promise is due; after the end, when the last one was.",
    )
    sla_warning_date = fields.Datetime(
        string="At Risk From",
        readonly=True,
        copy=False,
        help="Moment from which a deadline that is still due counts as at risk.",
    )
    sla_paused = fields.Boolean(
        string="Clocks Paused", readonly=True, copy=False, help="A promise waits for somebody."
    )
    sla_missed = fields.Boolean(
        string="Deadline Missed", readonly=True, copy=False, help="Something came too late."
    )
    pause_reason_id = fields.Many2one(
        comodel_name='aftersales.pause.reason',
        string="Pause for",
        domain="[('state', '=', False), ('policy_ids', '=', sla_policy_id),"
        " ('company_id', 'in', (False, company_id))]",
        check_company=True,
        copy=False,
        index='btree_not_null',
        tracking=True,
        help="Pauses the clocks of visit and solution by hand, if the policy lets them wait for"
        " this. Ends when it is emptied, or with the next change of state.",
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {*SUMMARY_FIELDS, 'lock_version'}

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests._start_sla()
        return requests

    def write(self, vals):
        reasons = {request: request.pause_reason_id for request in self}
        result = super().write(vals)
        if 'pause_reason_id' in vals:
            self._on_pause_reason_changed(reasons)
        if 'date_received' in vals:
            self._note_sla_facts(
                [(request, 'start', request.date_received, {}) for request in self]
            )
        if self._get_sla_triggers() & vals.keys():
            self.filtered(lambda request: request.state in OPEN_STATES)._retarget_sla()
        return result

    @api.model
    def _get_sla_triggers(self) -> set[str]:
        """Return the fields whose change may let another policy rule."""
        return {
            'company_id',
            'team_id',
            'type_id',
            'priority',
            'impact',
            'urgency',
            'partner_id',
            'unit_id',
            'product_id',
        }

    # ------------------------------------------------------------
    # EVENTS
    # ------------------------------------------------------------

    def _post_sla_event(self, kind: str, at: datetime | None = None, **values) -> None:
        """Note that something happened to the clocks, and bring them in line.

        :param kind: one of ``aftersales.sla.event``
        :param at: when it happened; now when not given
        :param values: what the kind needs: ``reason`` of a pause
        """
        at = at or fields.Datetime.now()
        self._note_sla_facts([(request, kind, at, values) for request in self])

    def note_on_site(self, at: str | datetime | None = None) -> bool:
        """Stop the clock of the visit: somebody of ours has reached the customer.

        Other systems call it by JSON-2 (``aftersales.request/note_on_site`` with ``ids``).

        :param at: when, as a moment in UTC or as ISO 8601 text, which is UTC unless it says
            otherwise; now when not given
        :return: True
        :raise AccessError: the user may not change one of the requests
        :raise UserError: no request is named, the text is no moment, or one to come, or before a
            request was received
        """
        if not self:
            raise UserError(self.env._("Name the requests that were visited in “ids”."))
        self.check_access('write')
        now = fields.Datetime.now()
        moment = self._read_moment(at) or now
        if moment > now or any(moment < request.date_received for request in self):
            raise UserError(
                self.env._("A visit is after its request was received, and not to come.")
            )
        self._post_sla_event('on_site', at=moment)
        return True

    @api.model
    def _read_moment(self, at: str | datetime | None) -> datetime | None:
        """Return the moment, in UTC, that another system wrote."""
        if not at or not isinstance(at, str):
            return fields.Datetime.to_datetime(at or None)
        try:
            moment = datetime.fromisoformat(at.strip().replace('Z', '+00:00'))
            if moment.tzinfo:
                moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        except (ValueError, OverflowError) as error:
            text = self.env._("%s is no moment. Write it as 2026-03-08T14:30:00Z.", at)
            raise UserError(text) from error
        return moment.replace(microsecond=0)

    def _note_sla_facts(self, facts: list[tuple]) -> None:
        """Note what happened to requests and bring their clocks in line.

        :param facts: (request, kind, moment, values)
        """
        requests = self.browse(dict.fromkeys(request.id for request, *_fact in facts))
        if not requests:
            return
        # who notes something at the same time must not overlook it
        requests._bump_version()
        self.env['aftersales.sla.event'].sudo()._note(facts)
        requests._refresh_sla()

    def _start_sla(self) -> None:
        """Start the clocks of new requests; past ones bring along what happened to them."""
        facts = []
        terms = self._get_matching_terms()
        for request in self:
            values = {'terms': terms[request]}
            facts.append((request, 'start', request.date_received, values))
            if request.date_first_reply:
                facts.append((request, 'reply', request.date_first_reply, {}))
            facts += request._get_state_facts('new')
        self.env['aftersales.sla.event'].sudo()._note(facts)
        self._refresh_sla()

    def _on_state_changed(self, old_states):
        result = super()._on_state_changed(old_states)
        # a pause by hand ends with the state it was for
        self.sudo().filtered('pause_reason_id').pause_reason_id = False
        facts = [fact for request in self for fact in request._get_state_facts(old_states[request])]
        self._note_sla_facts(facts)
        reopened = self.filtered(
            lambda request: request.state in OPEN_STATES and old_states[request] not in OPEN_STATES
        )
        reopened._retarget_sla()
        return result

    def _get_state_facts(self, old_state: str) -> list[tuple]:
        """Return the events that a change of state is; see :meth:`_note_sla_facts`."""
        self.ensure_one()
        now, state = fields.Datetime.now(), self.state
        if state == 'cancelled':
            return [(self, 'cancel', self.date_closed or now, {})]
        if state not in OPEN_STATES:
            ended = old_state not in (*OPEN_STATES, 'cancelled')
            return [] if ended else [(self, 'stop', self.date_resolved or now, {})]
        facts = [] if old_state in OPEN_STATES else [(self, 'reopen', now, {})]
        if state in WAITING_STATES:
            facts.append((self, 'pause', now, {'reason': state}))
        elif old_state in WAITING_STATES:
            facts.append((self, 'resume', now, {}))
        return facts

    def _on_pause_reason_changed(self, old_reasons: dict) -> None:
        """Pause or go on by hand.

        :param old_reasons: request -> reason it had
        """
        changed = self.filtered(lambda request: request.pause_reason_id != old_reasons[request])
        if changed.pause_reason_id.filtered('manager_only') and not self._is_sla_manager():
            raise AccessError(self.env._("Only administrators pause clocks for this reason."))
        changed.filtered('pause_reason_id')._ensure_pause_left()
        now = fields.Datetime.now()
        self._note_sla_facts(
            [
                (request, 'pause', now, {'reason': request.pause_reason_id._get_key()})
                if request.pause_reason_id
                else (request, 'resume', now, {})
                for request in changed
            ]
        )

    def _ensure_pause_left(self) -> None:
        """Refuse to pause for what the clocks have waited for as long as they may.

        Nothing would stand still, and the request would say that something does.
        """
        stories, known = self.env['aftersales.sla.event'].sudo()._read_stories(self), {}
        for request in self:
            reason = request.pause_reason_id
            story = fold(stories[request.id], request._get_calendars(known))
            left = story.get_pause_left(reason._get_key())
            if left is not None and left <= 0:
                raise UserError(self.env._("The limit of this pause is used up: %s", reason.name))

    @api.model
    def _on_pauses_used_up(self, reasons: dict) -> None:
        """Say that the clocks of requests run again although we still wait.

        :param reasons: request -> reason that its clocks waited for
        """
        by_hand = self.union(*reasons).filtered('pause_reason_id')
        by_hand.flush_recordset(['pause_reason_id'])
        rows = [{'id': request.id, 'pause_reason_id': None} for request in by_hand]
        update_rows(self, rows, ['pause_reason_id'])
        for request, reason in reasons.items():
            user = request.user_id or request.team_id.user_id
            reason = reason.with_context(lang=user.lang or self.env.lang)
            request._message_log(body=reason._get_used_up_text())

    @api.model
    def _is_sla_manager(self) -> bool:
        return self.env.su or self.env.user.has_group('crm_aftersales.group_manager')

    def _sla_take_over(self, sources) -> None:
        """Go on with the promises of requests that were merged into this one.

        The earliest start counts, what was said in any of them was said here, and the customer
        who turned to us again later wrote again. The clocks of the sources are dropped: post them
        a ``merge``.

        :param sources: requests merged into this one
        """
        self.ensure_one()
        request, sources = self.sudo(), sources.sudo()
        received = {each: each.date_received for each in request | sources}
        start = min(received.values())
        if start < request.date_received:
            request.date_received = start
        answers = (request | sources).filtered('date_first_reply').mapped('date_first_reply')
        if answers:
            request.date_first_reply = min(answers)
        again = [at for each, at in received.items() if each._is_heard() and at > start]
        request._note_what_was_said(sources, [('customer', at) for at in again])
        request._keep_shortest_promise(sources)

    def _is_heard(self) -> bool:
        """Whether a word of the customer here still waits for us; after the end none does."""
        return self.state in OPEN_STATES

    def _keep_shortest_promise(self, sources) -> None:
        """Let the terms rule that promise most, of this request and of those still open.

        :param sources: requests merged into this one
        """
        heard = sources.filtered(lambda source: source._is_heard())
        stories = self.env['aftersales.sla.event'].sudo()._read_stories(self | heard)
        own, *others = (self._get_named_terms(stories[r.id]) for r in [self, *heard])
        terms = self._get_shortest_terms([own, *others])
        if terms != own and self._is_heard():
            matched = {name: own.get(name) for name in MATCHED_TERMS}
            terms = {**terms, 'matched': own.get('matched', matched)}
            self._post_sla_event('retarget', terms=terms, mode='keep')

    @api.model
    def _get_named_terms(self, story: list) -> dict:
        """Return the terms that rule at the end of a story, empty where nothing is promised."""
        named = [event.values for event in story if 'terms' in event.values]
        return named[-1]['terms'] if named else {}

    def _get_shortest_terms(self, candidates: list[dict]) -> dict:
        """Return the terms that promise most; of hours counted alike, the fewest for each clock.

        :param candidates: terms, those of this request first
        """
        get_working = self._get_calendars({})
        shortest = min(candidates, key=lambda terms: self._get_promise(terms, get_working))
        alike = [
            terms['targets']
            for terms in candidates
            if terms and terms.get('calendar') == shortest.get('calendar')
        ]
        targets = {
            kind: min(each[kind] for each in alike if kind in each)
            for kind in {kind for each in alike for kind in each}
        }
        return {**shortest, 'targets': targets} if shortest else shortest

    def _get_promise(self, terms: dict, get_working) -> list[datetime]:
        """Return until when terms promise what counts most first; what is not promised is last."""
        working = get_working(terms.get('calendar', 0))
        until = {
            kind: working.plan(self.date_received, seconds)
            for kind, seconds in terms.get('targets', {}).items()
        }
        return [until.get(kind) or datetime.max for kind in reversed(CLOCK_KINDS)]

    def _note_what_was_said(self, sources, said: list[tuple]) -> None:
        """Note here what was said in requests that were merged into this one.

        :param sources: requests merged into this one
        :param said: (kind of event, moment) that is known besides
        """
        stories = self.env['aftersales.sla.event'].sudo()._read_stories(self | sources)
        for source in sources:
            kinds = ('customer', 'reply') if source._is_heard() else ('reply',)
            said += [(event.kind, event.at) for event in stories[source.id] if event.kind in kinds]
        # what was said after the end of this one is heard when it is opened again
        over = get_last_break(stories[self.id])
        self._note_sla_facts(
            [
                (self, kind, over[1] if over and over[0] <= at < over[1] else at, {})
                for kind, at in sorted(said, key=lambda fact: fact[1])
            ]
        )

    # ------------------------------------------------------------
    # POLICIES
    # ------------------------------------------------------------

    def _get_matching_terms(self) -> dict:
        """Return what the policies that fit promise: request -> terms."""
        policies = self.env['aftersales.sla.policy'].sudo()._get_candidates(self.company_id)
        known, terms = {}, {}
        for request in self.sudo():
            policy = policies._match(request)
            key = policy, request.team_id, request.company_id
            if key not in known:
                known[key] = policy._get_terms(request.team_id, request.company_id)
            terms[request] = known[key]
        return terms

    def _retarget_sla(self, edited: bool = False) -> None:
        """Let the policy rule that fits now, and drop the promises of one that does not.

        :param edited: also apply what was edited in the policy since it began to rule
        """
        if not self:
            return
        stories = self.env['aftersales.sla.event'].sudo()._read_stories(self)
        now, facts = fields.Datetime.now(), []
        for request, terms in self._get_matching_terms().items():
            before = self._get_named_terms(stories[request.id])
            # the promise of a merged request rules until another policy fits
            matched = before if edited else before.get('matched', before)
            names = {*terms, *before} if edited else MATCHED_TERMS
            if any(matched.get(name) != terms.get(name) for name in names):
                other = matched.get('policy') != terms.get('policy')
                mode = terms.get('change', 'keep') if other else 'keep'
                facts.append((request, 'retarget', now, {'terms': terms, 'mode': mode}))
        self._note_sla_facts(facts)

    def action_recompute_sla(self) -> None:
        """Compute the clocks of requests again, after policies or working hours were edited.

        Promises that were fulfilled stay as they are: kept that day, or not.

        :raise AccessError: not an administrator of after-sales
        """
        if not self._is_sla_manager():
            raise AccessError(self.env._("Only administrators of after-sales recompute clocks."))
        self.filtered(lambda request: request.state in OPEN_STATES)._retarget_sla(edited=True)
        self._refresh_sla()

    # ------------------------------------------------------------
    # FROM EVENTS TO CLOCKS
    # ------------------------------------------------------------

    def _refresh_sla(self) -> None:
        """Read the events of requests and store the clocks that follow from them."""
        clocks, summaries = self._prepare_sla()
        if clocks:
            self.env['aftersales.sla.clock'].sudo()._store(clocks)
        summaries = without_deleted(self.sudo(), summaries, ['sla_policy_id'])
        update_rows(self, summaries, SUMMARY_FIELDS)
        self.invalidate_recordset(['sla_event_ids', 'sla_clock_ids'], flush=False)
        self.modified(SUMMARY_FIELDS)

    def _prepare_sla(self) -> tuple[list[dict], list[dict]]:
        """Return what is to be stored: rows of clocks and of requests that change.

        One calendar is read once for all requests, so the number of queries depends on the number
        of calendars and not on the number of requests.
        """
        Clock = self.env['aftersales.sla.clock'].sudo()
        stories = self.env['aftersales.sla.event'].sudo()._read_stories(self)
        stored = Clock._read_rows(self)
        now, working, clocks, summaries = fields.Datetime.now(), {}, [], []
        for request in self.sudo():
            story = fold(stories[request.id], request._get_calendars(working))
            rows = Clock._prepare_rows(request.id, story, stored, now)
            clocks += [row for row in rows if row != stored.get((request.id, row['kind']))]
            summary = self._prepare_sla_summary(story.terms.policy, rows)
            if summary != request._get_stored_summary():
                summaries.append({'id': request.id, **summary})
        return clocks, summaries

    def _get_wrong_clocks(self):
        """Return the requests whose stored clocks are not what their events tell.

        What became late only by the passing of time is marked by the scheduled action.
        """
        clocks, summaries = self._prepare_sla()
        stored = self.env['aftersales.sla.clock'].sudo()._read_rows(self)
        wrong = {row['id'] for row in summaries if self.browse(row['id'])._is_summary_wrong(row)}
        names = ('used_sec', 'date_start', 'running_since', 'paused_since', 'deadline', 'date_end')
        for row in clocks:
            known = stored.get((row['request_id'], row['kind']), {})
            if any(row[name] != known.get(name) for name in names):
                wrong.add(row['request_id'])
        return self.filtered(lambda request: request.id in wrong)

    def _is_summary_wrong(self, row: dict) -> bool:
        """Whether more than lateness differs from what is stored."""
        stored = self._get_stored_summary()
        return any(row[name] != stored[name] for name in stored if name != 'sla_missed')

    def _get_calendars(self, known: dict):
        """Return what gives the working time of a calendar, holidays of our company included.

        :param known: of all requests of a batch: each calendar is read once
        """
        company = self.company_id

        def get_working(calendar_id: int) -> WorkingClock:
            if (calendar_id, company) not in known:
                calendar = self.env['resource.calendar'].browse(calendar_id or ()).exists()
                if calendar_id and not calendar:  # it was deleted since
                    calendar = company.resource_calendar_id
                known[calendar_id, company] = WorkingClock(calendar, company)
            return known[calendar_id, company]

        return get_working

    @api.model
    def _prepare_sla_summary(self, policy_id: int, rows: list[dict]) -> dict:
        """Return what a request shows of its clocks.

        :param policy_id: the policy that rules it, 0 for none
        :param rows: of its clocks
        """
        rows = [row for row in rows if row['state'] != 'cancelled']
        still_open = [row for row in rows if not row['date_end']]
        due = [row for row in still_open if row['deadline'] and row['running_since']]
        ended = [row for row in rows if row['deadline']] if not still_open else []
        first = min(due, key=lambda row: row['deadline'], default=None)
        last = max(ended, key=lambda row: row['deadline'], default=None)
        return {
            'sla_policy_id': policy_id or None,
            'sla_kind': first['kind'] if first else None,
            'sla_deadline': (first or last or {}).get('deadline'),
            'sla_warning_date': min(
                (row['date_risk'] for row in due if row['date_risk']), default=None
            ),
            'sla_paused': any(row['paused_since'] for row in still_open),
            'sla_missed': any(row['breached_at'] for row in rows),
        }

    def _get_stored_summary(self) -> dict:
        """Return what is stored now, in the form :meth:`_prepare_sla_summary` has."""
        return {
            'sla_policy_id': self.sla_policy_id.id or None,
            'sla_kind': self.sla_kind or None,
            'sla_deadline': self.sla_deadline or None,
            'sla_warning_date': self.sla_warning_date or None,
            'sla_paused': self.sla_paused,
            'sla_missed': self.sla_missed,
        }
