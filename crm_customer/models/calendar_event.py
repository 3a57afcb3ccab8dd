from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: what a meeting must change for its occasions to follow
FOLLOWED_FIELDS = {'start', 'stop', 'start_date', 'stop_date', 'allday', 'active', 'categ_ids',
                   'partner_ids', 'attendee_ids', 'user_id', 'location', 'privacy'}  # fmt: skip


class CalendarEvent(models.Model):
    _inherit = 'calendar.event'

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        events._sync_occasions()
        return events

    def write(self, vals):
        result = super().write(vals)
        if FOLLOWED_FIELDS & set(vals):
            self._sync_occasions()
        return result

    def unlink(self):
        self._get_occasions_sudo()._cancel_expected()
        return super().unlink()

    # ------------------------------------------------------------
    # OCCASIONS
    # ------------------------------------------------------------

    def action_expect_customers(self) -> dict:
        """Expect the customers who take part, whatever the meeting's tags.

        :return: action that opens their occasions
        :raise UserError: no customer takes part, or the meeting is private
        """
        self.ensure_one()
        event_sudo = self.sudo()
        customers_sudo = event_sudo._get_customers()[event_sudo]
        if not customers_sudo:
            raise UserError(self.env._("No customer takes part in this meeting."))
        if event_sudo._is_private():
            raise UserError(
                self.env._("The meeting is private, and all staff read the arrival list.")
            )
        if not self._get_occasions_sudo():
            self.env['crm.occasion'].check_access('create')
            event_sudo._create_occasions(customers_sudo, required=True)
        action = self.env['ir.actions.act_window']._for_xml_id('crm_customer.crm_occasion_action')
        action['domain'] = [('calendar_event_id', '=', self.id)]
        action['context'] = {}
        return action

    def _sync_occasions(self) -> None:
        """Make occasions follow their meetings, and make those that the tags ask for."""
        by_event = self._get_occasions_sudo().grouped('calendar_event_id')
        kinds_sudo = (
            self.env['crm.occasion.type'].sudo().search([('calendar_category_ids', '!=', False)])
        )
        tags, now = kinds_sudo.calendar_category_ids, fields.Datetime.now()
        # most meetings have neither: customers are looked up for the others alone, all at once
        followed_sudo = self.sudo().filtered(
            lambda event: event in by_event or (event.categ_ids & tags and event.stop >= now)
        )
        customers_by_event = followed_sudo._get_expected_customers()
        for event in followed_sudo:
            customers = customers_by_event[event]
            if event in by_event:
                event._update_occasions(by_event[event], customers)
            else:
                event._create_occasions(customers)

    def _get_occasions_sudo(self) -> models.BaseModel:
        """Return the occasions made of these meetings.

        Not a field: contacts lead to their meetings, and must not lead on to tasks and notes.
        """
        domain = Domain('calendar_event_id', 'in', self.ids)
        return self.env['crm.occasion'].sudo().search(domain)

    def _get_occasion_type(self, company, *, required: bool = False):
        """Return the type of occasion the meeting's tags ask for.

        :param company: ``res.company`` that expects the customers
        :param required: take the one for appointments, or the first, when no tag asks for any
        """
        kinds = self.env['crm.occasion.type'].sudo()
        shared = Domain('company_id', 'in', [False, company.id])
        kind = kinds.search(
            shared & Domain('calendar_category_ids', 'in', self.categ_ids.ids), limit=1
        )
        if not kind and required:
            kind = kinds.search(shared & Domain('code', '=', 'appointment'), limit=1)
            kind = kind or kinds.search(shared, limit=1)
        return kind

    def _get_occasion_company(self, customer):
        """Return the company that expects a customer.

        His own; a shared one is expected where one works, if the organiser works there too.
        """
        organiser = self.user_id
        if customer.company_id:
            return customer.company_id
        if not organiser or self.env.company in organiser.company_ids:
            return self.env.company
        return organiser.company_id

    def _get_customers(self) -> dict:
        """Return who takes part and is not one of us, by meeting."""
        ids_by_event = self._get_attending_ids()
        # who was one of us once is a customer like others
        partners = self.env['res.partner'].with_context(active_test=True)
        customers = partners.search(Domain('id', 'in', set().union(*ids_by_event.values())))
        customers = customers.filtered(lambda partner: all(partner.user_ids.mapped('share')))
        return {
            event: customers.filtered(lambda partner, ids=ids_by_event[event.id]: partner.id in ids)
            for event in self
        }

    def _get_attending_ids(self) -> dict[int, set[int]]:
        """Return the ids of the contacts who take part, by id of the meeting.

        Not by the field: what a user read there lacks the contacts he may not see.
        """
        field = self._fields['partner_ids']
        self.flush_model([field.name])
        ids_by_event = {event_id: set() for event_id in self.ids}
        rows = self.env.execute_query(
            SQL(
                'SELECT %(event)s, %(partner)s FROM %(relation)s WHERE %(event)s = ANY(%(ids)s)',
                event=SQL.identifier(field.column1),
                partner=SQL.identifier(field.column2),
                relation=SQL.identifier(field.relation),
                ids=self.ids,
            )
        )
        for event_id, partner_id in rows:
            ids_by_event[event_id].add(partner_id)
        return ids_by_event

    def _get_expected_customers(self) -> dict:
        """Return the customers who stand in the arrival list, which all staff read, by meeting."""
        shown = self.filtered(lambda event: event.active and not event._is_private())
        return {**dict.fromkeys(self, self.env['res.partner']), **shown._get_customers()}

    def _is_private(self) -> bool:
        """Return whether the meeting, or the calendar of its organiser, is private.

        As core's ``effective_privacy``, which does not notice when the organiser changes his mind.
        """
        return (self.privacy or self.user_id.calendar_default_privacy) == 'private'

    def _create_occasions(self, customers, *, kind=None, required: bool = False) -> None:
        """Expect these customers of one meeting.

        :param kind: type to take where it is known
        :param required: expect them also where no tag of the meeting asks for it
        """
        for company, group in customers.grouped(self._get_occasion_company).items():
            chosen = kind
            if not kind or kind.company_id not in (company.browse(), company):
                chosen = self._get_occasion_type(company, required=required)
            if chosen:
                self.env['crm.occasion'].create(
                    [self._prepare_occasion_vals(chosen, customer, company) for customer in group]
                )

    def _prepare_occasion_vals(self, kind, customer, company) -> dict:
        return {
            'type_id': kind.id,
            'partner_id': customer.id,
            'company_id': company.id,
            'calendar_event_id': self.id,
            **self._prepare_occasion_details(company),
        }

    def _prepare_occasion_details(self, company) -> dict:
        """Return what follows the meeting as long as the customer is only expected."""
        host = self.user_id
        if host.share or company not in host.company_ids:
            host = host.browse()
        return {
            'date_from': self.start,
            'date_to': self.stop,
            'place': self.location or False,
            'user_id': host.id,
        }

    def _update_occasions(self, occasions, customers) -> None:
        """Move the occasions of one meeting, cancel those of who no longer comes, add others.

        Who comes after all is expected again; what staff cancelled stays so.

        :param customers: who stands in the arrival list
        """
        gone = occasions.filtered(lambda occasion: occasion.partner_id not in customers)
        gone._cancel_expected()
        if self._is_private():
            located = occasions.filtered('place')
            located.with_context(mail_notrack=True).write({'place': False})
        for occasion in (occasions - gone).filtered(
            lambda occasion: occasion.state == 'expected' or occasion.cancelled_with_meeting
        ):
            details = self._prepare_occasion_details(occasion.company_id)
            changed = occasion._get_changed_vals(details)
            if occasion.cancelled_with_meeting:
                changed['state'] = 'expected'
            if changed:
                occasion.write(changed)
        self._create_occasions(
            customers - occasions.partner_id, kind=occasions[:1].type_id, required=True
        )
