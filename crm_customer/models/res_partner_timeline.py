from collections import defaultdict

from odoo import api, models
from odoo.fields import Datetime, Domain

from ..timeline import (
    MAX_PAGE_SIZE,
    TimelinePosition,
    TimelineSource,
    find_events,
    to_event_date,
)


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
    ) -> dict:
        """Read a page of what happened with the customer, newest first.

        The page covers the whole commercial entity, and of it what the user may read.

        :param limit: number of events
        :param before: ``next`` of the page before
        :param sources: keys of the sources to show; all when not given
        :param search: text that an event must contain
        :return: ``entries``, the cursor ``next`` (None on the last page), and all ``sources``
        """
        self.ensure_one()
        self.check_access('read')
        limit = max(1, min(limit, MAX_PAGE_SIZE))
        readable = self._get_readable_timeline_sources()
        position = TimelinePosition.decode(self.env, before) if before else None
        wanted = [source for source in readable if sources is None or source.key in sources]
        # one event more than asked for tells whether there is a next page
        events = find_events(self.env, wanted, limit + 1, position, (search or '').strip())
        page = events[:limit]
        return {
            'entries': self._describe_timeline_events(page, readable),
            'next': page[-1].encode() if len(events) > limit else None,
            'sources': [
                {'key': source.key, 'label': source.label, 'icon': source.icon}
                for source in readable
            ],
        }

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        """Return the kinds of events of a customer; extend by ``super() + [...]``.

        ``self`` is one contact; the time line is that of his commercial entity.
        """
        return [
            self._get_timeline_source_orders(),
            self._get_timeline_source_invoices(),
            self._get_timeline_source_payments(),
            *self._get_timeline_source_messages(),
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

    def _get_readable_timeline_sources(self) -> list[TimelineSource]:
        return [
            source
            for source in self._get_customer_timeline_sources()
            if self.env[source.model].has_access('read')
        ]

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
        value = to_event_date(self.env, source, event.moment)
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
    # SOURCES OF CORE
    # ------------------------------------------------------------

    def _get_timeline_source_orders(self) -> TimelineSource:
        return TimelineSource(
            key='sale.order',
            label=self.env._("Sales Orders"),
            icon='fa-shopping-cart',
            model='sale.order',
            domain=self._get_timeline_partner_domain('partner_id'),
            date_field='date_order',
            describe=lambda orders: orders._get_timeline_texts(),
            search_fields=('name', 'client_order_ref'),
        )

    def _get_timeline_source_invoices(self) -> TimelineSource:
        return TimelineSource(
            key='account.move',
            label=self.env._("Invoices"),
            icon='fa-file-text-o',
            model='account.move',
            domain=Domain('move_type', 'in', ('out_invoice', 'out_refund', 'out_receipt'))
            & Domain('state', '=', 'posted')
            & self._get_timeline_partner_domain('partner_id'),
            date_field='invoice_date',
            describe=lambda moves: moves._get_timeline_texts(),
            search_fields=('name', 'ref', 'payment_reference'),
        )

    def _get_timeline_source_payments(self) -> TimelineSource:
        return TimelineSource(
            key='account.payment',
            label=self.env._("Payments"),
            icon='fa-money',
            model='account.payment',
            domain=Domain('partner_type', '=', 'customer')
            & Domain('state', 'in', ('in_process', 'paid'))
            & self._get_timeline_partner_domain('partner_id'),
            date_field='date',
            describe=lambda payments: payments._get_timeline_texts(),
            search_fields=('name', 'memo'),
        )

    def _get_timeline_source_messages(self) -> list[TimelineSource]:
        """Return what was written to and about the customer's contacts.

        An employee may read every message on a contact he may read; the search of core asks that
        message by message, so here the domain says it.  Others have their own pages.
        """
        if not self.env.user._is_internal():
            return []
        partners = self.with_context(active_test=False)._search(
            Domain('commercial_partner_id', '=', self.commercial_partner_id.id)
        )
        return [
            TimelineSource(
                key='mail.message',
                label=self.env._("Messages"),
                icon='fa-envelope-o',
                model='mail.message',
                domain=Domain('model', '=', 'res.partner')
                & Domain('res_id', 'in', partners)
                & Domain('message_type', 'in', self._get_timeline_message_types()),
                date_field='date',
                describe=lambda messages: messages._get_timeline_texts(),
                search_fields=('subject', 'body'),
                bypass_access=True,
            )
        ]

    @api.model
    def _get_timeline_message_types(self) -> tuple[str, ...]:
        """Return the kinds of messages people wrote, not those the system logs."""
        return ('comment', 'email', 'email_outgoing')

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
