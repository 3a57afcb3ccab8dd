from datetime import timedelta

from odoo import api, models
from odoo.fields import Datetime, Domain
from odoo.tools import SQL

from ..timeline import TimelineSource


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # ------------------------------------------------------------
    # TIME LINE: DOCUMENTS
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
            with_messages=True,
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
            with_messages=True,
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
            with_messages=True,
        )

    # ------------------------------------------------------------
    # TIME LINE: MEETINGS
    # ------------------------------------------------------------

    def _get_timeline_source_meetings(self) -> TimelineSource:
        return TimelineSource(
            key='calendar.event',
            label=self.env._("Meetings"),
            icon='fa-calendar',
            model='calendar.event',
            domain=Domain('partner_ids', 'in', self._get_timeline_readable_partners())
            & Domain('start', '<', self._get_timeline_end())
            & self._get_timeline_public_events_domain(),
            date_field='start',
            describe=lambda events: events._get_timeline_texts(),
            search_fields=('name', 'location'),
            with_messages=True,
        )

    @api.model
    def _get_timeline_end(self):
        """Return when the time line ends: the coming week, no endless series of meetings."""
        return Datetime.now() + timedelta(days=7)

    @api.model
    def _get_timeline_public_events_domain(self) -> Domain:
        """Return the meetings whose subject the user may read: his own, and those not private.

        Core shows private meetings of others as “Busy”; here they would only say when.
        """
        shown = ['public', 'confidential'] if self.env.user._is_internal() else ['public']
        public = Domain('privacy', 'in', shown) | (
            Domain('privacy', '=', False) & self._get_timeline_public_calendars_domain()
        )
        own = Domain('user_id', '=', self.env.uid)
        return public | own | Domain('partner_ids', 'in', self.env.user.partner_id.ids)

    @api.model
    def _get_timeline_public_calendars_domain(self) -> Domain:
        """Return the meetings of users whose calendar is not private; without a choice of his own,
        a user has that of all new users.
        """
        settings = self.env['res.users.settings'].sudo()
        choice = Domain('calendar_default_privacy', '=', 'private')
        nobody = Domain('user_id', '=', False)
        if self.env['res.users']._default_user_calendar_default_privacy() == 'private':
            chosen = settings._search(~choice).subselect('user_id')
            return nobody | Domain('user_id', 'in', chosen)
        chosen = settings._search(choice).subselect('user_id')
        return nobody | Domain('user_id', 'not in', chosen)

    # ------------------------------------------------------------
    # TIME LINE: PERSON
    # ------------------------------------------------------------

    def _get_timeline_person_domains(self) -> tuple[Domain, ...]:
        """Return what hangs on the persons behind the contacts, and on those merged into them."""
        partners = self._get_timeline_readable_partners()
        return (
            Domain('person_id.partner_id', 'in', partners),
            Domain('person_id.survivor_id.partner_id', 'in', partners),
        )

    def _get_timeline_source_planned_messages(self) -> TimelineSource:
        """Messages of the suite: sent, waiting, or held back and why."""
        soon = Domain('planned_at', '<', self._get_timeline_end())
        return TimelineSource(
            key='crm.message',
            label=self.env._("Sent and Held"),
            icon='fa-paper-plane-o',
            model='crm.message',
            domain=tuple(domain & soon for domain in self._get_timeline_person_domains()),
            date_field=('sent_at', 'decided_at', 'planned_at'),
            describe=lambda messages: messages._get_timeline_texts(),
            search_fields=('subject',),
        )

    def _get_timeline_source_consents(self) -> TimelineSource:
        return TimelineSource(
            key='crm.consent.event',
            label=self.env._("Consent"),
            icon='fa-check-square-o',
            model='crm.consent.event',
            domain=self._get_timeline_person_domains(),
            date_field='date',
            describe=lambda events: events._get_timeline_texts(),
            search_fields=('evidence',),
        )

    # ------------------------------------------------------------
    # TIME LINE: MESSAGES
    # ------------------------------------------------------------

    def _get_timeline_message_sources(self, sources) -> list[TimelineSource]:
        """Return what was written and spoken: on the contacts, and on records of other sources.

        An employee may read every message on a record he may read; the search of core asks that
        message by message, so here the domains say it.  Each page is checked once more when it is
        described.  Others have their own pages.

        :param sources: the sources the user may read
        """
        if not self.env.user._is_internal():
            return []
        places = self._get_timeline_message_places(sources)
        return [
            self._get_timeline_source_messages(places),
            self._get_timeline_source_activities(places),
        ]

    def _get_timeline_message_places(self, sources) -> list[Domain]:
        """Return the records whose messages are shown, as domains of messages."""
        contacts = self._get_timeline_readable_partners()
        places = [Domain('model', '=', 'res.partner') & Domain('res_id', 'in', contacts)]
        for source in sources:
            if not source.with_messages:
                continue
            records = self.env[source.model].with_context(active_test=False)
            places += [
                Domain('model', '=', source.model) & Domain('res_id', 'in', records._search(domain))
                for domain in source.domains
            ]
        return places

    def _get_timeline_source_messages(self, places: list[Domain]) -> TimelineSource:
        written = Domain('message_type', 'in', self._get_timeline_message_types())
        written &= Domain.custom(to_sql=self._get_timeline_not_planned_sql)
        return TimelineSource(
            key='mail.message',
            label=self.env._("Messages"),
            icon='fa-envelope-o',
            model='mail.message',
            domain=tuple(place & written for place in places),
            date_field='date',
            describe=lambda messages: messages._get_timeline_texts(),
            search_fields=('subject', 'body'),
            bypass_access=True,
        )

    def _get_timeline_source_activities(self, places: list[Domain]) -> TimelineSource:
        types = (
            self.env['mail.activity.type']
            .sudo()
            .with_context(active_test=False)
            ._search(Domain('category', 'in', self._get_timeline_activity_categories()))
        )
        done = Domain('mail_activity_type_id', 'in', types)
        return TimelineSource(
            key='mail.activity',
            label=self.env._("Calls and Visits"),
            icon='fa-phone',
            model='mail.message',
            domain=tuple(place & done for place in places),
            date_field='date',
            describe=lambda messages: messages._get_timeline_activity_texts(),
            search_fields=('subject', 'body'),
            bypass_access=True,
        )

    @api.model
    def _get_timeline_not_planned_sql(self, model, alias: str, query) -> SQL:
        """Return the condition of messages that are not mails of the suite, a source of their own.

        :param alias: of ``mail_message``
        """
        return SQL(
            'NOT EXISTS (SELECT FROM crm_message WHERE crm_message.rfc_message_id = %s)',
            model._field_to_sql(alias, 'message_id', query),
            to_flush=self.env['crm.message']._fields['rfc_message_id'],
        )

    @api.model
    def _get_timeline_message_types(self) -> tuple[str, ...]:
        """Return the kinds of messages people wrote, not those the system logs."""
        return ('comment', 'email', 'email_outgoing')

    @api.model
    def _get_timeline_activity_categories(self) -> tuple[str, ...]:
        """Return the kinds of done activities that brought us and the customer together."""
        return ('phonecall', 'meeting')
