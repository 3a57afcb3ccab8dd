from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .res_partner import READER_GROUPS


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    aftersales_unit_count = fields.Integer(
        string="Customer Products Count",
        compute='_compute_aftersales_counts',
        groups=READER_GROUPS,
    )
    aftersales_request_count = fields.Integer(
        string="Service Requests Count",
        compute='_compute_aftersales_counts',
        groups=READER_GROUPS,
    )
    aftersales_has_missing_units = fields.Boolean(
        string="Pieces to Register",
        compute='_compute_aftersales_has_missing_units',
        groups=READER_GROUPS,
        help="Pieces of the order could be registered as products of the customer.",
    )

    # ------------------------------------------------------------
    # Views
    # ------------------------------------------------------------

    @api.model
    def get_view(self, view_id=None, view_type='form', **options):
        """Show orders to service staff in a form of their own.

        Sales addons put fields into the full form whose models only salespeople may read; one of
        them would keep everybody else from opening any order.
        """
        if view_type == 'form' and self._is_read_by_service_staff():
            view_id = self.env.ref('crm_aftersales.sale_order_view_form_service').id
        return super().get_view(view_id, view_type, **options)

    @api.model
    def _is_read_by_service_staff(self) -> bool:
        """Whether the user has his access to orders from the service desk and not from sales."""
        user = self.env.user
        return user.has_group('crm_aftersales.group_own') and not user.has_group(
            'sales_team.group_sale_salesman'
        )

    # ------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------

    def _compute_aftersales_counts(self):
        unit_counts, request_counts = (
            dict(
                self.env[model]._read_group(
                    [('sale_order_id', 'in', self.ids)], ['sale_order_id'], ['__count']
                )
            )
            for model in ('aftersales.unit', 'aftersales.request')
        )
        for order in self:
            order.aftersales_unit_count = unit_counts.get(order, 0)
            order.aftersales_request_count = request_counts.get(order, 0)

    def _compute_aftersales_has_missing_units(self):
        for order in self:
            order.aftersales_has_missing_units = bool(
                order.state == 'sale' and order.sudo().order_line._has_missing_units()
            )

    # ------------------------------------------------------------
    # States
    # ------------------------------------------------------------

    def _action_cancel(self):
        """The pieces of a cancelled order are nobody's products, and under no warranty."""
        result = super()._action_cancel()
        self._get_units_to_withdraw()._withdraw()
        return result

    def _action_confirm(self):
        result = super()._action_confirm()
        withdrawn = Domain('state', '=', 'retired') & Domain('warranty_start', '=', False)
        self._get_aftersales_units(withdrawn & Domain('date_delivered', '=', False))._restore()
        return result

    def _get_units_to_withdraw(self):
        """Return the pieces that the customer does not get when these orders are cancelled."""
        return self._get_aftersales_units(Domain('state', '!=', 'retired'))

    def _get_aftersales_units(self, domain: Domain):
        """Return the registered pieces of these orders, whoever sells: in elevated rights.

        Archived ones belong to them as well.
        """
        return (
            self.env['aftersales.unit']
            .sudo()
            .with_context(active_test=False)
            .search(Domain('sale_order_id', 'in', self.ids) & domain)
        )

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    def action_create_aftersales_units(self):
        """Register each piece of the confirmed orders as a product of the customer.

        Pieces that are registered already are left alone, so it can be run at any time again.
        """
        self.check_access('write')
        self._ensure_can_create_units()
        # Salespeople register what they sold without being service staff.
        vals_list = self.sudo().order_line._prepare_missing_units_vals()
        units = self.env['aftersales.unit'].sudo().create(vals_list)
        self._aftersales_units_created_hook(units)

    def _ensure_can_create_units(self):
        """Refuse orders that nobody has confirmed."""
        if self.filtered(lambda order: order.state != 'sale'):
            raise UserError(
                self.env._("Confirm the order before you register the customer's products.")
            )

    def _aftersales_units_created_hook(self, units):
        """Extension point: pieces of these orders were registered.

        :param units: the new customer products, in elevated rights
        """

    def action_view_aftersales_units(self) -> dict:
        """Open the customer's products of the order.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_unit_action'
        )
        action['domain'] = [('sale_order_id', '=', self.id)]
        action['context'] = {'default_partner_id': self.partner_id.id}
        return action

    def action_view_aftersales_requests(self) -> dict:
        """Open the service requests about the order.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_request_action'
        )
        action['domain'] = [('sale_order_id', '=', self.id)]
        action['context'] = {
            'default_partner_id': self.partner_id.id,
            'default_sale_order_id': self.id,
        }
        return self.env['aftersales.request']._show_as_cards(action)
