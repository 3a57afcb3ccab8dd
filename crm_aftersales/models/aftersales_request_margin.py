from odoo import fields, models

MANAGER = 'crm_aftersales.group_manager'


class AftersalesRequest(models.Model):
    """What a case brought in and cost, with the work that was free for the customer."""

    _inherit = 'aftersales.request'

    company_currency_id = fields.Many2one(
        related='company_id.currency_id', string="Company's Currency"
    )
    service_revenue = fields.Monetary(
        string="Revenue",
        compute='_compute_service_margin',
        currency_field='company_currency_id',
        groups=MANAGER,
        help="Invoiced without taxes; ordered, while there is no invoice.",
    )
    service_cost = fields.Monetary(
        string="Cost",
        compute='_compute_service_margin',
        currency_field='company_currency_id',
        groups=MANAGER,
        help="Of all lines, whoever pays.",
    )
    service_margin = fields.Monetary(
        string="Margin",
        compute='_compute_service_margin',
        currency_field='company_currency_id',
        groups=MANAGER,
    )

    def _compute_service_margin(self):
        Report = self.env['aftersales.service.report'].sudo()
        sums = {
            request: figures
            for request, *figures in Report._read_group(
                [('request_id', 'in', self.ids)],
                ['request_id'],
                ['revenue:sum', 'cost:sum', 'margin:sum'],
            )
        }
        for request in self:
            revenue, cost, margin = sums.get(request._origin.sudo(), (0.0, 0.0, 0.0))
            request.service_revenue = revenue
            request.service_cost = cost
            request.service_margin = margin

    def action_view_service_margin(self) -> dict:
        """Open the margin of the case by payer.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_service_report_action'
        )
        action['domain'] = [('request_id', '=', self.id)]
        return action
