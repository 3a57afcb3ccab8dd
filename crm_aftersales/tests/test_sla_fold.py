from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..sla import SlaEvent, fold
from .common import MONDAY

TICK = timedelta(minutes=15)
HOUR = 3600
#: after a start, in any order, however little sense it makes
KINDS = ('reply', 'customer', 'pause', 'resume', 'on_site', 'stop', 'reopen', 'cancel')


class OfficeHours:
    """Monday to Friday 8-12 and 13-17: counted tick by tick, planned by counting."""

    def is_working(self, moment):
        return moment.weekday() < 5 and (8 <= moment.hour < 12 or 13 <= moment.hour < 17)

    def count(self, start, end):
        seconds = 0
        while start < end:
            seconds += self.is_working(start) and 900
            start += TICK
        return seconds

    def plan(self, start, seconds):
        while seconds > 0 or not self.is_working(start):
            seconds -= self.is_working(start) and 900
            start += TICK
            if seconds <= 0:
                return start
        return start


def get_terms(**values):
    targets = dict.fromkeys(('first_response', 'next_response', 'on_site', 'resolution'), 4 * HOUR)
    pauses = {'waiting_customer': {'reason': 1, 'cap': 0}}
    return {'policy': 1, 'calendar': 1, 'targets': targets, 'pauses': pauses, **values}


@st.composite
def stories(draw):
    """Return events that happen one after the other, some at the same moment."""
    terms = {'terms': get_terms()}
    moment = MONDAY + draw(st.integers(0, 700)) * TICK
    events = [SlaEvent('start', moment, terms)]
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=12)):
        moment += draw(st.integers(0, 60)) * TICK
        values = {'reason': 'waiting_customer'} if kind == 'pause' else {}
        events.append(SlaEvent(kind, moment, values))
    return events


def count_resolution(events, until):
    """Return the working time of the solution and of its pauses, looked at tick by tick."""
    hours, counts, state = OfficeHours(), Counter(), 'running'
    moment, events = events[0].at, list(events[1:])
    while moment < until or events:
        while events and events[0].at <= moment:
            state = follow(state, events.pop(0).kind)
        if moment < until:
            counts[state] += hours.is_working(moment) and 900
        moment += TICK
    return counts['running']


def follow(state, kind):
    """Return what the clock of the solution does after an event."""
    if kind == 'pause' and state == 'running':
        return 'paused'
    if kind == 'resume' and state == 'paused':
        return 'running'
    if kind == 'stop' and state in ('running', 'paused', 'dropped'):
        return 'stopped'
    if kind == 'cancel' and state in ('running', 'paused'):
        return 'dropped'
    if kind == 'cancel' and state == 'stopped':
        return 'dropped after stop'
    if kind == 'stop' and state == 'dropped after stop':
        return state
    if kind == 'reopen' and state in ('stopped', 'dropped', 'dropped after stop'):
        return 'running'
    return state


@tagged('post_install', '-at_install')
class TestSlaFold(BaseCase):
    """The engine alone, against a machine that looks at every quarter of an hour."""

    def _fold(self, events):
        return fold(events, lambda _calendar: OfficeHours())

    @settings(max_examples=150, deadline=None)
    @given(events=stories())
    def test_time_used_tick_by_tick(self, events):
        clock = self._fold(events).clocks['resolution']
        until = events[-1].at
        used = clock.used
        if clock.running_since:
            used += OfficeHours().count(clock.running_since, until)
        self.assertEqual(used, count_resolution(events, until))

    @settings(max_examples=150, deadline=None)
    @given(events=stories())
    def test_late_means_after_the_deadline(self, events):
        cancelled = any(event.kind == 'cancel' for event in events)
        for clock in self._fold(events).clocks.values():
            if clock.date_end and clock.kind != 'next_response' and not cancelled:
                self.assertEqual(bool(clock.breached_at), clock.date_end > clock.deadline)
            if clock.crossed:
                self.assertGreaterEqual(clock.used, clock.target)

    @settings(max_examples=100, deadline=None)
    @given(events=stories())
    def test_order_of_noting_changes_nothing(self, events):
        """An event that is noted late counts for when it happened."""
        late = [*events[:1], *sorted(events[1:], key=lambda event: event.at)]
        self.assertEqual(self._facts(events), self._facts(late))

    def _facts(self, events):
        return {
            kind: (clock.used, clock.running_since, clock.date_end, clock.deadline)
            for kind, clock in self._fold(events).clocks.items()
        }

    def test_no_start_no_clocks(self):
        self.assertFalse(self._fold([SlaEvent('reply', MONDAY)]).clocks)

    def test_start_that_is_put_right(self):
        terms = {'terms': get_terms()}
        early = MONDAY - timedelta(hours=1)
        events = [SlaEvent('start', MONDAY, terms), SlaEvent('start', early)]
        self.assertEqual(self._fold(events).clocks['resolution'].date_start, early)
        self.assertEqual(self._fold(events).clocks['resolution'].deadline, datetime(2026, 3, 2, 12))
