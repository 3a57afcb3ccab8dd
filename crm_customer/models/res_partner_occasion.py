from __future__ import annotations

import re

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.phone_validation.models.mail_thread_phone import PHONE_REGEX_PATTERN

from ..privacy import PersonalData
from ..timeline import TimelineSource

#: what a searched text looks like when it is a phone number, or enough of one
PHONE_PATTERN = re.compile(r'^\+?(?:[\s()./-]*\d){5,}[\s()./-]*$')


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # No field that leads to the occasions: their tasks hold what notes say, and superuser domains
    # and templates of contacts follow every field.
    occasion_count = fields.Integer(
        compute='_compute_occasion_count', groups='crm_customer.group_own', string="Occasions Count"
    )
    phone_text_search = fields.Char(
        store=False,
        search='_search_phone_text_search',
        help="Finds a phone number in whatever form it is typed; any other text finds nothing.",
    )

    def _compute_occasion_count(self):
        groups = self.env['crm.occasion']._read_group(
            [('partner_id', 'in', self.ids)], ['partner_id'], ['__count']
        )
        counts = {partner.id: count for partner, count in groups}
        for partner in self:
            partner.occasion_count = counts.get(partner._origin.id, 0)

    # ------------------------------------------------------------
    # SEARCH BY PHONE NUMBER
    # ------------------------------------------------------------

    def _search_phone_text_search(self, operator, value):
        if operator != 'ilike':
            return NotImplemented
        return self._get_phone_text_domain(value)

    @api.model
    def _search_display_name(self, operator, value):
        """Find customers by phone number wherever one is chosen."""
        domain = super()._search_display_name(operator, value)
        if operator in ('ilike', '=') and isinstance(value, str):
            return Domain(domain) | self._get_phone_text_domain(value)
        return domain

    @api.model
    def _get_phone_text_domain(self, text: str) -> Domain:
        """Return the contacts with this phone number, none when the text is not like one."""
        text = (text or '').strip()
        if not PHONE_PATTERN.match(text):
            return Domain.FALSE
        return Domain('phone_mobile_search', 'ilike', text)

    @api.model
    def _get_phone_key(self, phone: str | None, country) -> str:
        """Return a phone number as digits with the country's code, however it is written.

        :param phone: as somebody typed it
        :param country: ``res.country`` of numbers without a code of their own
        :return: '' when there is no number
        """
        text = re.sub(r'[^\d+]', '', phone or '')
        digits = text.lstrip('+')
        code = str(country.phone_code or '')
        if not text.startswith('+') and not digits.startswith('00'):
            return code + digits.lstrip('0') if digits else ''
        digits = digits.lstrip('0')
        national = digits.removeprefix(code).lstrip('0') if code else ''
        return code + national if national and digits.startswith(code) else digits

    @api.model
    def _get_phone_spellings(self, key: str, country) -> list[str]:
        """Return how the number of a key may be written, without the signs core's index drops.

        Looking for these is quick for a whole file; looking for a part of each is not.
        """
        code = str(country.phone_code or '')
        spellings = [key, f'+{key}', f'00{key}']
        if code and key.startswith(code):
            rest = key.removeprefix(code)
            spellings += [rest, f'0{rest}', f'+{code}0{rest}', f'00{code}0{rest}', f'{code}0{rest}']
        return spellings

    @api.model
    def _find_by_phone(self, phones: list[str], country) -> dict[str, models.BaseModel]:
        """Find contacts by phone number.

        :return: contact by the key of his number: persons before companies, the oldest first
        """
        found = self._group_by_phone(phones, country)
        return {key: contacts[0] for key, contacts in found.items()}

    @api.model
    def _group_by_phone(self, phones: list[str], country) -> dict[str, models.BaseModel]:
        """Find all contacts with these numbers; one statement, on core's index of phone numbers.

        :return: contacts by the key of their number: persons before companies, the oldest first
        """
        keys = {key for phone in phones if (key := self._get_phone_key(phone, country))}
        if not keys:
            return {}
        self.flush_model(['phone'])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM res_partner WHERE phone IS NOT NULL AND"
                " regexp_replace((phone::text), %s::text, ''::text, 'g'::text) IN %s",
                PHONE_REGEX_PATTERN,
                tuple({text for key in keys for text in self._get_phone_spellings(key, country)}),
            )
        )
        found = {}
        candidates = self.search(
            Domain('id', 'in', [row[0] for row in rows])
            & Domain('company_id', 'in', [False, self.env.company.id]),
            order='is_company, id',
        )
        for partner in candidates:
            key = self._get_phone_key(partner.phone, partner.country_id or country)
            if key in keys:
                found[key] = found.get(key, self.browse()) | partner
        return found

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_occasions(self) -> dict:
        """Open the occasions of this customer."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('crm_customer.crm_occasion_action')
        action['domain'] = [('partner_id', '=', self.id)]
        action['context'] = {'default_partner_id': self.id}
        return action

    def action_note_visit(self) -> dict:
        """Note that the customer is here, as at the till; twice on a day is one visit.

        :return: action that opens the visit
        """
        self.ensure_one()
        self.env['crm.occasion'].check_access('create')
        person = self.env['crm.person'].sudo()._for_partners(self)
        person._bump_version()  # pressed at two tills at once, one looks after the other
        visit = self._get_visit_today() or self.env['crm.occasion'].create(
            self._prepare_visit_vals()
        )
        visit.action_arrive()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'crm.occasion',
            'res_id': visit.id,
            'views': [(False, 'form')],
        }

    def _get_visit_type(self):
        """Return the type of a visit without an appointment."""
        kinds = self.env['crm.occasion.type']
        shared = Domain('company_id', 'in', [False, self.env.company.id])
        return kinds.search(shared & Domain('length_unknown', '=', True), limit=1) or kinds.search(
            shared, limit=1
        )

    def _get_visit_today(self):
        """Return today's visit when there is one that is not over."""
        return self.env['crm.occasion'].search(
            [
                ('partner_id', '=', self.id),
                ('company_id', '=', self.env.company.id),
                ('type_id', '=', self._get_visit_type().id),
                ('state', 'in', ('expected', 'present')),
                ('date_from', '>=', 'today'),
                ('date_from', '<', 'today +1d'),
            ],
            limit=1,
        )

    def _prepare_visit_vals(self) -> dict:
        return {
            'partner_id': self.id,
            'type_id': self._get_visit_type().id,
            'company_id': self.env.company.id,
            'user_id': self.env.user.id,
        }

    # ------------------------------------------------------------
    # TASKS
    # ------------------------------------------------------------

    def _sync_occasion_tasks(self) -> None:
        """Bring the tasks of these customers' open occasions up to date."""
        occasions = self.env['crm.occasion'].sudo()
        domain = occasions._get_planning_domain() & Domain('partner_id', 'in', self.ids)
        found = occasions.search(domain)
        if found:
            found._sync_tasks()

    # ------------------------------------------------------------
    # PRIVACY
    # ------------------------------------------------------------

    def _get_personal_data_sources(self) -> list[PersonalData]:
        return [
            PersonalData(
                key='crm.occasion.task',
                label=self.env._("Tasks from Wishes"),
                model='crm.occasion.task',
                domain=Domain('occasion_id.partner_id', 'in', self.ids),
                fields=('department_id', 'text', 'due_at', 'state'),
                on_erase='delete',
            ),
            *super()._get_personal_data_sources(),
        ]

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        return [*super()._get_customer_timeline_sources(), self._get_timeline_source_occasions()]

    def _get_timeline_source_occasions(self) -> TimelineSource:
        """Stays and appointments; what comes of a meeting stands there as meeting until then."""
        own = Domain('calendar_event_id', '=', False) | Domain('state', '!=', 'expected')
        return TimelineSource(
            key='crm.occasion',
            label=self.env._("Stays and Appointments"),
            icon='fa-calendar-check-o',
            model='crm.occasion',
            domain=own
            & Domain('date_from', '<', self._get_timeline_end())
            & Domain('partner_id', 'in', self._get_timeline_readable_partners()),
            date_field=('arrived_at', 'date_from'),
            describe=lambda occasions: occasions._get_timeline_texts(),
            search_fields=('reference', 'type_id.name', 'place', 'companions', 'note'),
            with_messages=True,
        )
