from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Datetime, Domain
from odoo.tools import Query, split_every

from ..timeline import (
    MAX_PAGE_SIZE,
    TimelineFilter,
    TimelinePosition,
    TimelineSource,
    find_events,
    to_event_date,
)

# Places are few bytes and found by a costly statement, texts are the other way round.
EXPORT_BATCH_SIZE = 5000
EXPORT_PAGE_SIZE = 500
DATE_LENGTH = len('2026-05-09')


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    @api.readonly
    def get_customer_timeline(
        self,
        limit: int = 40,
        before: str | None = None,
        sources: list[str] | None = None,
        search: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> dict:
        """Read a page of what happened with the customer, newest first.

        The page covers the whole commercial entity, and of it what the user may read.

        :param limit: number of events
        :param before: ``next`` of the page before
        :param sources: keys of the sources to show; all when not given
        :param search: text that an event must contain
        :param date_from: first day, as 2026-05-09, in the user's time zone
        :param date_to: last day
        :return: ``entries``, the cursor ``next`` (None on the last page), and all ``sources``
        :raise AccessError: the customer may not be read, or the user is not of the staff
        :raise ValidationError: a cursor or a day that is none
        """
        self.ensure_one()
        self.check_access('read')
        if not (self.env.su or self.env.user._is_internal()):
            raise AccessError(self.env._("The time line is for staff."))
        limit = max(1, min(limit, MAX_PAGE_SIZE))
        readable = self._get_readable_timeline_sources()
        position = TimelinePosition.decode(self.env, before) if before else None
        shown = [source for source in readable if sources is None or source.key in sources]
        wanted = self._prepare_timeline_filter(search, date_from, date_to)
        # one event more than asked for tells whether there is a next page
        events = find_events(self.env, shown, limit + 1, position, wanted)
        page = events[:limit]
        return {
            'entries': self._describe_timeline_events(page, readable),
            'next': page[-1].encode() if len(events) > limit else None,
            'sources': [
                {'key': source.key, 'label': source.label, 'icon': source.icon}
                for source in readable
            ],
        }

    @api.model
    def _prepare_timeline_filter(self, search, date_from, date_to, **values) -> TimelineFilter:
        """Return what a client asks for, checked."""
        return TimelineFilter(
            search=(search or '').replace('\0', '').strip(),
            date_from=self._parse_timeline_day(date_from),
            date_to=self._parse_timeline_day(date_to),
            **values,
        )

    @api.model
    def _parse_timeline_day(self, text: str | None) -> date | None:
        try:
            return date.fromisoformat(text) if text else None
        except (TypeError, ValueError) as error:
            raise ValidationError(self.env._("Give days as 2026-05-09.")) from error

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        """Return the kinds of events of a customer; extend by ``super() + [...]``.

        ``self`` is one contact; the time line is that of his commercial entity.  Messages on the
        records of a source need no source of their own: see ``with_messages``.
        """
        return [
            self._get_timeline_source_orders(),
            self._get_timeline_source_invoices(),
            self._get_timeline_source_payments(),
            self._get_timeline_source_meetings(),
            self._get_timeline_source_planned_messages(),
            self._get_timeline_source_consents(),
        ]

    def _get_timeline_partner_domain(self, partner_field: str) -> Domain:
        """Return the records whose contact is of the customer's commercial entity.

        :param partner_field: stored many2one to the contact
        """
        partners = self.with_context(active_test=False)._search(
            Domain('commercial_partner_id', '=', self.commercial_partner_id.id),
            bypass_access=True,
        )
        return Domain(partner_field, 'in', partners)

    def _get_timeline_readable_partners(self) -> Query:
        """Return the contacts of the customer's commercial entity that the user may read."""
        return self.with_context(active_test=False)._search(
            Domain('commercial_partner_id', '=', self.commercial_partner_id.id)
        )

    def _get_readable_timeline_sources(self) -> list[TimelineSource]:
        """Return the sources the user may read, with that of the messages on their records."""
        sources = [
            source
            for source in self._get_customer_timeline_sources()
            if self.env[source.model].has_access('read')
        ]
        return [*sources, *self._get_timeline_message_sources(sources)]

    def _describe_timeline_events(
        self, events: list[TimelinePosition], sources: list[TimelineSource]
    ) -> list[dict]:
        """Return the events as the widget shows them, described source by source."""
        sources_by_key = {source.key: source for source in sources}
        ids_by_key = defaultdict(list)
        for event in events:
            ids_by_key[event.key].append(event.res_id)
        texts = {}
        for key, ids in ids_by_key.items():
            source = sources_by_key[key]
            records = self.env[source.model].sudo(source.bypass_access).browse(ids)
            texts[key] = source.describe(records)
        return [
            self._prepare_timeline_entry(event, sources_by_key[event.key], text)
            for event in events
            if (text := texts[event.key].get(event.res_id))
        ]

    def _prepare_timeline_entry(self, event, source, text) -> dict:
        """Return one event as the widget shows it.

        :param event: the :class:`TimelinePosition`
        :param source: its :class:`TimelineSource`
        :param text: its :class:`TimelineText`
        """
        res_model, res_id = text.target or (source.model, event.res_id)
        value = text.day or to_event_date(self.env, source, event.moment)
        return {
            'id': f'{event.key}|{event.res_id}',
            'source': event.key,
            'icon': source.icon,
            'date': Datetime.to_string(value) if hasattr(value, 'hour') else value.isoformat(),
            'title': text.title,
            'body': text.body,
            'state': text.state,
            'res_model': res_model,
            'res_id': res_id,
        }

    # ------------------------------------------------------------
    # EXPORT
    # ------------------------------------------------------------

    def _iter_timeline_export(
        self,
        sources: list[str] | None = None,
        search: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> Iterator[list[str]]:
        """Yield the lines of a file with what the user sees, headers first.

        Page by page, forgetting each, so that a long history needs no more memory than a short one.

        :param sources: as the other arguments, see :meth:`get_customer_timeline`
        """
        self.ensure_one()
        self.check_access('read')
        readable = self._get_readable_timeline_sources()
        shown = [source for source in readable if sources is None or source.key in sources]
        wanted = self._prepare_timeline_filter(search, date_from, date_to, export=True)
        labels = {source.key: source.label for source in readable}
        yield self._get_timeline_export_headers()
        position = None
        while events := find_events(self.env, shown, EXPORT_BATCH_SIZE, position, wanted):
            for page in split_every(EXPORT_PAGE_SIZE, events):
                for entry in self._describe_timeline_events(page, readable):
                    yield self._prepare_timeline_export_line(entry, labels)
                self.env.invalidate_all()
            position = events[-1]

    @api.model
    def _get_timeline_export_headers(self) -> list[str]:
        return [
            self.env._("Date"),
            self.env._("Kind"),
            self.env._("Title"),
            self.env._("Text"),
            self.env._("Status"),
        ]

    @api.model
    def _prepare_timeline_export_line(self, entry: dict, labels: dict[str, str]) -> list[str]:
        """Return one line of the file.

        :param entry: what :meth:`_prepare_timeline_entry` returned
        :param labels: name of each source by its key
        """
        moment = entry['date']
        if len(moment) > DATE_LENGTH:
            local = Datetime.context_timestamp(self, Datetime.to_datetime(moment))
            moment = local.strftime('%Y-%m-%d %H:%M:%S')
        texts = [entry['title'], entry['body'], entry['state']]
        return [moment, labels[entry['source']], *(text or '' for text in texts)]

    # ------------------------------------------------------------
    # IMPORT
    # ------------------------------------------------------------

    @api.model
    def get_import_templates(self) -> list[dict]:
        return [
            *super().get_import_templates(),
            {
                'label': self.env._("Import Template for Customers"),
                'template': '/crm_customer/static/import/customers.xlsx',
            },
        ]
