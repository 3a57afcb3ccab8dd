from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Command

from ..warranty import LINE_TYPES

WHOLE = ('whole', "The Product")


class AftersalesWarrantyCheck(models.TransientModel):
    """Is it covered, why, and until when?"""

    _name = 'aftersales.warranty.check'
    _description = "Is It Covered?"

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", required=True, readonly=True
    )
    unit_state = fields.Selection(related='unit_id.state')
    request_id = fields.Many2one(comodel_name='aftersales.request', readonly=True)
    date = fields.Date(
        string="Day of the Fault",
        compute='_compute_date',
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        help="The day it broke or was reported counts, not the day it is repaired.",
    )
    product_id = fields.Many2one(
        comodel_name='product.product', string="Part or Service", help="Empty: parts in general."
    )
    is_limited = fields.Boolean(compute='_compute_is_limited')
    meter = fields.Float(
        string="Meter Showed", help="In all, on that day. Zero: what was read is taken."
    )
    line_ids = fields.One2many(
        comodel_name='aftersales.warranty.check.line',
        inverse_name='check_id',
        compute='_compute_line_ids',
        store=True,
        string="Answers",
    )

    @api.depends('unit_id')
    def _compute_date(self):
        for check in self:
            today = check.unit_id._get_customer_day() if check.unit_id else False
            check.date = check.date or today

    @api.depends('unit_id')
    def _compute_is_limited(self):
        for check in self:
            check.is_limited = any(check.unit_id.sudo().warranty_ids.mapped('meter_end'))

    @api.depends('unit_id', 'date', 'product_id', 'meter')
    def _compute_line_ids(self):
        for check in self:
            lines = check._prepare_lines() if check.unit_id and check.date else []
            check.line_ids = [Command.clear(), *map(Command.create, lines)]

    def _prepare_lines(self) -> list[dict]:
        """Return an answer for the product as a whole, for parts, labour and travel."""
        self.ensure_one()
        return [self._prepare_line(kind) for kind, _label in (WHOLE, *LINE_TYPES)]

    def _prepare_line(self, kind: str) -> dict:
        """Return the answer for one kind of cost: until when without a gap, and why."""
        is_whole = kind == WHOLE[0]
        answers = self.unit_id._origin._get_warranty_answers_in_a_row(
            self.date,
            line_type=None if is_whole else kind,
            product=None if is_whole else self.product_id._origin,
            meter=self.meter or None,
        )
        return {
            'line_type': kind,
            'state': answers[0].state,
            'percent': answers[0].percent,
            'until': answers[-1].until,
            'reason': " ".join(answer.reason for answer in answers),
            'warranty_id': answers[0].warranty.id,
        }

    def action_grant_part(self) -> dict:
        """Grant a warranty on the repair.

        :return: window action
        """
        self.ensure_one()
        return self.unit_id._get_part_warranty_action(self.request_id)
