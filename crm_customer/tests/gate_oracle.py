"""What the gate has to decide, simulated minute by minute in plain Python.

It shares nothing with the gate: no SQL, no formula for the end of a rule.  A message that a rule
holds waits, minute after minute, until that rule would let it go, and is then looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
NEVER_WAIT = {'safety', 'transactional'}
PURPOSE = {
    'safety': 'transactional',
    'transactional': 'transactional',
    'hint': 'care',
    'greeting': 'care',
    'gift': 'care',
    'offer': 'promotion',
    'survey': 'survey',
}
NO_PATIENCE = datetime(9999, 1, 1)


@dataclass
class Policy:
    channel: str | None = None
    allowed: int = 0
    window_days: int = 7
    by_day: bool = False
    quiet_from: int = 0  # minutes after midnight
    quiet_to: int = 0
    days: tuple = (0, 1, 2, 3, 4, 5, 6)
    defer_hours: int = 0


@dataclass
class Period:
    origin: tuple | None  # None: made by hand
    first: datetime
    end: datetime
    promotion_end: datetime
    company: str | None
    classes: set
    channels: set
    action: str
    listed: set | None = None


@dataclass
class Hold:
    reason: str
    person: int
    company: str | None
    until: datetime | None
    final: bool = False


@dataclass
class Person:
    number: int
    zone: str = 'UTC'
    merged: bool = False
    erased: bool = False
    archived: bool = False
    email: bool = True
    phone: bool = True
    address: bool = True
    email_blacklisted: bool = False
    phone_blacklisted: bool = False
    do_not_disturb: bool = False
    do_not_disturb_until: date | None = None
    consents: dict = field(default_factory=dict)  # (company, purpose, channel): status


@dataclass
class Message:
    number: int
    person: int
    company: str
    message_class: str
    channel: str
    planned: datetime
    priority: int = 5
    expires: datetime | None = None
    origin: tuple | None = None
    # what becomes of it
    state: str = 'planned'
    reason: str | None = None
    decided: datetime | None = None
    into: int | None = None
    look: datetime | None = None
    waited: bool = False


@dataclass
class World:
    end: datetime
    policies: dict  # company: list of policies
    opt_in: dict  # company: set of purposes
    persons: list
    messages: list
    periods: list = field(default_factory=list)
    holds: list = field(default_factory=list)
    outage: tuple = (NO_PATIENCE, NO_PATIENCE)  # nothing is looked at in between

    def run(self) -> None:
        """Let time pass for each person."""
        of_person = {}
        for message in self.messages:
            message.look = message.planned
            of_person.setdefault(message.person, []).append(message)
        for person in self.persons:
            if person.number in of_person:
                Life(self, person, of_person[person.number]).run()


@cache
def clock(zone: str, minute: datetime) -> datetime:
    """Return what the clock of a zone shows."""
    return minute.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


class Life:
    """One person and the messages he is to get."""

    def __init__(self, world, person, messages):
        self.world, self.person, self.messages = world, person, messages
        self.got = []  # (minute, company, channel)

    def run(self):
        minute = min(message.look for message in self.messages)
        while minute <= self.world.end:
            waiting = [message for message in self.messages if message.state == 'planned']
            if not waiting:
                return
            if not self.world.outage[0] <= minute < self.world.outage[1]:
                self.look(minute)
            minute += MINUTE

    def look(self, minute):
        while due := [m for m in self.messages if m.state == 'planned' and m.look <= minute]:
            self.decide(minute, due)

    # --- one round of decisions in one minute ---

    def decide(self, minute, due):
        verdicts = {}
        for message in sorted(due, key=lambda m: (m.priority, m.look, m.number)):
            verdicts[message.number] = self.judge(minute, message)
        looks = {message.number: message.look for message in self.messages}
        for message in due:
            verb, reason, until, host = verdicts[message.number]
            if verb == 'fold' and not self.can_host(message, host, verdicts, looks):
                verb = 'wait'
            self.settle(minute, message, verb, reason, until, host)
        for message in due:
            if message.state == 'refused':
                self.take_back(minute, message)

    def can_host(self, message, host, verdicts, looks):
        verb = verdicts.get(host.number, ('wait',))[0]
        return verb in ('send', 'wait') and looks[host.number] < self.patience(message)

    def settle(self, minute, message, verb, reason, until, host):
        message.reason = reason
        if verb == 'wait':
            message.waited = True
            message.look = min(until, self.patience(message))
            return
        message.decided = minute
        message.state = {'send': 'queued', 'refuse': 'refused', 'fold': 'folded'}[verb]
        if verb == 'fold':
            message.waited = True
            message.into = host.number

    def take_back(self, minute, host):
        for message in self.messages:
            if message.state == 'folded' and message.into == host.number:
                message.state, message.look = 'planned', minute
                message.into = message.decided = None

    # --- one message ---

    def judge(self, minute, message):
        reason = self.refusal(minute, message)
        if reason:
            return 'refuse', reason, None, None
        held = self.hold(minute, message)
        if held and held[1] == 'quiet_period' and held[0] == 'refuse':
            return held
        if (held or message.waited) and minute >= self.patience(message):
            return 'refuse', 'expired', None, None
        if held:
            return held
        if self.counts(message):
            self.got.append((minute, message.company, message.channel))
        return 'send', None, None, None

    def counts(self, message):
        return message.message_class not in NEVER_WAIT and message.channel != 'in_person'

    def patience(self, message):
        limits = [message.expires] if message.expires else []
        if self.counts(message):
            limits += [
                message.planned + timedelta(hours=policy.defer_hours)
                for policy in self.policies(message)
                if policy.defer_hours
            ]
        return min(limits, default=NO_PATIENCE)

    def policies(self, message):
        return [
            policy
            for policy in self.world.policies[message.company]
            if policy.channel in (None, message.channel)
        ]

    def refusal(self, minute, message):
        person, optional = self.person, message.message_class not in NEVER_WAIT
        if person.merged:
            return 'merged'
        if person.erased:
            return 'erased'
        if person.archived and optional:
            return 'archived'
        if message.expires and minute >= message.expires:
            return 'expired'
        if optional and minute > message.look + timedelta(days=2):
            return 'expired'
        if not self.has_address(message.channel):
            return 'no_address'
        if optional and self.is_blacklisted(message.channel):
            return 'blacklist'
        if optional and self.is_not_to_be_disturbed(minute):
            return 'do_not_disturb'
        if not self.has_consent(message):
            return 'no_consent'
        for hold in self.holds(message):
            if hold.final:
                return hold.reason
        return None

    def has_address(self, channel):
        person = self.person
        return {
            'email': person.email,
            'sms': person.phone,
            'phone': person.phone,
            'post': person.address,
            'in_person': True,
        }[channel]

    def is_blacklisted(self, channel):
        if channel == 'email':
            return self.person.email_blacklisted
        return channel in ('sms', 'phone') and self.person.phone_blacklisted

    def is_not_to_be_disturbed(self, minute):
        if not self.person.do_not_disturb:
            return False
        until = self.person.do_not_disturb_until
        return until is None or clock(self.person.zone, minute).date() < until

    def has_consent(self, message):
        if message.message_class == 'safety':
            return True
        purpose = PURPOSE[message.message_class]
        status = self.person.consents.get((message.company, purpose, message.channel))
        if status:
            return status == 'in' or (status == 'pending' and purpose == 'transactional')
        return message.channel == 'in_person' or purpose not in self.world.opt_in[message.company]

    def holds(self, message):
        if not self.counts(message):
            return []
        return [
            hold
            for hold in self.world.holds
            if hold.person == message.person and hold.company in (None, message.company)
        ]

    # --- rules that make it wait: (what to do, reason, until when, host) ---

    def hold(self, minute, message):
        if not self.counts(message):
            return None
        for reason in ('hush', 'in_house'):
            ends = [
                hold.until or minute + timedelta(hours=1)
                for hold in self.holds(message)
                if hold.reason == reason and not hold.final
            ]
            last = max(ends, default=minute)
            if last > minute:
                over = self.first_minute(minute, lambda t, last=last: t >= last)
                return 'wait', reason, over, None
        return (
            self.quiet_period(minute, message)
            or self.frequency_cap(minute, message)
            or self.quiet_hours(minute, message)
        )

    def first_minute(self, minute, is_over):
        while not is_over(minute):
            minute += MINUTE
        return minute

    def quiet_period(self, minute, message):
        periods = [
            period
            for period in self.world.periods
            if period.first <= minute < period.end
            and period.company in (None, message.company)
            and message.message_class in period.classes
            and message.channel in period.channels
            and (period.origin is None or period.origin != message.origin)
            and (period.listed is None or message.person in period.listed)
        ]
        if not periods:
            return None
        if any(period.action == 'drop' for period in periods):
            return 'refuse', 'quiet_period', None, None
        until = max(period.promotion_end for period in periods)
        origins = {period.origin for period in periods if period.action == 'fold'}
        hosts = [
            host
            for host in self.messages
            if host.origin in origins
            and host.company == message.company
            and host.state == 'planned'
        ]
        host = min(hosts, key=lambda host: (host.look, host.number), default=None)
        return ('fold' if host else 'wait'), 'quiet_period', until, host

    def frequency_cap(self, minute, message):
        ends = []
        for policy in self.policies(message):
            got = [
                when
                for when, company, channel in self.got
                if company == message.company and policy.channel in (None, channel)
            ]
            if policy.allowed and not self.has_room(minute, policy, got):
                ends.append(
                    self.first_minute(minute, lambda t, p=policy, g=got: self.has_room(t, p, g))
                )
        return ('wait', 'frequency_cap', max(ends), None) if ends else None

    def has_room(self, minute, policy, got):
        if policy.by_day:
            today = clock(self.person.zone, minute).date()
            recent = [
                when
                for when in got
                if (today - clock(self.person.zone, when).date()).days < policy.window_days
            ]
        else:
            recent = [when for when in got if minute - when < timedelta(days=policy.window_days)]
        return len(recent) < policy.allowed

    def quiet_hours(self, minute, message):
        ends = [
            self.first_minute(minute, lambda t, p=policy: not self.is_quiet(t, p))
            for policy in self.policies(message)
            if self.is_quiet(minute, policy)
        ]
        return ('wait', 'quiet_hours', max(ends), None) if ends else None

    def is_quiet(self, minute, policy):
        local = clock(self.person.zone, minute)
        if local.weekday() not in policy.days:
            return True
        time = local.hour * 60 + local.minute
        if policy.quiet_from < policy.quiet_to:
            return policy.quiet_from <= time < policy.quiet_to
        if policy.quiet_from > policy.quiet_to:
            return time >= policy.quiet_from or time < policy.quiet_to
        return False
