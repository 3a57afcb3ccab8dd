from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: what a meeting must change for its occasions to follow
FOLLOWED_FIELDS = {'start', 'stop', 'start_date', 'stop_date', 'allday', 'active', 'categ_ids',
                   'partner_ids', 'attendee_ids', 'user_id', 'location'}  # fmt: skip


class CalendarEvent(models.Model):
    _inherit = 'calendar.event'

    occasion_ids = fields.One2many(
        comodel_name='crm.occasion',
        inverse_name='calendar_event_id',
        groups='crm_customer.group_own',
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        events._sync_occasions()
        return events

    def write(self, vals):
        followed = FOLLOWED_FIELDS & set(vals)
        result = super().write(vals)
        if followed:
            self._sync_occasions(revive=bool({'active', 'partner_ids'} & followed))
        return result

    def unlink(self):
        occasions_sudo = self.env['crm.occasion'].sudo().search(self._get_occasions_domain())
        occasions_sudo._cancel_expected()
        return super().unlink()

    # ------------------------------------------------------------
    # OCCASIONS
    # ------------------------------------------------------------

    def action_expect_customers(self) -> dict:
        """Expect the customers who take part, whatever the meeting's tags.

        :return: action that opens their occasions
        :raise UserError: no customer takes part
        """
        self.ensure_one()
        if not self._get_expected_customers():
            raise UserError(self.env._("No customer takes part in this meeting."))
        if not self.sudo().occasion_ids:
            self.env['crm.occasion'].check_access('create')
            self.sudo()._create_occasions(self._get_occasion_type(required=True))
        action = self.env['ir.actions.act_window']._for_xml_id('crm_customer.crm_occasion_action')
        action['domain'] = [('calendar_event_id', '=', self.id)]
        action['context'] = {}
        return action

    def _sync_occasions(self, *, revive: bool = False) -> None:
        """Make occasions follow their meetings, and make those that the tags ask for.

        :param revive: expect customers again whose occasion was cancelled
        """
        known_sudo = self.env['crm.occasion'].sudo().search(self._get_occasions_domain())
        kinds = (
            self.env['crm.occasion.type'].sudo().search([('calendar_category_ids', '!=', False)])
        )
        if not known_sudo and not kinds:
            return
        followed = known_sudo.calendar_event_id
        for event in self.sudo():
            if event in followed:
                event._update_occasions(revive=revive)
            elif event.active and event.stop >= fields.Datetime.now():
                kind = event._get_occasion_type()
                if kind:
                    event._create_occasions(kind)

    def _get_occasions_domain(self) -> Domain:
        return Domain('calendar_event_id', 'in', self.ids)

    def _get_occasion_type(self, *, required: bool = False):
        """Return the type of occasion the meeting's tags ask for.

        :param required: take the one for appointments, or the first, when no tag asks for any
        """
        kinds = self.env['crm.occasion.type'].sudo()
        company = self._get_occasion_company()
        shared = Domain('company_id', 'in', [False, company.id])
        kind = kinds.search(
            shared & Domain('calendar_category_ids', 'in', self.categ_ids.ids), limit=1
        )
        if not kind and required:
            kind = kinds.search(shared & Domain('code', '=', 'appointment'), limit=1)
            kind = kind or kinds.search(shared, limit=1)
        return kind

    def _get_occasion_company(self):
        """Return the company that expects the customers: the organiser's."""
        return self.user_id.company_id or self.env.company

    def _get_expected_customers(self):
        """Return who takes part and is not one of us."""
        return self.partner_ids.filtered(
            lambda partner: not any(not user.share for user in partner.sudo().user_ids)
        )

    def _create_occasions(self, kind) -> None:
        """Expect the customers of one meeting who are not expected yet."""
        customers = self._get_expected_customers() - self.occasion_ids.partner_id
        self.env['crm.occasion'].create(
            [self._prepare_occasion_vals(kind, customer) for customer in customers]
        )

    def _prepare_occasion_vals(self, kind, customer) -> dict:
        return {
            'type_id': kind.id,
            'partner_id': customer.id,
            'company_id': self._get_occasion_company().id,
            'calendar_event_id': self.id,
            **self._prepare_occasion_details(),
        }

    def _prepare_occasion_details(self) -> dict:
        """Return what follows the meeting as long as the customer is only expected."""
        return {
            'date_from': self.start,
            'date_to': self.stop,
            'place': self.location or False,
            'user_id': False if self.user_id.share else self.user_id.id,
        }

    def _update_occasions(self, *, revive: bool) -> None:
        """Move the occasions of one meeting, cancel those of who no longer comes, add others."""
        customers = self._get_expected_customers() if self.active else self.env['res.partner']
        gone = self.occasion_ids.filtered(lambda occasion: occasion.partner_id not in customers)
        gone._cancel_expected()
        states = ('expected', 'cancelled') if revive else ('expected',)
        details = {**self._prepare_occasion_details(), 'state': 'expected'}
        for occasion in (self.occasion_ids - gone).filtered(lambda o: o.state in states):
            changed = occasion._get_changed_vals(details)
            if changed:
                occasion.write(changed)
        if self.active:
            self._create_occasions(self.occasion_ids[:1].type_id)
