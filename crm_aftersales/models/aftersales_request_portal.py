from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from .aftersales_request_stage import OPEN_STATES

#: what a customer may give: core's pages know these three
RATINGS = (5, 3, 1)


class PortalStep(NamedTuple):
    """One step of a request as its customer sees it."""

    label: str
    #: done, current or to_come
    status: str


class AftersalesRequest(models.Model):
    """What a customer does with his request on the portal, beside writing about it.

    All methods run in elevated rights; the page has checked before whose request it is.
    """

    _inherit = 'aftersales.request'

    # ------------------------------------------------------------
    # WHERE IT STANDS
    # ------------------------------------------------------------

    def _get_portal_steps(self) -> list[PortalStep]:
        """Return the way of the request from its arrival to its end."""
        self.ensure_one()
        labels = self._get_portal_step_labels()
        states = list(labels)
        current = states.index(self.state)
        return [
            PortalStep(
                labels[state], 'done' if n < current else 'current' if n == current else 'to_come'
            )
            for n, state in enumerate(states)
        ]

    def _get_portal_step_labels(self) -> dict[str, str]:
        """Return the steps, by state, in their order; the present state is one of them."""
        env = self.env
        if self.state == 'cancelled':
            return {'new': env._("Received"), 'cancelled': env._("Cancelled")}
        work = {
            'waiting_customer': env._("Waiting for Your Answer"),
            'waiting_supplier': env._("Waiting for Parts"),
        }
        working = self.state if self.state in work else 'open'
        return {
            'new': env._("Received"),
            working: work.get(working, env._("In Progress")),
            'resolved': env._("Resolved"),
            'closed': env._("Closed"),
        }

    def _is_promise_due(self) -> bool:
        """Whether the customer is told until when something will happen: not once it is late."""
        return bool(self.sla_kind) and self.sla_state in ('on_track', 'at_risk')

    # ------------------------------------------------------------
    # APPROVE
    # ------------------------------------------------------------

    def _get_portal_quotations(self):
        """Return the quotations of the request that wait for the customer's word.

        Addons that quote service add theirs. Only those of the request's own customer are shown.

        :return: ``sale.order``, in elevated rights
        """
        return self.sale_order_id.filtered(self._is_quotation_to_approve)

    def _is_quotation_to_approve(self, order) -> bool:
        waits = order.state == 'sent' and self.state != 'cancelled'
        return waits and self._is_for_own_customer(order)

    def _is_for_own_customer(self, order) -> bool:
        return order.partner_id.commercial_partner_id == self.commercial_partner_id

    def _get_portal_orders(self):
        """Return what the customer has ordered by approving; addons that quote add theirs.

        :return: ``sale.order``, in elevated rights
        """
        return self.env['sale.order']

    def _get_portal_invoices(self):
        """Return the invoices and credit notes of what the customer has ordered.

        :return: ``account.move``, in elevated rights
        """
        customer = self.commercial_partner_id
        return self._get_portal_billed_orders().invoice_ids.filtered(
            lambda move: move.state == 'posted' and move.commercial_partner_id == customer
        )

    def _get_portal_billed_orders(self):
        """Return what the customer may have been billed for; addons that quote add theirs.

        More than his orders: what was paid and is given back outlives the order.

        :return: ``sale.order``, in elevated rights
        """
        return self._get_portal_orders()

    # ------------------------------------------------------------
    # CANCEL AND REOPEN
    # ------------------------------------------------------------

    def _can_be_cancelled_by_customer(self) -> bool:
        """Whether the customer may withdraw the request."""
        return self.state in OPEN_STATES

    def _cancel_from_portal(self, author, reason: str = '') -> None:
        """Withdraw the request, as its customer.

        :param author: the contact who does, a ``res.partner``; may be none
        :raise UserError: it has ended already
        """
        if not self._can_be_cancelled_by_customer():
            raise UserError(self.env._("This request has ended already."))
        self._post_from_portal(author, self.env._("I withdraw this request."), reason)
        self.action_cancel()

    def _is_reopenable_by_customer(self) -> bool:
        """Whether the customer may have us work on the request again."""
        ended = self.state not in OPEN_STATES and not self.merged_into_id
        return ended and self._can_be_reopened_by_customer()

    def _reopen_from_portal(self, author, reason: str = '') -> None:
        """Have us work on the request again, as its customer.

        :param author: the contact who does, a ``res.partner``; may be none
        :raise UserError: it is open, or the days in which it can be reopened are over
        """
        if not self._is_reopenable_by_customer():
            raise UserError(
                self.env._("This request cannot be reopened any more. Please raise a new one.")
            )
        # a word of the customer reopens, whichever way it came
        self._post_from_portal(author, self.env._("Please work on this request again."), reason)

    def _post_from_portal(self, author, text: str, reason: str) -> None:
        """Enter what the customer did into the conversation, as his message."""
        body = Markup("<p>%s</p>") % text
        if reason:
            body += plaintext2html(reason)
        self.message_post(
            author_id=author.id or None,
            email_from=author.email_formatted or self.email_from,
            body=body,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )

    # ------------------------------------------------------------
    # RATE
    # ------------------------------------------------------------

    def _can_be_rated_by_customer(self) -> bool:
        """Whether the customer may say how satisfied he is: once for each end."""
        return (
            self.state in ('resolved', 'closed')
            and bool(self.partner_id)
            and not self._is_rated_since_end()
        )

    def _is_rated_since_end(self) -> bool:
        """Whether the customer has rated since the request was resolved."""
        ended = self.date_resolved
        return any(
            rating.consumed and (not ended or (rating.rated_on or rating.create_date) >= ended)
            for rating in self.sudo().rating_ids
        )

    def _can_ask_rating(self):
        return super()._can_ask_rating() and not self._is_rated_since_end()

    def _rate_from_portal(self, score: int, feedback: str = '') -> None:
        """Enter how satisfied the customer is.

        :param score: one of ``RATINGS``
        :raise UserError: it is not his turn to rate, or the score is none
        """
        if score not in RATINGS:
            raise UserError(self.env._("Please choose one of the three faces."))
        if not self._can_be_rated_by_customer():
            raise UserError(self.env._("You have rated this request already. Thank you."))
        self.rating_apply(score, token=self._rating_get_access_token(), feedback=feedback)
