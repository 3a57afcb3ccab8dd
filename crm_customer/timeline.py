"""The customer's time line: events of many models in one list, newest first.

A source says where its events are and how to describe them; this module finds one page of all
sources with a single statement.  Pages are cut by position, not by offset, so that nothing is
lost or shown twice while new events arrive, however many share one second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple

from odoo.api import Environment
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import SQL, Query

MAX_PAGE_SIZE = 200


@dataclass(frozen=True)
class TimelineText:
    """What the time line shows of one record."""

    title: str
    body: str = ''
    state: str = ''
    #: model and id to open instead of the record itself
    target: tuple[str, int] | None = None
    #: shown instead of the moment, for events of a whole day
    day: date | None = None


@dataclass(frozen=True)
class TimelineSource:
    """One kind of events in a customer's time line.

    Example::

        TimelineSource(
            key='aftersales.request',
            label=self.env._("Service Requests"),
            icon='fa-wrench',
            model='aftersales.request',
            domain=self._get_timeline_partner_domain('partner_id'),
            date_field='create_date',
            describe=lambda requests: requests._get_timeline_texts(),
            search_fields=('name', 'number'),
        )
    """

    #: stable and unique; part of the paging cursor
    key: str
    #: translated, shown as filter
    label: str
    #: Font Awesome class, as ``fa-wrench``
    icon: str
    model: str
    #: records of ``model`` that belong to the customer; record rules come on top.  Or several such
    #: domains that exclude each other: each is searched by itself, where an OR would make the
    #: database read the whole table
    domain: Domain | tuple[Domain, ...]
    #: stored Date or Datetime field of ``model``, or several of one type: the first that is set
    date_field: str | tuple[str, ...]
    #: texts of a whole page at once, by record id
    describe: Callable[[BaseModel], dict[int, TimelineText]]
    #: fields the search box looks into
    search_fields: tuple[str, ...] = ()
    #: the domain alone decides what may be read (for models whose search checks row by row)
    bypass_access: bool = False
    #: messages and done activities on the records are events too
    with_messages: bool = False
    #: events that may leave the system in a file
    export_domain: Domain = Domain.TRUE

    @property
    def domains(self) -> tuple[Domain, ...]:
        return self.domain if isinstance(self.domain, tuple) else (self.domain,)

    @property
    def date_fields(self) -> tuple[str, ...]:
        return self.date_field if isinstance(self.date_field, tuple) else (self.date_field,)


@dataclass(frozen=True)
class TimelineFilter:
    """What the reader wants to see."""

    #: text that an event must contain
    search: str = ''
    #: first and last day, in the reader's time zone
    date_from: date | None = None
    date_to: date | None = None
    #: the events are written to a file
    export: bool = False


class TimelinePosition(NamedTuple):
    """Place of an event in the order of all sources."""

    moment: datetime  # UTC, with microseconds: create_date has them
    key: str
    res_id: int

    def encode(self) -> str:
        """:return: the position as the opaque cursor given to clients"""
        return f'{self.moment.isoformat()}|{self.key}|{self.res_id}'

    @classmethod
    def decode(cls, env: Environment, cursor: str) -> TimelinePosition:
        """Read a cursor that came back from a client.

        :param env: environment for the error message
        :param cursor: what :meth:`encode` returned
        :raise ValidationError: the cursor is not one of ours
        """
        try:
            moment, key, res_id = cursor.split('|')
            return cls(datetime.fromisoformat(moment), key, int(res_id))
        except (AttributeError, ValueError) as error:
            raise ValidationError(env._("This page of the time line does not exist.")) from error


def find_events(
    env: Environment,
    sources: Iterable[TimelineSource],
    limit: int,
    before: TimelinePosition | None = None,
    wanted: TimelineFilter | None = None,
) -> list[TimelinePosition]:
    """Find one page of events of all sources, newest first, in one statement.

    :param env: environment of the user who looks
    :param sources: sources the user may read
    :param limit: number of events
    :param before: last event of the page before
    :param wanted: what the user wants to see; everything when not given
    """
    selects = [
        select
        for source in sources
        for select in _source_selects(env, source, limit, before, wanted or TimelineFilter())
    ]
    if not selects:
        return []
    rows = env.execute_query(
        SQL(
            'SELECT moment, key, id FROM (%s) AS event'
            ' ORDER BY moment DESC, key COLLATE "C", id DESC LIMIT %s',
            SQL(" UNION ALL ").join(selects),
            limit,
        )
    )
    return [TimelinePosition(*row) for row in rows]


def to_event_date(env: Environment, source: TimelineSource, moment: datetime) -> datetime | date:
    """Give back the date or datetime of the record from its place in the order."""
    if _is_datetime(env[source.model], source):
        return moment.replace(microsecond=0)
    return moment.replace(tzinfo=timezone.utc).astimezone(env.tz).date()


def _is_datetime(model: BaseModel, source: TimelineSource) -> bool:
    return model._fields[source.date_fields[0]].type == 'datetime'


def _source_selects(
    env: Environment,
    source: TimelineSource,
    limit: int,
    before: TimelinePosition | None,
    wanted: TimelineFilter,
) -> Iterator[SQL]:
    """Yield the SELECTs of one source, leaving out those that have no event to show."""
    model = env[source.model].with_context(active_test=False)
    for domain in source.domains:
        query = model._search(
            domain & _get_filter_domain(source, wanted), bypass_access=source.bypass_access
        )
        if query.is_empty():
            continue
        moment = _moment_sql(model, query, source)
        res_id = SQL.identifier(query.table, 'id')
        for condition in _get_moment_conditions(env, moment, wanted):
            query.add_where(condition)
        if before:
            query.add_where(_after_position(source, moment, res_id, before))
        query.order = SQL("%s DESC, %s DESC", moment, res_id)
        query.limit = limit
        yield SQL(
            "(%s)",
            query.select(
                SQL("%s AS moment", moment),
                SQL("%s::text AS key", source.key),
                SQL("%s AS id", res_id),
            ),
        )


def _get_filter_domain(source: TimelineSource, wanted: TimelineFilter) -> Domain:
    """Return which events of a source the reader wants to see."""
    domain = Domain.OR(Domain(name, '!=', False) for name in source.date_fields)
    if wanted.search:
        domain &= Domain.OR(Domain(name, 'ilike', wanted.search) for name in source.search_fields)
    if wanted.export:
        domain &= source.export_domain
    return domain


def _get_moment_conditions(env: Environment, moment: SQL, wanted: TimelineFilter) -> Iterator[SQL]:
    """Yield the conditions of the first and the last day."""
    if wanted.date_from:
        yield SQL("%s >= %s", moment, _get_midnight(env, wanted.date_from))
    if wanted.date_to and wanted.date_to < date.max:
        yield SQL("%s < %s", moment, _get_midnight(env, wanted.date_to + timedelta(days=1)))


def _get_midnight(env: Environment, day: date) -> datetime:
    """Return when a day begins for the reader, in naive UTC."""
    midnight = datetime.combine(day, time.min)
    try:
        return env.tz.localize(midnight).astimezone(timezone.utc).replace(tzinfo=None)
    except OverflowError:  # the first and the last day there are
        return midnight


def _moment_sql(model: BaseModel, query: Query, source: TimelineSource) -> SQL:
    """Return the moment of an event in UTC.

    An event with a date only stands at the end of that day in the user's time zone, as calendars
    show whole-day events above the others: an invoice comes after the order of the same day.
    """
    columns = [model._field_to_sql(query.table, name, query) for name in source.date_fields]
    column = columns[0] if len(columns) == 1 else SQL("COALESCE(%s)", SQL(", ").join(columns))
    if _is_datetime(model, source):
        return column
    return SQL(
        "((%s + 1)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC' - interval '1 microsecond')",
        column,
        model.env.tz.zone,
    )


def _after_position(
    source: TimelineSource, moment: SQL, res_id: SQL, before: TimelinePosition
) -> SQL:
    """Return the condition of the events that follow ``before``.

    In plain SQL, because a domain rounds datetimes to seconds.
    """
    if source.key == before.key:
        return SQL("(%s, %s) < (%s, %s)", moment, res_id, before.moment, before.res_id)
    operator = SQL("<=") if source.key > before.key else SQL("<")
    return SQL("%s %s %s", moment, operator, before.moment)
