from odoo import fields, models
from odoo.exceptions import UserError

from .res_partner import READER_GROUPS


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

    def action_send_aftersales_quotation(self):
        """Send the quotation of a service to the customer."""
        self.check_access('read')
        for request in self.sudo().aftersales_request_id:
            request.sudo(False).action_send_quotation()

    def _send_aftersales_quotation(self) -> None:
        """Mark these quotations as sent and let the gate send them.

        Runs in elevated rights.

        :raise UserError: there is no text to send
        """
        template = self._get_aftersales_quotation_template()
        if not template:
            raise UserError(self.env._("The mail “Service: Quotation” is missing."))
        self.action_quotation_sent()
        for order in self:
            order._portal_ensure_token()
        self.env['crm.message']._plan(
            [order._prepare_aftersales_message_vals(template) for order in self]
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
            'key': f'aftersales.quotation:{self.id}:{now.isoformat()}',
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
        }
