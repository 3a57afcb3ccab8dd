from __future__ import annotations

import re

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime, plaintext2html

from .res_partner import READER_GROUPS

#: type of the to-do about a quotation that outlives its request
TO_DECIDE = 'crm_aftersales.mail_activity_quotation'


class AftersalesRequest(models.Model):
    """What the customer says to a quotation: on the portal, or to the service desk."""

    _inherit = 'aftersales.request'

    has_open_quotation = fields.Boolean(
        compute='_compute_has_open_quotation', string="Quotation to Decide on", groups=READER_GROUPS
    )
    signed_quotation_text = fields.Char(
        compute='_compute_has_open_quotation', string="Signed Quotation", groups=READER_GROUPS
    )

    withdraws_quotation = fields.Boolean(
        compute='_compute_withdraws_quotation',
        groups=READER_GROUPS,
        help="Whether cancelling the request takes a quotation from the customer.",
    )

    @api.depends('quotation_ids.state', 'quotation_ids.signature')
    def _compute_withdraws_quotation(self):
        for request in self:
            sent = (
                request.sudo()._get_open_quotations().filtered(lambda order: order.state == 'sent')
            )
            request.withdraws_quotation = not all(map(self._is_being_ordered, sent))

    @api.depends('quotation_ids.state', 'quotation_ids.signature')
    def _compute_has_open_quotation(self):
        for request in self:
            orders = request.sudo()._get_open_quotations()
            request.has_open_quotation = bool(orders)
            signed = orders.filtered('signature')
            request.signed_quotation_text = "\n".join(map(self._get_signed_text, signed))

    def _get_open_quotations(self):
        """Return the quotations that nobody has confirmed or cancelled yet."""
        return self.quotation_ids.filtered(lambda order: order.state in ('draft', 'sent'))

    def _get_signed_text(self, order) -> str:
        """Return who signed a quotation that is not paid yet."""
        return self.env._(
            "Quotation %(order)s was signed by %(name)s on %(day)s, and is not paid yet.",
            order=order.name,
            name=order.signed_by,
            day=format_datetime(self.env, order.signed_on, dt_format='short'),
        )

    # ------------------------------------------------------------
    # SAID TO THE SERVICE DESK
    # ------------------------------------------------------------

    def action_confirm_quotation(self) -> None:
        """Confirm the quotation on the customer's word."""
        order = self._get_quotation_to_decide()
        order.with_context(aftersales_confirmed_by_desk=True).action_confirm()

    def action_cancel_quotation(self) -> None:
        """Cancel the quotation; its lines can be changed and quoted again."""
        self._get_quotation_to_decide().action_cancel()

    def _get_quotation_to_decide(self):
        """Return the quotation that the service desk decides on.

        One of several is named by ``aftersales_quotation_id`` in the context.

        :return: ``sale.order``, in elevated rights
        :raise AccessError: the user does not quote services
        :raise UserError: there is none, or nobody said which
        """
        self.ensure_one()
        self._ensure_may_quote()
        orders = self.sudo()._get_open_quotations()
        if order_id := self.env.context.get('aftersales_quotation_id'):
            orders = orders.filtered(lambda order: order.id == order_id)
        if not orders:
            raise UserError(self.env._("No quotation waits for a decision."))
        if len(orders) > 1:
            raise UserError(
                self.env._(
                    "Several quotations wait: %s. Open the one that is meant.",
                    orders.mapped('name'),
                )
            )
        return orders

    def _on_state_changed(self, old_states):
        result = super()._on_state_changed(old_states)
        self.filtered(lambda request: request.state == 'cancelled')._withdraw_quotations()
        for request in self.sudo().filtered(lambda request: old_states[request] == 'cancelled'):
            request._settle_decisions(self.env['sale.order'])
        return result

    def _withdraw_quotations(self) -> None:
        """Cancel what the customer could still order; of what he signed or pays people decide."""
        open_orders = self.sudo()._get_open_quotations()
        kept = open_orders.filtered(self._is_being_ordered)
        (open_orders - kept)._action_cancel()
        for order in kept | self.sudo()._get_unbilled_orders():
            order.aftersales_request_id._ask_to_decide(order)

    def _get_unbilled_orders(self):
        """Return what the customers ordered and were not charged for."""
        return self.quotation_ids.filtered(
            lambda order: (
                order.state == 'sale'
                and order.invoice_status != 'invoiced'
                and not order.currency_id.is_zero(order.amount_total)
            )
        )

    def _ask_to_decide(self, order) -> None:
        """Tell the desk of an order that outlives its request; nothing else would show it.

        Runs in elevated rights.
        """
        self.ensure_one()
        env = self._for_desk().env
        link = order._get_html_link(title=order.name)
        if order.state == 'sale':
            text = env._(
                "The request was cancelled, but the customer had ordered %s. Cancel the order, or"
                " charge for it.",
                link,
            )
        else:
            text = env._(
                "The request was cancelled, but the customer signed quotation %s or is paying it."
                " Confirm or cancel it.",
                link,
            )
        self._message_log(body=text)
        self._schedule_decision(order)

    def _schedule_decision(self, order) -> None:
        """Make a to-do of an order that outlives its request."""
        user = self.user_id or self.team_id.user_id
        if not user:
            return
        env = self.with_context(lang=user.lang or self.env.lang).env
        if order.state == 'sale':
            summary = env._("Cancel or charge order %s", order.name)
        else:
            summary = env._("Confirm or cancel quotation %s", order.name)
        self.activity_schedule(TO_DECIDE, summary=summary, user_id=user.id)

    def _settle_decisions(self, decided) -> None:
        """Take back the to-do of an order that outlived the request and is decided now.

        What people wrote into another summary is theirs to mark done. Runs in elevated rights.

        :param decided: ``sale.order``; none takes back all
        """
        todos = self.activity_search([TO_DECIDE])
        if decided:
            named = re.compile(rf'\b{re.escape(decided.name)}\b')
            todos = todos.filtered(lambda todo: named.search(todo.summary or ''))
        todos.unlink()

    def _is_being_ordered(self, order) -> bool:
        """Whether the customer has signed a quotation, or a payment of it is on its way."""
        return bool(order.signature or self._is_being_paid(order))

    def _is_being_paid(self, order) -> bool:
        """Whether a payment of a quotation has arrived, or is on its way."""
        return any(
            payment.state in ('pending', 'authorized', 'done') for payment in order.transaction_ids
        )

    def _get_portal_payment_step(self, order) -> str:
        """Return where the payment of a quotation stands, for its customer: whose turn it is.

        As core's page of the quotation it goes by his last try.

        :return: ``transfer``: he chose to transfer the money, and has to do it; ``processing``: he
            has done what he can; ``part``: a part arrived, which is not enough to order; else
            nothing of it has begun
        """
        last = order.get_portal_last_transaction()
        if last.state == 'pending':
            return 'transfer' if self._is_wire_transfer(last.provider_id) else 'processing'
        if order.currency_id.is_zero(order.amount_paid):
            return ''
        return 'processing' if order._is_confirmation_amount_reached() else 'part'

    def _is_wire_transfer(self, provider) -> bool:
        """Whether the customer transfers the money himself.

        The mode comes with the addon of such providers, which need not be there.
        """
        modes = 'custom_mode' in provider._fields
        return provider.code == 'custom' and (not modes or provider.custom_mode == 'wire_transfer')

    # ------------------------------------------------------------
    # WHAT BECOMES OF IT
    # ------------------------------------------------------------

    def _get_portal_quotations(self):
        sent = self.quotation_ids.filtered(self._is_quotation_to_approve)
        return super()._get_portal_quotations() | sent

    def _get_portal_orders(self):
        ordered = self.quotation_ids.filtered(
            lambda order: order.state == 'sale' and self._is_for_own_customer(order)
        )
        return super()._get_portal_orders() | ordered

    def _get_portal_billed_orders(self):
        cancelled = self.quotation_ids.filtered(
            lambda order: order.state == 'cancel' and self._is_for_own_customer(order)
        )
        return super()._get_portal_billed_orders() | cancelled

    def _on_quotation_sent(self, order) -> None:
        """React to a quotation that the customer has got: he is answered, and it is his turn.

        Runs in elevated rights.
        """
        self.ensure_one()
        self._note_answer(fields.Datetime.now())
        if self.state in ('new', 'open'):
            self._move_to_state('waiting_customer')

    def _on_quotation_signed(self, order) -> None:
        """React to a quotation that is signed and not paid: the service desk knows, and goes on.

        Runs in elevated rights.
        """
        self.ensure_one()
        self._message_log(
            body=self._for_desk().env._(
                "Quotation %(order)s was signed by %(name)s, and is not paid yet.",
                order=order._get_html_link(title=order.name),
                name=order.signed_by,
            )
        )
        self._stop_waiting_for_word()

    def _on_quotation_approved(self, order) -> None:
        """React to a quotation that the customer ordered: work goes on.

        Runs in elevated rights.
        """
        self.ensure_one()
        link = order._get_html_link(title=order.name)
        env = self._for_desk().env
        if env.context.get('aftersales_confirmed_by_desk'):
            text = env._("Quotation %s was confirmed on the customer's word.", link)
        else:
            text = env._("Quotation %s was approved.", link)
        self._message_log(body=text)
        self._stop_waiting_for_word()
        self._settle_decisions(order)

    def _on_quotation_declined(self, order) -> None:
        """React to a quotation that came to nothing: somebody has to see to it.

        Runs in elevated rights.
        """
        self.ensure_one()
        link = order._get_html_link(title=order.name)
        env = self._for_desk().env
        if env.context.get('aftersales_declined'):
            text = env._("Quotation %s was declined by the customer.", link)
            if reason := env.context.get('aftersales_decline_reason'):
                text += Markup("<br/>%s") % plaintext2html(reason)
        else:
            text = env._("Quotation %s was cancelled.", link)
        self._message_log(body=text)
        self._stop_waiting_for_word()
        self._settle_decisions(order)

    def _for_desk(self):
        """Return the request in the language of who works on it; the customer may act in his."""
        lang = self.user_id.lang or self.company_id.partner_id.lang
        return self.with_context(lang=lang or self.env.lang)

    def _stop_waiting_for_word(self) -> None:
        """Go on when no other quotation waits for the customer."""
        waiting = self.quotation_ids.filtered(
            lambda order: order.state == 'sent' and not order.signature
        )
        if self.state == 'waiting_customer' and not waiting:
            self._move_to_state('open')
