from odoo import api, fields, models
from odoo.exceptions import UserError

from ..values import differs
from .res_partner import READER_GROUPS

#: what all sums of a quotation, and whose they are, follow from
QUOTED_FIELDS = {'currency_id', 'fiscal_position_id', 'partner_id', 'pricelist_id'}


class SaleOrder(models.Model):
    """Orders that charge customers their share of a service."""

    _inherit = 'sale.order'

    aftersales_request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        copy=False,
        check_company=True,
        index='btree_not_null',
        ondelete='set null',
        groups=READER_GROUPS,
        help="The service that the order charges the customer's share of.",
    )
    is_aftersales_quotation = fields.Boolean(
        string="Quotes a Service", compute='_compute_is_aftersales_quotation', compute_sudo=True
    )

    @api.depends('aftersales_request_id')
    def _compute_is_aftersales_quotation(self):
        for order in self:
            order.is_aftersales_quotation = bool(order.aftersales_request_id)

    # ------------------------------------------------------------
    # WHAT HAPPENS TO IT
    # ------------------------------------------------------------

    def write(self, vals):
        """Tell the requests when their quotations are sent or taken back, or only signed."""
        services = self.sudo().filtered('aftersales_request_id')
        if names := QUOTED_FIELDS & vals.keys():
            changed = self.filtered(
                lambda order: any(differs(order, name, vals[name]) for name in names)
            )
            changed._ensure_not_before_the_customer()
        if 'state' in vals:
            services.aftersales_request_id._bump_version()  # its lines do not change meanwhile
        sent = services.filtered(lambda order: vals.get('state') == 'sent' != order.state)
        taken_back = services.filtered(
            lambda order: order.state == 'sent' and vals.get('state') == 'draft'
        )
        result = super().write(vals)
        for order in sent:
            order.aftersales_request_id._on_quotation_sent(order)
        for request in taken_back.aftersales_request_id:
            request._stop_waiting_for_word()
        for order in services if vals.get('signature') else ():
            if order._has_to_be_paid():
                order.aftersales_request_id._on_quotation_signed(order)
        return result

    def action_confirm(self):
        """Let core and addons settle prices and rewards once more while they confirm."""
        return super(SaleOrder, self.with_context(aftersales_confirming=True)).action_confirm()

    def _ensure_not_before_the_customer(self) -> None:
        """Refuse to change a quotation that the customer reads and may sign at this moment.

        The request would go on to say what he was to pay before.

        :raise UserError: names the quotation
        """
        if self.env.su or self.env.context.get('aftersales_confirming'):
            return
        for order in self.filtered(lambda order: order.state == 'sent'):
            if order.is_aftersales_quotation:
                raise UserError(
                    self.env._(
                        "%(order)s lies before the customer. Cancel it on request %(request)s,"
                        " change what is done there, and quote it again.",
                        order=order.name,
                        request=order.sudo().aftersales_request_id.number,
                    )
                )

    def action_draft(self):
        for order in self.sudo().filtered('aftersales_request_id'):
            if not order.order_line.aftersales_service_line_ids:
                raise UserError(
                    self.env._(
                        "What %(order)s quoted was quoted again, or is gone. Quote it on request"
                        " %(request)s.",
                        order=order.name,
                        request=order.aftersales_request_id.number,
                    )
                )
        return super().action_draft()

    def _action_confirm(self):
        result = super()._action_confirm()
        for order in self.sudo():
            if order.aftersales_request_id:
                order.aftersales_request_id._on_quotation_approved(order)
        return result

    def _action_cancel(self):
        ended = self.sudo().filtered(
            lambda order: order.aftersales_request_id and order.state != 'cancel'
        )
        result = super()._action_cancel()
        for order in ended:
            order.aftersales_request_id._on_quotation_declined(order)
        return result

    # ------------------------------------------------------------
    # WHAT THE SERVICE DESK DOES WITH IT
    # ------------------------------------------------------------

    def action_send_aftersales_quotation(self):
        """Send the quotation of a service to the customer."""
        self.check_access('read')
        for request in self.sudo().aftersales_request_id:
            request.sudo(False).action_send_quotation()

    def action_confirm_aftersales_quotation(self):
        """Confirm the quotation of a service on the customer's word."""
        self._get_request_to_decide().action_confirm_quotation()

    def action_cancel_aftersales_quotation(self):
        """Cancel the quotation of a service, to change and quote it again."""
        self._get_request_to_decide().action_cancel_quotation()

    def _get_request_to_decide(self):
        """Return the request by which the service desk decides on this quotation."""
        self.ensure_one()
        self.check_access('read')
        request = self.sudo().aftersales_request_id.sudo(self.env.su)
        return request.with_context(aftersales_quotation_id=self.id)

    def action_quotation_send(self):
        """Leave it to the service desk, whose mail passes the gate and whose request then waits."""
        for order in self.sudo():
            if order.state == 'draft' and order.aftersales_request_id:
                raise UserError(
                    self.env._(
                        "%(order)s quotes a service: it is sent by “Send Quotation” on request"
                        " %(request)s.",
                        order=order.name,
                        request=order.aftersales_request_id.number,
                    )
                )
        return super().action_quotation_send()

    def _send_aftersales_quotation(self) -> None:
        """Mark these quotations as sent and let the gate send them.

        Runs in elevated rights.

        :raise UserError: there is no text to send
        """
        template = self._get_aftersales_quotation_template()
        if not template:
            raise UserError(self.env._("The mail “Service: Quotation” is missing."))
        for order in self:
            order._settle_aftersales_approval()
            told = order.aftersales_request_id
            if told.partner_id != order.partner_id:
                told = told.browse()  # he gets no mail by the quotation
            order.with_context(aftersales_answered_ids=told.ids).action_quotation_sent()
            order._portal_ensure_token()
        self.env['crm.message']._plan(
            [order._prepare_aftersales_message_vals(template) for order in self]
        )

    def _settle_aftersales_rounding(self) -> None:
        """Let these quotations charge what their lines say, whichever of them are added up.

        Companies that round per tax add up what stands behind the cents. Lines keep their prices
        while all of that is less than half a cent; the prices of the others get more digits.

        Runs in elevated rights.
        """
        for order in self:
            left = order.currency_id.rounding / 2
            fractions = {
                line: line._get_order_fraction()
                for line in order.order_line.aftersales_service_line_ids
                if order.state == 'draft'
            }
            for line in sorted(fractions, key=fractions.get):
                left -= fractions[line]
                if fractions[line] and left <= 0:
                    price, discount = line._get_order_price(line.price_unit, line.quantity)
                    line.sale_line_id.write({'price_unit': price, 'discount': discount})

    def _settle_aftersales_approval(self) -> None:
        """See to it that the customer can approve: by paying only where he can pay.

        Runs in elevated rights.
        """
        self.ensure_one()
        if self.require_payment and not self._get_aftersales_payment_methods():
            self.require_payment = False
        if not self.require_payment:
            self.require_signature = True

    def _get_aftersales_payment_methods(self):
        """Return by what the customer could pay the quotation online."""
        values = {'partner_id': self.partner_id.id, 'currency_id': self.currency_id.id}
        providers = self.env['payment.provider']._get_compatible_providers(
            self.company_id.id,
            amount=self._get_prepayment_required_amount(),
            sale_order_id=self.id,
            **values,
        )
        return self.env['payment.method']._get_compatible_payment_methods(
            providers.filtered('is_published').ids, sale_order_id=self.id, **values
        )

    def _get_aftersales_quotation_template(self):
        """Return the mail that brings the quotation of a service."""
        return self.env.ref(
            'crm_aftersales.mail_template_service_quotation', raise_if_not_found=False
        )

    def _prepare_aftersales_message_vals(self, template) -> dict:
        """Return the message that brings the quotation: it is about an order, and never waits."""
        self.ensure_one()
        now = fields.Datetime.now()
        return {
            # sending has claimed this version of the request
            'key': f'aftersales.quotation:{self.id}:{self.aftersales_request_id.lock_version}',
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'message_class': 'transactional',
            'channel': 'email',
            'planned_at': now,
            'subject': self.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {'layout': 'mail.mail_notification_light'},
        }
