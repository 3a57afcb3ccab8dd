from __future__ import annotations

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class LoyaltyBackfill(models.TransientModel):
    """Start a program from orders that were confirmed before it began."""

    _name = 'loyalty.backfill'
    _description = 'Start a Loyalty Program from Past Orders'

    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        required=True,
        domain="[('program_type', '=', 'loyalty'), ('managed', '=', True)]",
        default=lambda self: self.env.company._get_main_loyalty_program(),
    )
    date_from = fields.Date(
        string="Orders since",
        required=True,
        default=lambda self: fields.Date.context_today(self) - relativedelta(years=1),
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        default=lambda self: self.env.company,
        help="Only orders of this company; when empty, of all your companies the program is for.",
    )
    order_count = fields.Integer(
        string="Orders", compute='_compute_counts', help="Confirmed orders without points so far."
    )
    customer_count = fields.Integer(string="Customers", compute='_compute_counts')

    @api.depends('program_id', 'date_from', 'company_id')
    def _compute_counts(self):
        for wizard in self:
            orders = customers = 0
            if wizard.program_id and wizard.date_from:
                engine = wizard._get_engine()
                params = engine._prepare_params(
                    wizard.program_id, wizard.date_from, wizard.company_id
                )
                orders, customers = engine._count_orders(params)
            wizard.order_count = orders
            wizard.customer_count = customers

    def action_start(self) -> dict:
        """Put the work in the queue and show how far it is."""
        self.ensure_one()
        self._ensure_can_start()
        job = self._get_engine()._enqueue(self.program_id, self.date_from, self.company_id)
        return job._get_form_action()

    def _ensure_can_start(self) -> None:
        """:raise UserError: there is nothing to start, or nowhere to post it"""
        if not self.program_id.managed:
            raise UserError(
                self.env._("Manage the ledger of %s first.", self.program_id.display_name)
            )
        if not self.order_count:
            raise UserError(
                self.env._("No confirmed order without points since this day. Go further back.")
            )

    def _get_engine(self):
        return self.env['loyalty.backfill.engine']
