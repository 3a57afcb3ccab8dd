"""Random worlds for the oracle, and the same worlds in the database."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

from odoo.tools import SQL

from odoo.addons.crm_customer.gate import GateSource

from .gate_oracle import Hold, Message, Period, Person, Policy, World

QUARTER = timedelta(minutes=15)
MAX_TURNS = 20
ZONES = [
    'UTC',
    'Asia/Shanghai',
    'Asia/Taipei',
    'Asia/Kathmandu',
    'Asia/Kolkata',
    'Pacific/Auckland',
    'Pacific/Chatham',
    'Australia/Lord_Howe',
    'America/New_York',
    'America/St_Johns',
    'America/Sao_Paulo',
    'Europe/London',
    'Europe/Berlin',
]
#: around changes to and from summer time, the end of the year, and a quiet month
STARTS = [
    datetime(2026, 2, 28),
    datetime(2026, 3, 25),
    datetime(2026, 9, 24),
    datetime(2026, 10, 22),
    datetime(2026, 12, 20),
    datetime(2026, 6, 1),
]
CLASSES = ['greeting', 'gift', 'offer', 'hint', 'survey', 'transactional', 'safety']
CHANNELS = ['email', 'sms', 'phone', 'post', 'in_person']
KEEPING_QUIET = {'hint', 'greeting', 'gift', 'offer'}
REACHED = {'email', 'sms', 'phone', 'post'}
WEEKDAYS = ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')
COMPANIES = ['strict', 'calendar', 'channels', 'free', 'shop']


class RandomWorld:
    """Makes up a world; the same seed makes the same one."""

    def __init__(self, seed, cases, days=14):
        self.random = random.Random(seed)
        self.start = STARTS[seed % len(STARTS)]
        self.days = days
        self.persons = [self.person(number) for number in range(cases)]
        self.periods = [self.period(number) for number in range(12)]
        self.messages = []
        for person in self.persons:
            self.add_messages(person)
        self.world = World(
            end=self.start + timedelta(days=days + 16),
            policies={company: self.policies(company) for company in COMPANIES},
            opt_in={
                company: self.random.choice([{'promotion'}, {'promotion', 'survey'}, set()])
                for company in COMPANIES
            },
            persons=self.persons,
            messages=self.messages,
            periods=self.periods,
            holds=[hold for person in self.persons for hold in self.holds(person)],
            outage=self.outage(),
        )
        self.periods += [self.period_by_hand() for _number in range(2)]

    def chance(self, share):
        return self.random.random() < share

    def moment(self, first=0, days=None):
        quarters = int((days or self.days) * 96)
        return self.start + QUARTER * self.random.randrange(first * 96, quarters)

    def outage(self):
        """Three days in which the server is down."""
        begin = self.moment(first=4)
        return begin, begin + timedelta(days=3)

    def person(self, number):
        return Person(
            number=number,
            zone=self.random.choice(ZONES),
            merged=self.chance(0.02),
            erased=self.chance(0.02),
            archived=self.chance(0.03),
            email=not self.chance(0.05),
            phone=not self.chance(0.1),
            address=not self.chance(0.1),
            email_blacklisted=self.chance(0.04),
            phone_blacklisted=self.chance(0.04),
            do_not_disturb=self.chance(0.06),
            do_not_disturb_until=(self.chance(0.5) and self.moment().date()) or None,
            consents=self.consents(),
        )

    def consents(self):
        return {
            (company, purpose, channel): self.random.choice(['in', 'in', 'in', 'pending', 'out'])
            for company in COMPANIES
            for purpose in ('promotion', 'care', 'survey', 'transactional')
            for channel in CHANNELS
            if self.chance(0.35)
        }

    def policies(self, company):
        clock = [0, 0, 60 * self.random.choice([20, 21, 22, 23]), 60 * self.random.randint(6, 10)]
        quiet_from, quiet_to = (0, 0) if company == 'free' else clock[2:]
        general = Policy(
            allowed=self.random.randint(1, 3),
            window_days=self.random.choice([1, 3, 7]),
            by_day=company == 'calendar',
            quiet_from=quiet_from,
            quiet_to=quiet_to,
            days=(0, 1, 2, 3, 4) if company == 'calendar' else tuple(range(7)),
            defer_hours=72 if company == 'strict' else 0,
        )
        if company == 'shop':
            general.quiet_from, general.quiet_to = 12 * 60, 14 * 60 + 30
        if company != 'channels':
            return [general]
        return [
            general,
            Policy(channel='sms', allowed=1, window_days=2, quiet_from=18 * 60, quiet_to=10 * 60),
            Policy(channel='email', allowed=2, window_days=5, by_day=True),
        ]

    def period(self, number):
        begin = self.moment(first=2, days=self.days + 4)
        end = begin + QUARTER * self.random.randint(4, 4 * 96)
        during = self.chance(0.3)
        return Period(
            origin=('promotion', number + 1),
            first=begin - timedelta(days=self.random.randint(1, 3)),
            end=end if during else begin,
            promotion_end=end,
            company=self.random.choice([None, *COMPANIES]),
            classes=set(KEEPING_QUIET) if self.chance(0.6) else {'greeting', 'gift'},
            channels=set(REACHED) if self.chance(0.6) else {'email'},
            action=self.random.choice(['defer_to_end', 'fold', 'fold', 'drop']),
            listed=None
            if self.chance(0.4)
            else {person.number for person in self.persons if self.chance(0.5)},
        )

    def period_by_hand(self):
        """Such a period has no origin, and no message that others could be put into."""
        action = self.random.choice(['defer_to_end', 'drop'])
        return replace(self.period(0), origin=None, action=action, company=None, listed=None)

    def add_messages(self, person):
        company = self.random.choice(COMPANIES)
        for number in range(self.random.randint(1, 6)):
            if not number or self.chance(0.7):  # else together with the one before
                planned = self.moment()
            self.messages.append(
                Message(
                    number=len(self.messages),
                    person=person.number,
                    company=company if self.chance(0.85) else self.random.choice(COMPANIES),
                    message_class=self.random.choice([*CLASSES, 'greeting', 'offer']),
                    channel=self.random.choice([*CHANNELS, 'email', 'email', 'email']),
                    planned=planned,
                    priority=self.random.choice([0, 5, 5, 9]),
                    expires=planned + QUARTER * self.random.randint(1, 5 * 96)
                    if self.chance(0.15)
                    else None,
                    origin=('promotion', self.random.randint(1, 12)) if self.chance(0.4) else None,
                )
            )

    def holds(self, person):
        for reason, share, final in (
            ('hush', 0.08, False),
            ('in_house', 0.06, False),
            ('holdout', 0.04, True),
        ):
            if self.chance(share):
                yield Hold(
                    reason=reason,
                    person=person.number,
                    company=self.random.choice([None, *COMPANIES]),
                    until=None if final or person.number % 40 == 0 else self.moment(),
                    final=final,
                )


class DatabaseWorld:
    """Puts a world into the database and lets the gate decide about it.

    :param env: environment that may do anything
    :param world: :class:`World`
    """

    def __init__(self, env, world):
        self.env, self.world = env, world
        self.companies = self.make_companies()
        self.persons = self.make_persons()
        self.make_consents()
        self.make_policies()
        self.make_periods()
        self.make_holds()
        env['crm.message'].search([('state', '=', 'planned')]).write({'state': 'cancelled'})
        self.messages = self.make_messages()
        self.mark_persons()
        env.flush_all()

    def make_companies(self):
        companies = {}
        for name in COMPANIES:
            rules = {
                f'crm_consent_{purpose}': (
                    'opt_in' if purpose in self.world.opt_in[name] else 'opt_out'
                )
                for purpose in ('promotion', 'care', 'survey')
            }
            companies[name] = self.env['res.company'].create({'name': f"Gate {name}", **rules})
        return companies

    def make_persons(self):
        partners = self.env['res.partner'].create(
            [self.partner_vals(person) for person in self.world.persons]
        )
        found = self.env['crm.person']._for_partners(partners)
        by_partner = {person.partner_id.id: person for person in found}
        self.make_blacklists()
        return [by_partner[partner.id] for partner in partners]

    def mark_persons(self):
        """Do what happens to persons after messages to them were planned."""
        for person, record in zip(self.world.persons, self.persons, strict=True):
            if person.merged:
                record.write({'survivor_id': self.persons[0].id, 'partner_id': False})
            if person.erased:
                record.write({'erased_on': self.world.end, 'partner_id': False})
            if person.do_not_disturb:
                record.write(
                    {
                        'do_not_disturb': True,
                        'do_not_disturb_until': person.do_not_disturb_until,
                    }
                )

    def partner_vals(self, person):
        return {
            'name': f"Gate {person.number}",
            'active': not person.archived,
            'email': person.email and self.email(person),
            'phone': person.phone and self.phone(person),
            'street': person.address and "1 Gate Street",
            'city': "Gate",
            'country_id': self.env.ref('base.us').id,
            'customer_tz_choice': person.zone,
        }

    def email(self, person):
        return f"gate-{person.number}@example.com"

    def phone(self, person):
        return f"+1202555{person.number:04d}"

    def make_blacklists(self):
        self.env['mail.blacklist'].create(
            [{'email': self.email(p)} for p in self.world.persons if p.email_blacklisted]
        )
        self.env['phone.blacklist'].create(
            [{'number': self.phone(p)} for p in self.world.persons if p.phone_blacklisted]
        )

    def make_consents(self):
        self.env['crm.consent'].create(
            [
                {
                    'person_id': record.id,
                    'company_id': self.companies[company].id,
                    'purpose': purpose,
                    'channel': channel,
                    'status': status,
                }
                for person, record in zip(self.world.persons, self.persons, strict=True)
                for (company, purpose, channel), status in person.consents.items()
            ]
        )

    def make_policies(self):
        self.env['crm.contact.policy'].search([]).active = False
        self.env['crm.contact.policy'].create(
            [
                {
                    'name': company,
                    'company_id': self.companies[company].id,
                    'channel': policy.channel,
                    'max_messages': policy.allowed,
                    'window_days': policy.window_days,
                    'window': 'calendar' if policy.by_day else 'rolling',
                    'quiet_from': policy.quiet_from / 60,
                    'quiet_to': policy.quiet_to / 60,
                    'defer_max_hours': policy.defer_hours,
                    **{day: number in policy.days for number, day in enumerate(WEEKDAYS)},
                }
                for company, policies in self.world.policies.items()
                for policy in policies
            ]
        )

    def make_periods(self):
        for period in self.world.periods:
            company = self.companies.get(period.company)
            record = self.env['crm.quiet.period'].create(
                {
                    'name': "Promotion",
                    'company_id': company.id if company else False,
                    'res_model': period.origin and period.origin[0],
                    'res_id': period.origin and period.origin[1],
                    'promotion_from': period.end - QUARTER,
                    'promotion_to': period.promotion_end,
                    'action': period.action,
                    'limited': period.listed is not None,
                    'person_ids': [self.persons[number].id for number in period.listed or ()],
                    **{f'hold_{name}': name in period.classes for name in KEEPING_QUIET},
                    **{f'hold_{name}': name in period.channels for name in REACHED},
                }
            )
            # the oracle knows the range itself, days before a promotion have tests of their own
            record.write({'date_from': period.first, 'date_to': period.end})

    def make_holds(self):
        self.env.cr.execute(
            'CREATE TEMPORARY TABLE IF NOT EXISTS gate_test_hold (reason varchar,'
            ' person_id int, company_id int, until timestamp)'
        )
        self.env.cr.execute('DELETE FROM gate_test_hold')
        for hold in self.world.holds:
            company = self.companies.get(hold.company)
            self.env.cr.execute(
                'INSERT INTO gate_test_hold VALUES (%s, %s, %s, %s)',
                (
                    hold.reason,
                    self.persons[hold.person].id,
                    company.id if company else None,
                    hold.until,
                ),
            )

    @staticmethod
    def sources():
        """The holds, as an addon would give them to the gate."""
        return [
            GateSource(
                reason=reason,
                by='person_id',
                final=final,
                query=SQL(
                    'SELECT person_id, company_id, until FROM gate_test_hold WHERE reason = %s',
                    reason,
                ),
            )
            for reason, final in (('in_house', False), ('hush', False), ('holdout', True))
        ]

    def make_messages(self):
        return self.env['crm.message']._plan(
            {
                'key': f'gate:{message.number}',
                'person_id': self.persons[message.person].id,
                'company_id': self.companies[message.company].id,
                'message_class': message.message_class,
                'channel': message.channel,
                'planned_at': message.planned,
                'expires_at': message.expires,
                'priority': message.priority,
                'origin_model': message.origin and message.origin[0],
                'origin_id': message.origin and message.origin[1],
            }
            for message in self.world.messages
        )

    def run(self):
        """Let time pass: decide whenever something is due."""
        messages = self.env['crm.message']
        last, turns = None, 0
        while now := self.next_moment():
            turns = turns + 1 if now == last else 0
            if turns > MAX_TURNS:  # a gate that is broken on purpose may never come to an end
                return
            last, mark = now, None
            while True:
                due, mark = messages._claim_due(now, 0, 1, mark)
                if not due:
                    break
                due._process(now)

    def next_moment(self):
        self.env.cr.execute(
            "SELECT min(due_at) FROM crm_message WHERE state = 'planned' AND id = ANY(%s)",
            [self.messages.ids],
        )
        [now] = self.env.cr.fetchone()
        down, up = self.world.outage
        now = up if now and down <= now < up else now
        return now if now and now <= self.world.end else None

    def found(self):
        """Return what became of each message, as the oracle says it."""
        self.messages.invalidate_recordset(flush=False)
        numbers = {message.id: number for number, message in enumerate(self.messages)}
        return [
            SimpleNamespace(
                state=message.state,
                reason=message.reason or None,
                decided=message.decided_at or None,
                look=message.due_at if message.state == 'planned' else None,
                into=numbers.get(message.folded_into_id.id),
            )
            for message in self.messages
        ]
