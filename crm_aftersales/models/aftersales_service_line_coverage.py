from __future__ import annotations

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_compare

from ..coverage import PERCENT_DIGITS, Coverage, get_limited_percent

UNCHECKED = {
    'payer': 'customer',
    'customer_percent': 100.0,
    'coverage_state': 'unchecked',
    'coverage_reason': False,
    'warranty_id': False,
}


class AftersalesServiceLine(models.Model):
    """Who pays for a line: asked of all who might, in their order, or decided by a manager."""

    _inherit = 'aftersales.service.line'

    # ------------------------------------------------------------
    # CHECK
    # ------------------------------------------------------------

    def _get_lines_to_check(self):
        """Return the lines that a check decides about."""
        return self.filtered(
            lambda line: not line.display_type and not line.override_user_id and not line.is_locked
        )

    def _check_coverage(self) -> None:
        """Decide anew who pays for these lines; what was decided by hand or told stays.

        Those who pay up to a limit pay for the first lines first. A line of which only a part is
        paid for becomes two.
        """
        self.sudo().request_id._bump_version()  # limits are the request's
        lines = self._get_lines_to_check().sorted(lambda line: (line.sequence, line.id)).sudo()
        lines.write(UNCHECKED)
        queue = list(lines)
        while queue:
            line = queue.pop(0)
            excess = line._apply_coverage(line._get_coverage())
            if excess:
                queue.insert(0, excess)
                lines |= excess
        lines._update_draft_order_lines()

    def _get_coverage(self) -> Coverage:
        """Ask all who might pay for a line, in their order, and return the answer that counts."""
        self.ensure_one()
        lang = self.request_id.partner_id.lang or self.env.lang
        request = self.request_id.with_context(lang=lang)
        refusal = None
        for provider in request._get_coverage_providers():
            answer = provider(self.with_context(lang=lang))
            if answer and (not answer.is_known or self._is_paid_by(answer)):
                return answer
            refusal = refusal or answer
        return Coverage('customer', 0, None, refusal.reason if refusal else '')

    def _is_paid_by(self, answer: Coverage) -> bool:
        """Whether an answer means that somebody pays something."""
        nothing_left = any(
            limit is not None and limit <= 0 for limit in (answer.quantity, answer.amount)
        )
        return answer.percent > 0 and not nothing_left

    def _apply_coverage(self, answer: Coverage):
        """Enter who pays.

        :return: the line that was split off because it is beyond what is paid for; maybe none
        """
        self.ensure_one()
        excess = self.browse()
        digits = self.env['decimal.precision'].precision_get('Product Unit')
        if answer.quantity is not None and (
            float_compare(answer.quantity, self.quantity, precision_digits=digits) < 0
        ):
            excess = self.copy({**UNCHECKED, 'quantity': self.quantity - answer.quantity})
            excess._add_to_order(self.sale_order_id)
            self.quantity = answer.quantity
        self.write(self._prepare_coverage_vals(answer))
        return excess

    def _prepare_coverage_vals(self, answer: Coverage) -> dict:
        """Return what a line keeps of an answer."""
        percent = round(100.0 - answer.percent, PERCENT_DIGITS)
        if answer.amount is not None:
            percent = max(percent, get_limited_percent(self.amount_total, answer.amount))
        is_warranty = getattr(answer.source, '_name', '') == 'aftersales.warranty'
        return {
            'payer': answer.payer if percent < 100 else 'customer',
            'customer_percent': percent,
            'coverage_state': self._get_coverage_state(answer, percent),
            'coverage_reason': answer.reason,
            'warranty_id': answer.source.id if is_warranty else False,
        }

    def _get_coverage_state(self, answer: Coverage, customer_percent: float) -> str:
        if not answer.is_known:
            return 'unknown'
        if customer_percent == 100:
            return 'not_covered'
        return 'partial' if customer_percent else 'covered'

    # ------------------------------------------------------------
    # OVERRIDE
    # ------------------------------------------------------------

    def _override(self, payer: str, customer_percent: float, reason: str):
        """Decide by hand who pays for these lines.

        What the customer has ordered already is not edited: it is taken back, and stands a second
        time as it was decided.

        :param payer: one of ``PAYERS``; the customer pays everything
        :param customer_percent: what the customer pays where it is somebody else, 0 to below 100
        :param reason: for colleagues; the customer does not read it
        :return: the lines as they are now
        :raise AccessError: the user is no manager
        :raise UserError: there is no reason, or a quotation waits for the customer's word
        """
        self._ensure_may_override(reason)
        self.sudo().request_id._bump_version()
        vals = self._prepare_override_vals(payer, customer_percent, reason)
        decided = self.browse()
        for line in self.sudo().filtered(lambda line: not line.display_type):
            before = line._get_payer_text()
            if line.is_locked:
                line = line._correct(vals)
            else:
                line.write(vals)
            line._log_override(before)
            decided |= line
        return decided.sudo(self.env.su)

    def _ensure_may_override(self, reason: str) -> None:
        if not self.env.su and not self.env.user.has_group('crm_aftersales.group_manager'):
            raise AccessError(self.env._("Only an after-sales administrator decides who pays."))
        if not (reason or '').strip():
            raise UserError(self.env._("Enter the reason of the decision."))
        self.check_access('write')

    def _prepare_override_vals(self, payer: str, customer_percent: float, reason: str) -> dict:
        """Return what a line keeps of a decision."""
        percent = 100.0 if payer == 'customer' else round(customer_percent, PERCENT_DIGITS)
        if not 0 <= percent <= 100 or (percent == 100) != (payer == 'customer'):
            raise UserError(
                self.env._("Where somebody else pays, the customer pays between 0 and 99.99 %.")
            )
        state = 'partial' if percent else 'covered'
        return {
            'payer': payer,
            'customer_percent': percent,
            'coverage_state': 'not_covered' if payer == 'customer' else state,
            'coverage_reason': False,
            'warranty_id': False,
            'override_user_id': self.env.uid,
            'override_reason': reason.strip(),
            'override_date': fields.Datetime.now(),
        }

    def _get_payer_text(self) -> str:
        """Return who pays how much, in words."""
        self.ensure_one()
        payers = dict(self._fields['payer']._description_selection(self.env))
        if self.payer == 'customer':
            return payers['customer']
        return self.env._(
            "%(payer)s, customer %(percent)g %%",
            payer=payers[self.payer],
            percent=self.customer_percent,
        )

    def _log_override(self, before: str) -> None:
        self.ensure_one()
        self.request_id._message_log(
            author_id=self.env.user.partner_id.id,
            body=self.env._(
                "Who pays for “%(line)s” was decided by hand: %(before)s → %(after)s. Reason:"
                " %(reason)s",
                line=self.name,
                before=before,
                after=self._get_payer_text(),
                reason=self.override_reason,
            ),
        )

    def action_override(self) -> dict:
        """Ask who pays for these lines, and why.

        :return: window action
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Who Pays"),
            'res_model': 'aftersales.service.override',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_line_ids': self.ids},
        }
