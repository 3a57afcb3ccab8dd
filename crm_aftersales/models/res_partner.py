from __future__ import annotations

from datetime import date, datetime

import pytz

from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.crm_customer.briefing import BriefingLine, BriefingSection
from odoo.addons.crm_customer.timeline import TimelineSource

from .aftersales_request_stage import OPEN_STATES

#: open requests of one customer in a briefing
BRIEFING_REQUESTS = 3

READER_GROUPS = 'crm_aftersales.group_own,sales_team.group_sale_salesman'


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _get_customer_day(self, company, moment: date | datetime | None = None) -> date:
        """Return the day it was where the customer is.

        :param company: the ``res.company`` he is a customer of
        :param moment: UTC, now when left out; a day stays what it is
        """
        if moment is not None and not isinstance(moment, datetime):
            return moment
        zone = pytz.timezone(self.sudo().with_company(company).customer_tz or 'UTC')
        return pytz.utc.localize(moment or fields.Datetime.now()).astimezone(zone).date()

    # Computed at display and never stored: a counter here would make each request of a customer
    # wait for the others.
    aftersales_unit_count = fields.Integer(
        string="Customer Products Count",
        compute='_compute_aftersales_unit_count',
        groups=READER_GROUPS,
    )
    aftersales_request_count = fields.Integer(
        string="Service Requests Count",
        compute='_compute_aftersales_requests',
        groups=READER_GROUPS,
    )
    aftersales_open_request_count = fields.Integer(
        string="Open Requests", compute='_compute_aftersales_requests', groups=READER_GROUPS
    )
    aftersales_last_request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Last Request",
        compute='_compute_aftersales_requests',
        groups=READER_GROUPS,
    )

    aftersales_request_ids = fields.One2many(
        comodel_name='aftersales.request',
        inverse_name='commercial_partner_id',
        string="Service Requests",
        groups=READER_GROUPS,
    )

    def _compute_aftersales_unit_count(self):
        counts = dict(
            self.env['aftersales.unit']._read_group(
                [('commercial_partner_id', 'in', self.commercial_partner_id.ids)],
                ['commercial_partner_id'],
                ['__count'],
            )
        )
        for partner in self:
            partner.aftersales_unit_count = counts.get(partner.commercial_partner_id, 0)

    def _compute_aftersales_requests(self):
        Request = self.env['aftersales.request']
        groups = Request._read_group(
            Request._get_counted_domain()
            & Domain('commercial_partner_id', 'in', self.commercial_partner_id.ids),
            ['commercial_partner_id', 'state'],
            ['__count', 'id:max'],
        )
        totals, still_open, last = {}, {}, {}
        for customer, state, count, last_id in groups:
            totals[customer] = totals.get(customer, 0) + count
            last[customer] = max(last.get(customer, 0), last_id)
            if state in OPEN_STATES:
                still_open[customer] = still_open.get(customer, 0) + count
        for partner in self:
            customer = partner.commercial_partner_id
            partner.aftersales_request_count = totals.get(customer, 0)
            partner.aftersales_open_request_count = still_open.get(customer, 0)
            partner.aftersales_last_request_id = last.get(customer, False)

    # ------------------------------------------------------------
    # Portal access
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if {'parent_id', 'is_company'} & vals.keys() and self._has_portal_users():
            # Record rules keep the commercial entity of a user in the registry's cache: who changes
            # the company must not go on seeing the old one.
            self.env.registry.clear_cache()
        return result

    def _has_portal_users(self) -> bool:
        """Whether a customer logs in as one of these contacts or of those below them."""
        users = self.env['res.users'].sudo().with_context(active_test=False)
        domain = Domain('partner_id', 'child_of', self.ids) & Domain('share', '=', True)
        return bool(users.search_count(domain, limit=1))

    # ------------------------------------------------------------
    # Time line
    # ------------------------------------------------------------

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        return [
            *super()._get_customer_timeline_sources(),
            self._get_timeline_source_requests(),
            self._get_timeline_source_units(),
        ]

    def _get_timeline_source_requests(self) -> TimelineSource:
        return TimelineSource(
            key='aftersales.request',
            label=self.env._("Service Requests"),
            icon='fa-wrench',
            model='aftersales.request',
            domain=self._get_aftersales_domain()
            & self.env['aftersales.request']._get_counted_domain(),
            date_field='date_received',
            describe=lambda requests: requests._get_timeline_texts(),
            search_fields=('number', 'name'),
            with_messages=True,
        )

    def _get_timeline_source_units(self) -> TimelineSource:
        return TimelineSource(
            key='aftersales.unit',
            label=self.env._("Products Delivered"),
            icon='fa-cube',
            model='aftersales.unit',
            domain=self._get_aftersales_domain(),
            date_field='date_delivered',
            describe=lambda units: units._get_timeline_texts(),
            search_fields=('ref', 'serial', 'name'),
            with_messages=True,
        )

    def _get_aftersales_domain(self) -> Domain:
        """Return the domain of what belongs to the customer this contact is part of."""
        return Domain('commercial_partner_id', '=', self.commercial_partner_id.id)

    # ------------------------------------------------------------
    # Briefing
    # ------------------------------------------------------------

    def _get_briefing_sections(self) -> list[BriefingSection]:
        return [
            *super()._get_briefing_sections(),
            BriefingSection(
                key='aftersales.request',
                label=self.env._("Service"),
                icon='fa-wrench',
                models=('aftersales.request',),
                describe=lambda partners: partners._get_briefing_requests(),
                sequence=40,
            ),
        ]

    def _get_briefing_requests(self) -> dict[int, list[BriefingLine]]:
        """Tell the customers' open requests and the last one that ended, with its rating."""
        Request = self.env['aftersales.request']
        groups = Request._read_group(
            Request._get_counted_domain()
            & Domain('commercial_partner_id', 'in', self.commercial_partner_id.ids),
            ['commercial_partner_id', 'state'],
            ['id:array_agg'],
        )
        still_open, ended = {}, {}
        for customer, state, ids in groups:
            found = still_open if state in OPEN_STATES else ended
            found.setdefault(customer, []).extend(ids)
        shown = {
            customer: sorted(still_open.get(customer, []), reverse=True)[:BRIEFING_REQUESTS]
            + sorted(ended.get(customer, []), reverse=True)[:1]
            for customer in still_open.keys() | ended.keys()
        }
        requests = self.env['aftersales.request'].browse(
            id_ for ids in shown.values() for id_ in ids
        )
        lines = {request.id: request._get_briefing_line() for request in requests}
        return {
            partner.id: [lines[id_] for id_ in shown[partner.commercial_partner_id]]
            for partner in self
            if partner.commercial_partner_id in shown
        }

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    def action_view_aftersales_units(self) -> dict:
        """Open what the customer owns.

        :return: window action
        """
        return self._get_aftersales_action('crm_aftersales.aftersales_unit_action')

    def action_view_aftersales_requests(self) -> dict:
        """Open the service requests of the customer.

        :return: window action
        """
        action = self._get_aftersales_action('crm_aftersales.aftersales_request_action')
        return self.env['aftersales.request']._show_as_cards(action)

    def _get_aftersales_action(self, xmlid: str) -> dict:
        """Return an action on the customer's records, with the customer filled in on new ones."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(xmlid)
        action['domain'] = list(self._get_aftersales_domain())
        action['context'] = {'default_partner_id': self.id}
        return action
