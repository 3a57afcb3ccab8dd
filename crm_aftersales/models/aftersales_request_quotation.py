from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .res_partner import READER_GROUPS


class AftersalesRequest(models.Model):
    """The customer's share becomes a quotation, which is sent to him."""

    _inherit = 'aftersales.request'

    quotation_ids = fields.One2many(
        comodel_name='sale.order',
        inverse_name='aftersales_request_id',
        string="Quotations",
        copy=False,
        groups=READER_GROUPS,
    )
    quotation_count = fields.Integer(compute='_compute_quotation_count', groups=READER_GROUPS)
    has_draft_quotation = fields.Boolean(
        compute='_compute_quotation_count', string="Quotation to Send", groups=READER_GROUPS
    )

    @api.depends('quotation_ids.state')
    def _compute_quotation_count(self):
        for request in self:
            orders = request.sudo().quotation_ids
            request.quotation_count = len(orders)
            request.has_draft_quotation = 'draft' in orders.mapped('state')

    # ------------------------------------------------------------
    # QUOTE
    # ------------------------------------------------------------

    def action_create_quotation(self) -> dict:
        """Quote the customer's share of all lines that he was not told of yet.

        :return: window action that opens the quotation
        :raise UserError: there is nothing to quote, or it is not known who pays
        """
        self.ensure_one()
        self._ensure_may_quote()
        self._bump_version()
        lines = self.service_line_ids._get_lines_to_quote()
        lines.filtered(lambda line: line.coverage_state == 'unchecked')._check_coverage()
        lines = self.service_line_ids._get_lines_to_quote()  # some may have become two
        self._ensure_can_quote(lines)
        order = self._create_quotation(lines.sudo())
        self._message_log(
            body=self.env._("Quotation made: %s", order._get_html_link(title=order.name))
        )
        self._after_quotation_hook(order)
        return order.sudo(False).get_formview_action()

    def _ensure_may_quote(self) -> None:
        """Refuse those who neither price nor sell."""
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('crm_aftersales.group_all'):
            raise AccessError(self.env._("The service desk quotes services."))

    def _ensure_can_quote(self, lines) -> None:
        if not self.partner_id:
            raise UserError(self.env._("Choose the customer first."))
        if not lines:
            raise UserError(self.env._("There is nothing to quote that is not quoted already."))
        if len(lines.currency_id) > 1:
            raise UserError(self.env._("Lines in different currencies cannot be quoted together."))
        lines._ensure_can_quote()
        if not any(lines.mapped('amount_customer')):
            raise UserError(self.env._("The customer pays nothing: there is nothing to quote."))

    def _create_quotation(self, lines):
        """Create the order of the customer's share.

        :param lines: service lines in elevated rights
        :return: ``sale.order`` in elevated rights
        """
        company = self.company_id
        Order = self.env['sale.order'].sudo().with_company(company)
        order = Order.create(self._prepare_quotation_vals(lines))
        if order.currency_id != lines.currency_id:
            raise UserError(
                self.env._(
                    "The prices are in %(lines)s, and the customer's pricelist is now in"
                    " %(order)s. Delete the lines and enter them again.",
                    lines=lines.currency_id.name,
                    order=order.currency_id.name,
                )
            )
        order._settle_aftersales_rounding()
        order._settle_aftersales_approval()
        return order

    def _prepare_quotation_vals(self, lines) -> dict:
        """Return the values of the quotation.

        :param lines: service lines in elevated rights
        """
        return {
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'pricelist_id': self._get_service_pricelist().id,
            'user_id': (self.user_id or self.env.user).id,
            'origin': self.number,
            'aftersales_request_id': self.id,
            'order_line': self._prepare_quotation_line_commands(lines),
        }

    def _prepare_quotation_line_commands(self, lines) -> list:
        """Return the commands of the order lines, under the sections they stand in here."""
        commands, section = [], None
        for line in self.service_line_ids.sorted(lambda line: (line.sequence, line.id)).sudo():
            if line.display_type:
                section = line
            elif line in lines:
                if section:
                    vals = {'display_type': 'line_section', 'name': section.name}
                    commands.append(Command.create({**vals, 'sequence': section.sequence}))
                    section = None
                link = [Command.link(line.id)]
                vals = {**line._prepare_order_line_vals(), 'aftersales_service_line_ids': link}
                commands.append(Command.create(vals))
        return commands

    def _after_quotation_hook(self, order) -> None:
        """Extension point: a quotation of the request was made.

        :param order: ``sale.order`` in elevated rights
        """

    # ------------------------------------------------------------
    # SEND
    # ------------------------------------------------------------

    def action_send_quotation(self) -> None:
        """Send the customer the quotations he has not got yet, and wait for his word."""
        self.ensure_one()
        self._ensure_may_quote()
        orders = self.sudo().quotation_ids.filtered(lambda order: order.state == 'draft')
        if not orders:
            raise UserError(self.env._("Create a quotation first."))
        orders._send_aftersales_quotation()

    def action_view_quotations(self) -> dict:
        """Open the quotations and orders of the request.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sale.action_orders')
        action['domain'] = [('aftersales_request_id', '=', self.id)]
        action['context'] = {'create': False}
        return action
