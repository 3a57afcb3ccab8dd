from __future__ import annotations

from odoo import api, fields, models

#: fields of the warning as long as there is none
NOT_WARNED = {'warned_on': False, 'warning_lost': False}


class AftersalesRequest(models.Model):
    """Since when the customer owes us an answer."""

    _inherit = 'aftersales.request'

    waiting_since = fields.Datetime(
        readonly=True,
        copy=False,
        help="When we last asked the customer something that he has not answered yet.",
    )
    warned_on = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the customer was told that his request will be closed without an answer.",
    )

    warning_lost = fields.Boolean(
        readonly=True,
        copy=False,
        help="The customer could not be told, and somebody was asked to call him.",
    )

    _waiting_idx = models.Index('(waiting_since) WHERE waiting_since IS NOT NULL')

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'waiting_since', *NOT_WARNED}

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests._note_waiting()
        return requests

    def _on_state_changed(self, old_states):
        result = super()._on_state_changed(old_states)
        self._note_waiting()
        return result

    def _note_waiting(self) -> None:
        """Note since when these requests wait for their customers, or that they do not."""
        waiting = self.filtered(lambda request: request.state == 'waiting_customer')
        begun = waiting.filtered(lambda request: not request.waiting_since)
        over = (self - waiting).filtered('waiting_since')
        if begun:
            begun.sudo().write({'waiting_since': fields.Datetime.now()})
        if over:
            over.sudo().write({'waiting_since': False, **NOT_WARNED})

    def _on_public_answer(self, message):
        """Count anew when we ask again."""
        result = super()._on_public_answer(message)
        if self.sudo().waiting_since:
            self.sudo().write({'waiting_since': message.date, **NOT_WARNED})
        return result
