"""The customer's time line: events of many models in one list, newest first.

A source says where its events are and how to describe them; this module finds one page of all
sources with a single statement.  Pages are cut by position, not by offset, so that nothing is
lost or shown twice while new events arrive, however many share one second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
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
    #: records of ``model`` that belong to the customer; record rules come on top
    domain: Domain
    #: stored Date or Datetime field of ``model``
    date_field: str
    #: texts of a whole page at once, by record id
    describe: Callable[[BaseModel], dict[int, TimelineText]]
    #: fields the search box looks into
    search_fields: tuple[str, ...] = ()
    #: the domain alone decides what may be read (for models whose search checks row by row)
    bypass_access: bool = False


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
    search: str | None = None,
) -> list[TimelinePosition]:
    """Find one page of events of all sources, newest first, in one statement.

    :param env: environment of the user who looks
    :param sources: sources the user may read
    :param limit: number of events
    :param before: last event of the page before
    :param search: text that an event must contain
    """
    selects = [
        query
        for source in sources
        if (query := _source_select(env, source, limit, before, search)) is not None
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
    if env[source.model]._fields[source.date_field].type == 'datetime':
        return moment.replace(microsecond=0)
    return moment.replace(tzinfo=timezone.utc).astimezone(env.tz).date()


def _source_select(
    env: Environment,
    source: TimelineSource,
    limit: int,
    before: TimelinePosition | None,
    search: str | None,
) -> SQL | None:
    """Return the SELECT of one source, or None when it has no event to show."""
    domain = source.domain & Domain(source.date_field, '!=', False)
    if search:
        domain &= Domain.OR(Domain(name, 'ilike', search) for name in source.search_fields)
    model = env[source.model].with_context(active_test=False)
    query = model._search(domain, bypass_access=source.bypass_access)
    if query.is_empty():
        return None
    moment = _moment_sql(model, query, source.date_field)
    res_id = SQL.identifier(query.table, 'id')
    if before:
        query.add_where(_after_position(source, moment, res_id, before))
    query.order = SQL("%s DESC, %s DESC", moment, res_id)
    query.limit = limit
    return SQL(
        "(%s)",
        query.select(
            SQL("%s AS moment", moment),
            SQL("%s::text AS key", source.key),
            SQL("%s AS id", res_id),
        ),
    )


def _moment_sql(model: BaseModel, query: Query, date_field: str) -> SQL:
    """Return the moment of an event in UTC.

    An event with a date only stands at the end of that day in the user's time zone, as calendars
    show whole-day events above the others: an invoice comes after the order of the same day.
    """
    column = model._field_to_sql(query.table, date_field, query)
    if model._fields[date_field].type == 'datetime':
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
