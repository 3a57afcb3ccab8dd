"""What was promised and what happened make the clocks of a request.

No database is read and no clock on the wall.

:func:`fold` reads the events of one request in order and returns its clocks.  The same events give
the same clocks whenever they are read, so stored clocks can be proved and repaired.

All moments are naive UTC, all times are whole seconds of working time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

CLOCK_KINDS = ('first_response', 'next_response', 'on_site', 'resolution')
#: an answer is owed whatever we wait for; only work can wait
PAUSABLE_KINDS = ('on_site', 'resolution')

#: calendar id (0: around the clock) -> an object with ``plan`` and ``count`` of a WorkingClock
Calendars = Callable[[int], Any]


@dataclass(frozen=True)
class SlaEvent:
    """One thing that happened to a request; ``values`` are what the kind needs."""

    kind: str
    at: datetime
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class SlaTerms:
    """What a policy promises, as it stood when it began to rule a request."""

    policy: int = 0
    calendar: int = 0
    #: kind of clock -> seconds; a kind that is missing is not promised
    targets: dict[str, int] = field(default_factory=dict)
    #: percentage from which a clock is at risk
    risk: int = 100
    #: percentages at which somebody is told
    steps: Sequence[int] = ()
    #: what a pause is for -> {'reason': id, 'cap': seconds, 0 for none}
    pauses: dict[str, dict[str, int]] = field(default_factory=dict)
    #: what reopening does to the resolution clock: resume, restart, ignore
    reopen: str = 'resume'

    @classmethod
    def of_event(cls, event: SlaEvent) -> SlaTerms:
        """Return the terms an event names; none are no promise at all."""
        values = event.values.get('terms') or {}
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


@dataclass
class SlaClock:
    """One promise: how much of its time is used, whether it runs, and since when."""

    kind: str
    terms: SlaTerms
    working: Any
    #: beginning of this round: a clock that is started anew has more than one
    date_start: datetime
    used: int = 0
    running_since: datetime | None = None
    date_end: datetime | None = None
    #: when the time of this round was over, once it is known to be too late
    crossed: datetime | None = None
    #: when it was first too late, in any round
    breached_at: datetime | None = None
    #: seconds from the deadline until it was done, of all rounds that ended
    late: int = 0
    #: when this round went on after its end
    resumed: datetime | None = None
    paused_since: datetime | None = None
    pause: str = ''
    #: working time of pauses so far, by what they were for
    paused: dict[str, int] = field(default_factory=dict)
    #: the deadline when the clock last stood still in time
    kept: datetime | None = None
    #: the round before, where this one began because the customer wrote again
    previous: SlaClock | None = None

    @property
    def target(self) -> int:
        return self.terms.targets[self.kind]

    @property
    def deadline(self) -> datetime | None:
        """When the time is over; None while it is paused or where there is no working time."""
        return self.crossed or (self.kept if self.date_end else self.get_moment(100))

    def get_moment(self, percent: int) -> datetime | None:
        """Return when a percentage of the time is used; None while the clock does not run."""
        if not self.running_since:
            return None
        left = round(self.target * percent / 100) - self.used
        return self.working.plan(self.running_since, max(left, 0))

    @property
    def pause_until(self) -> datetime | None:
        """When the clock runs again by itself, because the pause may not last longer."""
        if not self.paused_since:
            return None
        cap = self.terms.pauses[self.pause]['cap']
        left = cap - self.paused.get(self.pause, 0)
        return self.working.plan(self.paused_since, left) if cap else None

    def halt(self, at: datetime) -> None:
        """Stop counting; what was used stays used."""
        if not self.running_since:
            return
        deadline = self.deadline
        if deadline and at > deadline:
            self.crossed = deadline
            self.breached_at = self.breached_at or deadline
        self.kept = deadline
        self.used += self.working.count(self.running_since, at)
        self.running_since = None

    def end(self, at: datetime) -> None:
        """What was promised is done."""
        self.leave_pause(at)
        self.halt(at)
        self.note_lateness(at)
        self.date_end = at

    def note_lateness(self, at: datetime) -> None:
        """Count how long it took after the deadline, without the time it was thought done."""
        if self.crossed:
            since = max(self.crossed, self.resumed or self.crossed)
            self.late += int((at - since).total_seconds())

    def enter_pause(self, at: datetime, key: str) -> None:
        """Stand still, if the terms let the clock wait for this and the cap is not used up."""
        terms = self.terms.pauses.get(key)
        if not terms or self.kind not in PAUSABLE_KINDS or not self.running_since:
            return
        if terms['cap'] and self.paused.get(key, 0) >= terms['cap']:
            return
        self.halt(at)
        self.paused_since, self.pause = at, key

    def leave_pause(self, at: datetime) -> None:
        """Go on, from the end of the cap if that came first."""
        if not self.paused_since:
            return
        until = self.pause_until
        resumed = min(at, until) if until else at
        lasted = self.working.count(self.paused_since, resumed)
        self.paused[self.pause] = self.paused.get(self.pause, 0) + lasted
        self.paused_since, self.pause = None, ''
        self.running_since = resumed

    def begin_again(self, at: datetime) -> None:
        """Start a round with all of the time; a clock that was too late once stays so."""
        self.date_start, self.running_since = at, at
        self.used, self.date_end, self.crossed, self.kept = 0, None, None, None
        self.paused_since, self.pause, self.paused = None, '', {}
        self.resumed = None


class SlaStory:
    """Reads the events of one request one after the other; see :func:`fold`.

    :param calendars: gives the working time of a calendar
    :param terms: in place of those the events name, to see what they would have meant
    """

    def __init__(self, calendars: Calendars, terms: SlaTerms | None = None):
        self.calendars = calendars
        self.imposed = terms
        self.terms = SlaTerms()
        self.clocks: dict[str, SlaClock] = {}
        self.read: list[SlaEvent] = []
        self.pause = ''
        self.stopped = self.dropped = self.answered = self.visited = self.merged = False

    def tell(self, event: SlaEvent) -> None:
        """Take in one event."""
        getattr(self, f'_on_{event.kind}')(event)
        self.read.append(event)

    def is_dropped(self, clock: SlaClock) -> bool:
        """Whether a clock counts no more; what was judged before a cancellation was a promise."""
        return self.dropped and (self.merged or not clock.date_end)

    def _open_clocks(self) -> list[SlaClock]:
        return [clock for clock in self.clocks.values() if not clock.date_end]

    def get_pause_left(self, key: str) -> int | None:
        """Return how long the clocks may still wait for this, in seconds of working time.

        :param key: what the pause is for
        :return: None where there is no limit, or no clock that could wait
        """
        caps = [
            (clock.terms.pauses[key]['cap'], clock.paused.get(key, 0))
            for clock in self._open_clocks()
            if clock.kind in PAUSABLE_KINDS and key in clock.terms.pauses
        ]
        if not caps or any(not cap for cap, _paused in caps):
            return None
        return max(cap - paused for cap, paused in caps)

    def _end(self, event: SlaEvent, *kinds: str) -> None:
        for clock in self._open_clocks():
            if clock.kind in kinds:
                clock.end(event.at)

    # --- the promise ---

    def _on_start(self, event: SlaEvent) -> None:
        self.terms = self.imposed or SlaTerms.of_event(event)
        for kind in ('first_response', 'on_site', 'resolution'):
            self._add_clock(kind, event.at)

    def _add_clock(self, kind: str, at: datetime) -> None:
        """Start a clock that the terms promise."""
        if kind in self.terms.targets:
            working = self.calendars(self.terms.calendar)
            self.clocks[kind] = SlaClock(kind, self.terms, working, at, running_since=at)
            if self.pause:
                self.clocks[kind].enter_pause(at, self.pause)

    def _on_retarget(self, event: SlaEvent) -> None:
        """Other terms rule from now on; a promise that was fulfilled is not judged again."""
        restart = event.values.get('mode') == 'restart'
        if self.imposed and not restart:
            return
        self.terms = self.imposed or SlaTerms.of_event(event)
        clocks = self._restart(event.at) if restart else self._retell()
        ended = {kind: clock for kind, clock in self.clocks.items() if clock.date_end}
        self.clocks = {**clocks, **ended}

    def _retell(self) -> dict[str, SlaClock]:
        """Return the clocks as if these terms had ruled from the start, pauses included."""
        story = SlaStory(self.calendars, self.terms)
        for event in self.read:
            story.tell(event)
        return {clock.kind: clock for clock in story._open_clocks()}

    def _restart(self, at: datetime) -> dict[str, SlaClock]:
        """Return clocks of which all time is left; who was too late stays so."""
        before, self.clocks = self.clocks, {}
        kinds = {
            'first_response': not self.answered,
            'next_response': self._is_open(before.get('next_response')),
            'on_site': not self.visited,
            'resolution': True,
        }
        for kind in kinds if not (self.stopped or self.dropped) else ():
            if kinds[kind]:
                self._add_clock(kind, at)
            if kind in before and kind in self.clocks:
                before[kind].halt(at)
                if not before[kind].date_end:
                    before[kind].note_lateness(at)
                self.clocks[kind].breached_at = before[kind].breached_at
                self.clocks[kind].late = before[kind].late
                self.clocks[kind].previous = before[kind].previous
        made, self.clocks = self.clocks, before
        return made

    @staticmethod
    def _is_open(clock: SlaClock | None) -> bool:
        return bool(clock) and not clock.date_end

    # --- words ---

    def _on_reply(self, event: SlaEvent) -> None:
        self.answered = True
        self._end(event, 'first_response', 'next_response')

    def _on_customer(self, event: SlaEvent) -> None:
        """An answer is owed again, unless the first one still is."""
        waits = any(
            self._is_open(self.clocks.get(kind)) for kind in ('first_response', 'next_response')
        )
        if self.stopped or self.dropped or waits:
            return
        if 'next_response' not in self.clocks:
            self._add_clock('next_response', event.at)
        elif 'next_response' in self.terms.targets:
            clock = self.clocks['next_response']
            clock.previous = replace(clock, previous=None)
            clock.terms, clock.working = self.terms, self.calendars(self.terms.calendar)
            clock.begin_again(event.at)

    # --- work ---

    def _on_on_site(self, event: SlaEvent) -> None:
        self.visited = True
        self._end(event, 'on_site')

    def _on_pause(self, event: SlaEvent) -> None:
        if self.stopped or self.dropped:
            return
        self._on_resume(event)
        self.pause = event.values['reason']
        for clock in self._open_clocks():
            clock.enter_pause(event.at, self.pause)

    def _on_resume(self, event: SlaEvent) -> None:
        self.pause = ''
        for clock in self._open_clocks():
            clock.leave_pause(event.at)

    def _on_stop(self, event: SlaEvent) -> None:
        """A solution is an answer and a visit too: nothing else is owed after it."""
        if not self.stopped:
            self.stopped, self.dropped, self.pause = True, False, ''
            self._end(event, *CLOCK_KINDS)

    def _on_cancel(self, event: SlaEvent) -> None:
        """Nothing is owed any more; clocks stand still in case the request comes back."""
        self._on_resume(event)
        self.dropped = True
        for clock in self._open_clocks():
            clock.halt(event.at)

    def _on_merge(self, event: SlaEvent) -> None:
        """The other request goes on with the promises."""
        self._on_cancel(event)
        self.merged = True

    def _on_split(self, _event: SlaEvent) -> None:
        """What the customer wrote last goes on elsewhere: no answer to it is owed here."""
        clock = self.clocks.get('next_response')
        if self._is_open(clock):
            del self.clocks['next_response']
            if clock.previous:
                self.clocks['next_response'] = clock.previous

    def _on_reopen(self, event: SlaEvent) -> None:
        """Go on with what is left; the first answer stays given."""
        ended, self.stopped = self.stopped, False
        if self.dropped:
            self.dropped = self.merged = False
            for clock in self._open_clocks():
                clock.running_since = clock.running_since or event.at
        resolution = self.clocks.get('resolution')
        if resolution and ended and resolution.date_end and self.terms.reopen != 'ignore':
            self._reopen_resolution(resolution, event)
        if resolution and 'used' in event.values:  # known from before there were events
            resolution.date_end, resolution.crossed = None, None
            resolution.used, resolution.running_since = event.values['used'], event.at

    def _reopen_resolution(self, clock: SlaClock, event: SlaEvent) -> None:
        if self.terms.reopen == 'restart':
            clock.begin_again(event.at)
        else:
            clock.date_end, clock.running_since = None, event.at
            clock.resumed = event.at


def _has_come_back(split: SlaEvent, later: list[SlaEvent]) -> bool:
    """Whether what was split off was merged again: words of before were noted once more."""
    return any(event.kind == 'customer' and event.at < split.at for event in later)


def order_events(events: Iterable[SlaEvent]) -> list[SlaEvent]:
    """Return events in the order in which they happened, the start first.

    Of several starts the last one noted tells when it was: a correction, or the earliest of
    requests that were merged.  The first one names the terms.

    :param events: in the order in which they were noted
    """
    events = list(events)
    events = [
        event
        for number, event in enumerate(events)
        if event.kind != 'split' or not _has_come_back(event, events[number:])
    ]
    starts = [event for event in events if event.kind == 'start']
    if not starts:
        return []
    start = replace(starts[0], at=starts[-1].at)
    others = [
        replace(event, at=max(event.at, start.at)) for event in events if event.kind != 'start'
    ]
    return [start, *sorted(others, key=lambda event: event.at)]


def get_last_break(events: Iterable[SlaEvent]) -> tuple[datetime, datetime] | None:
    """Return from when to when a request was over before it was last reopened.

    :param events: in the order in which they were noted
    """
    ended, found = None, None
    for event in order_events(events):
        if event.kind in ('stop', 'cancel'):
            ended = ended or event.at
        elif event.kind == 'reopen' and ended:
            found, ended = (ended, event.at), None
    return found


def fold(events: Iterable[SlaEvent], calendars: Calendars) -> SlaStory:
    """Return the story that the events of one request tell, with its clocks.

    :param events: in the order in which they were noted
    :param calendars: gives the working time of a calendar
    """
    story = SlaStory(calendars)
    for event in order_events(events):
        story.tell(event)
    return story
