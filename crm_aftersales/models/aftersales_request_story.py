from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.crm_customer.briefing import BriefingLine, BriefingSection


class AftersalesRequest(models.Model):
    """The customer's whole story beside his request, as far as the reader may see it."""

    _inherit = 'aftersales.request'

    customer_briefing = fields.Html(
        string="What to Know",
        compute='_compute_customer_briefing',
        sanitize=False,
        groups='base.group_user',
    )
    customer_unit_count = fields.Integer(
        string="Products of the Customer", compute='_compute_story', groups='base.group_user'
    )
    customer_request_count = fields.Integer(
        string="Requests of the Customer", compute='_compute_story', groups='base.group_user'
    )
    customer_order_count = fields.Integer(
        string="Orders of the Customer", compute='_compute_story', groups='base.group_user'
    )
    customer_invoice_count = fields.Integer(
        string="Invoices of the Customer", compute='_compute_story', groups='base.group_user'
    )
    customer_rating_count = fields.Integer(
        string="Ratings of the Customer", compute='_compute_story', groups='base.group_user'
    )

    # ------------------------------------------------------------
    # BRIEFING
    # ------------------------------------------------------------

    @api.depends('partner_id')
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_customer_briefing(self):
        partners = self.partner_id._origin
        sections = [
            (section, section.describe(partners))
            for section in partners._get_readable_briefing_sections()
            if section.describe
        ]
        sections.insert(0, (self._get_preferences_section(), self._get_preferences(partners)))
        for request in self:
            partner_id = request.partner_id._origin.id
            told = [
                (section, lines[partner_id]) for section, lines in sections if lines.get(partner_id)
            ]
            request.customer_briefing = told and self.env['ir.qweb']._render(
                'crm_customer.occasion_briefing', {'sections': told}
            )

    @api.model
    def _get_preferences_section(self) -> BriefingSection:
        return BriefingSection(
            key='crm.person', label=self.env._("Preferences"), icon='fa-sliders', sequence=5
        )

    @api.model
    def _get_preferences(self, partners) -> dict[int, list[BriefingLine]]:
        """Return how customers wish to be spoken to, by contact id."""
        persons = self.env['crm.person'].sudo().search([('partner_id', 'in', partners.ids)])
        return {
            person.partner_id.id: [BriefingLine(text) for text in person._describe_preferences()]
            for person in persons
        }

    # ------------------------------------------------------------
    # WHAT ELSE THERE IS
    # ------------------------------------------------------------

    @api.model
    def _get_story_sources(self) -> dict[str, tuple[str, Domain]]:
        """Return what is counted of a customer: field -> (model with ``partner_id``, domain)."""
        invoices = Domain('move_type', 'in', ('out_invoice', 'out_refund'))
        rated = Domain('res_model', '=', self._name) & Domain('consumed', '=', True)
        return {
            'customer_unit_count': ('aftersales.unit', Domain.TRUE),
            'customer_request_count': ('aftersales.request', self._get_counted_domain()),
            'customer_order_count': ('sale.order', Domain('state', '!=', 'cancel')),
            'customer_invoice_count': ('account.move', invoices & Domain('state', '=', 'posted')),
            'customer_rating_count': ('rating.rating', rated),
        }

    @api.depends('commercial_partner_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_story(self):
        for field_name in self._get_story_sources():
            counts = {
                customer: self._count_story(field_name, customer)
                for customer in self.commercial_partner_id
            }
            for request in self:
                request[field_name] = counts.get(request.commercial_partner_id, 0)

    @api.model
    def _count_story(self, field_name: str, customer) -> int:
        """Return how many records a customer has that the user may read."""
        model, _domain = self._get_story_sources()[field_name]
        records = self.env[model]
        if not records.has_access('read'):
            return 0
        return records.search_count(self._get_story_domain(field_name, customer))

    @api.model
    def _get_story_domain(self, field_name: str, customer) -> Domain:
        _model, domain = self._get_story_sources()[field_name]
        return Domain('partner_id', 'child_of', customer.ids) & domain

    def _get_story_action(self, field_name: str, xmlid: str) -> dict:
        """Return an action on what is counted of the customer."""
        self.ensure_one()
        if not self.commercial_partner_id:
            raise UserError(self.env._("Choose the customer first."))
        action = self.env['ir.actions.act_window']._for_xml_id(xmlid)
        action['domain'] = list(self._get_story_domain(field_name, self.commercial_partner_id))
        action['context'] = {'default_partner_id': self.partner_id.id, 'create': False}
        return action

    def action_view_customer_units(self) -> dict:
        """Open what the customer owns.

        :return: window action
        """
        return self._get_story_action(
            'customer_unit_count', 'crm_aftersales.aftersales_unit_action'
        )

    def action_view_customer_requests(self) -> dict:
        """Open all requests of the customer.

        :return: window action
        """
        action = self._get_story_action(
            'customer_request_count', 'crm_aftersales.aftersales_request_action'
        )
        return self._show_as_cards(action)

    def action_view_customer_orders(self) -> dict:
        """Open the customer's orders.

        :return: window action
        """
        return self._get_story_action('customer_order_count', 'sale.action_orders')

    def action_view_customer_invoices(self) -> dict:
        """Open the customer's invoices.

        :return: window action
        """
        return self._get_story_action(
            'customer_invoice_count', 'account.action_move_out_invoice_type'
        )

    def action_view_customer_ratings(self) -> dict:
        """Open what the customer said of our service.

        :return: window action
        """
        return self._get_story_action(
            'customer_rating_count', 'crm_aftersales.rating_rating_action_aftersales'
        )
