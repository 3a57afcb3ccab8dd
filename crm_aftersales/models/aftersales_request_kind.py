from __future__ import annotations

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .aftersales_request_stage import OPEN_STATES


class AftersalesRequest(models.Model):
    """What was decided about a suggestion, and whom praise is for."""

    _inherit = 'aftersales.request'

    asks_decision = fields.Boolean(related='type_id.asks_decision')
    asks_employees = fields.Boolean(related='type_id.asks_employees')
    decision = fields.Selection(
        selection=[('accepted', "Accepted"), ('declined', "Declined"), ('later', "Later")],
        tracking=True,
        copy=False,
    )
    decision_reason = fields.Text(
        string="Reason", copy=False, help="Why; in words the customer can be told."
    )
    answer_due = fields.Date(
        compute='_compute_answer_due',
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        help="By when the customer is told what was decided.",
    )
    employee_ids = fields.Many2many(
        comodel_name='res.users',
        relation='aftersales_request_employee_rel',
        string="Colleagues Praised",
        domain=[('share', '=', False)],
        check_company=True,
        copy=False,
        help="Whom the customer means.",
    )

    @api.depends('type_id')
    def _compute_answer_due(self):
        for request in self:
            if request.type_id.asks_decision and not request.answer_due:
                received = request.date_received or fields.Datetime.now()
                day = fields.Datetime.context_timestamp(request, received).date()
                request.answer_due = day + timedelta(days=request.type_id.answer_days)
            elif not request.type_id.asks_decision:
                request.answer_due = False
            else:
                request.answer_due = request.answer_due

    @api.constrains('decision', 'decision_reason')
    def _check_decision_reason(self):
        for request in self:
            if request.decision in ('declined', 'later') and not request.decision_reason:
                raise ValidationError(
                    self.env._(
                        "Please give the reason: the customer of %(request)s wants to know why.",
                        request=request.number,
                    )
                )

    def _ensure_stage_fields(self):
        """Let no suggestion end undecided."""
        for request in self:
            if request.asks_decision and not request.decision and request._is_done():
                raise ValidationError(
                    self.env._(
                        "%(request)s cannot be resolved yet: is it accepted, declined or put off?",
                        request=request.display_name,
                    )
                )
        return super()._ensure_stage_fields()

    def _get_decision_text(self) -> str:
        """Return what was decided and why, as the customer reads it; empty before."""
        self.ensure_one()
        decision = dict(self._fields['decision']._description_selection(self.env)).get(
            self.decision, ''
        )
        if not self.decision_reason or not decision:
            return decision
        return self.env._(
            "%(decision)s: %(reason)s", decision=decision, reason=self.decision_reason
        )

    def _is_done(self) -> bool:
        """Whether the customer was helped, in contrast to cancelled."""
        self.ensure_one()
        return self.state in ('resolved', 'closed')

    @api.model
    def _get_answer_overdue_domain(self) -> Domain:
        """Return the domain of suggestions whose customers wait too long for an answer."""
        return (
            Domain('state', 'in', OPEN_STATES)
            & Domain('decision', '=', False)
            & Domain('answer_due', '<', fields.Date.context_today(self))
        )
