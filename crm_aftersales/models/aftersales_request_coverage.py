from __future__ import annotations

from collections.abc import Callable

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..coverage import PERCENT_DIGITS, Coverage
from .res_partner import READER_GROUPS

#: what a coverage is judged by, beside the line
JUDGED_FIELDS = {'unit_id', 'fault_date', 'date_received'}


class AftersalesRequest(models.Model):
    """What a service costs and who pays for it."""

    _inherit = 'aftersales.request'

    fault_date = fields.Date(
        string="Fault Noticed on",
        tracking=True,
        copy=False,
        help="Warranties are judged on this day; on the day the request was received while empty.",
    )
    service_line_ids = fields.One2many(
        comodel_name='aftersales.service.line',
        inverse_name='request_id',
        string="Service Lines",
        copy=False,
        groups=READER_GROUPS,
    )
    service_currency_id = fields.Many2one(
        comodel_name='res.currency', compute='_compute_service_amounts', groups=READER_GROUPS
    )
    service_amount_total = fields.Monetary(
        string="Price of the Service",
        compute='_compute_service_amounts',
        currency_field='service_currency_id',
        groups=READER_GROUPS,
    )
    service_amount_customer = fields.Monetary(
        string="Customer Pays",
        compute='_compute_service_amounts',
        currency_field='service_currency_id',
        groups=READER_GROUPS,
    )
    service_amount_other = fields.Monetary(
        string="Others Pay",
        compute='_compute_service_amounts',
        currency_field='service_currency_id',
        groups=READER_GROUPS,
    )

    @api.depends(
        'service_line_ids.amount_total',
        'service_line_ids.amount_customer',
        'service_line_ids.currency_id',
        'company_id',
    )
    def _compute_service_amounts(self):
        for request in self:
            lines = request.service_line_ids
            currency = lines.currency_id[:1] or request.company_id.currency_id
            lines = lines.filtered(lambda line, currency=currency: line.currency_id == currency)
            request.service_currency_id = currency
            request.service_amount_total = sum(lines.mapped('amount_total'))
            request.service_amount_customer = sum(lines.mapped('amount_customer'))
            request.service_amount_other = sum(lines.mapped('amount_other'))

    def write(self, vals):
        result = super().write(vals)
        if JUDGED_FIELDS & vals.keys():
            lines = self.sudo().service_line_ids
            lines.filtered(lambda line: line.coverage_state != 'unchecked')._check_coverage()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_quoted(self):
        self.sudo().service_line_ids._unlink_except_locked()

    def _get_service_pricelist(self):
        """Return the pricelist by which service is charged; may be none."""
        partner = self.partner_id.with_company(self.company_id or self.env.company)
        return partner.sudo().property_product_pricelist

    # ------------------------------------------------------------
    # CHECK COVERAGE
    # ------------------------------------------------------------

    def action_check_coverage(self) -> None:
        """Decide who pays for each line; what a manager decided, or the customer was told, stays.

        :raise UserError: there is nothing to judge
        """
        self.check_access('write')
        if not self.service_line_ids.filtered(lambda line: not line.display_type):
            raise UserError(self.env._("Add the parts and the work first."))
        for request in self:
            request.service_line_ids._check_coverage()

    def _get_coverage_providers(self) -> list[Callable]:
        """Return who might pay, in their order: each is called with a line and may answer.

        The first one that pays something decides; see ``Coverage``.
        """
        return [
            self._get_contract_coverage,
            self._get_recall_coverage,
            self._get_warranty_coverage,
            self._get_goodwill_coverage,
        ]

    def _get_contract_coverage(self, line) -> Coverage | None:
        """Return what a service contract pays; addons with contracts answer."""
        return None

    def _get_recall_coverage(self, line) -> Coverage | None:
        """Return what a recall pays; addons with recalls answer."""
        return None

    def _get_warranty_coverage(self, line) -> Coverage | None:
        """Return what the warranty of the product pays for a line."""
        unit = self.unit_id
        if not unit or line.type == 'fee':
            return None
        answer = unit._get_warranty_answer(
            self._get_fault_moment(), line_type=line.type, product=line.product_id
        )
        return Coverage(
            'warranty',
            answer.percent if answer.state == 'covered' else 0,
            answer.warranty,
            answer.reason,
            is_known=answer.state != 'unknown',
        )

    def _get_fault_moment(self):
        """Return the day of the fault, else the moment we were told: never that of the repair."""
        return self.fault_date or self.date_received

    def _get_goodwill_coverage(self, line) -> Coverage | None:
        """Return what the company pays of its own will, shortly after a warranty has ended."""
        company = self.company_id
        if not company.aftersales_goodwill_percent or not self._is_in_goodwill_period(line):
            return None
        return Coverage(
            'goodwill',
            company.aftersales_goodwill_percent,
            None,
            self.env._("As a gesture of goodwill we pay a part of this."),
            amount=self._get_goodwill_left(line),
        )

    def _is_in_goodwill_period(self, line) -> bool:
        """Whether the warranty ended not long before the fault; wear parts are never included."""
        unit = self.unit_id.sudo()
        if not unit.warranty_end or line.type == 'fee':
            return False
        day = unit._get_customer_day(self._get_fault_moment())
        until = unit.warranty_end + relativedelta(months=self.company_id.aftersales_goodwill_months)
        if not unit.warranty_end < day <= until:
            return False
        covered = unit._get_warranty_answer(
            unit.warranty_end, line_type=line.type, product=line.product_id
        )
        return covered.state == 'covered'

    def _get_goodwill_left(self, line) -> float | None:
        """Return what is left of the limit of the request, in the line's currency."""
        company = self.company_id
        if not company.aftersales_goodwill_limit:
            return None
        lines = self.sudo().service_line_ids.filtered(lambda other: other.payer == 'goodwill')
        given = sum(other.amount_other / (other.currency_rate or 1.0) for other in lines)
        left = company.aftersales_goodwill_limit - given
        if left <= sum(map(self._get_rounded_off, lines)):
            return 0.0
        left *= line.currency_rate or 1.0
        return line.currency_id.round(left)

    def _get_rounded_off(self, line) -> float:
        """Return the most that a limit may have lost on a line, whose share is in per cent.

        :return: amount in the company's currency
        """
        lost = line.amount_total * 10 ** -(PERCENT_DIGITS + 2) + line.currency_id.rounding
        return lost / (line.currency_rate or 1.0)

    # ------------------------------------------------------------
    # MERGE
    # ------------------------------------------------------------

    def _get_moved_records(self, sources):
        env = self.env
        lines = env['aftersales.service.line'].search([('request_id', 'in', sources.ids)])
        orders = env['sale.order'].search([('aftersales_request_id', 'in', sources.ids)])
        return [
            *super()._get_moved_records(sources),
            (lines, 'request_id'),
            (orders, 'aftersales_request_id'),
        ]
