from odoo import fields, models
from odoo.tools import SQL

from ..coverage import PAYERS, SERVICE_TYPES


class AftersalesServiceReport(models.Model):
    """What each service line brought in and cost, free work included, in the company's currency.

    What was invoiced counts once there is an invoice, before that what the customer ordered.
    """

    _name = 'aftersales.service.report'
    _description = "Service Margins"
    _auto = False
    _rec_name = 'request_id'
    _order = 'date desc, id desc'
    _depends = {
        'aftersales.service.line': [
            'amount_other',
            'amount_total',
            'company_id',
            'cost',
            'currency_rate',
            'date',
            'display_type',
            'payer',
            'product_id',
            'request_id',
            'sale_line_id',
            'type',
        ],
        'aftersales.request': ['partner_id', 'product_id', 'team_id', 'type_id', 'user_id'],
        'sale.order': ['currency_rate', 'state'],
        'sale.order.line': ['invoice_lines', 'price_subtotal', 'untaxed_amount_invoiced'],
        'account.move.line': ['parent_state'],
    }

    request_id = fields.Many2one(
        comodel_name='aftersales.request', string="Service Request", readonly=True
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer", readonly=True)
    request_type_id = fields.Many2one(
        comodel_name='aftersales.request.type', string="Type of Request", readonly=True
    )
    team_id = fields.Many2one(comodel_name='aftersales.team', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Responsible", readonly=True)
    unit_product_id = fields.Many2one(
        comodel_name='product.product', string="Customer's Product", readonly=True
    )
    product_id = fields.Many2one(
        comodel_name='product.product', string="Part or Service", readonly=True
    )
    type = fields.Selection(selection=SERVICE_TYPES, readonly=True)
    payer = fields.Selection(selection=PAYERS, readonly=True)
    date = fields.Date(readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    price = fields.Monetary(readonly=True, help="What the service is worth, whoever pays.")
    amount_free = fields.Monetary(
        string="Free for Customer", readonly=True, help="What others than the customer bear."
    )
    revenue = fields.Monetary(readonly=True)
    cost = fields.Monetary(readonly=True)
    margin = fields.Monetary(readonly=True)

    @property
    def _table_query(self) -> SQL:
        return SQL(
            """
            SELECT line.*, line.revenue - line.cost AS margin
              FROM (SELECT line.id, line.request_id, line.company_id, line.product_id, line.type,
                           line.payer, line.date, company.currency_id,
                           request.partner_id, request.type_id AS request_type_id,
                           request.team_id, request.user_id, request.product_id AS unit_product_id,
                           line.amount_total / %(line_rate)s AS price,
                           line.amount_other / %(line_rate)s AS amount_free,
                           COALESCE(%(revenue)s / %(order_rate)s, 0) AS revenue,
                           COALESCE(line.cost, 0) AS cost
                      FROM aftersales_service_line line
                      JOIN aftersales_request request ON request.id = line.request_id
                      JOIN res_company company ON company.id = line.company_id
                      LEFT JOIN sale_order_line sold ON sold.id = line.sale_line_id
                      LEFT JOIN sale_order AS sale ON sale.id = sold.order_id
                     WHERE line.display_type IS NULL) line
            """,
            line_rate=SQL('COALESCE(NULLIF(line.currency_rate, 0), 1)::numeric'),
            order_rate=SQL('COALESCE(NULLIF(sale.currency_rate, 0), 1)::numeric'),
            revenue=self._get_revenue_sql(),
        )

    def _get_revenue_sql(self) -> SQL:
        """Return what a line brought in, in the order's currency and without taxes."""
        return SQL(
            """
            CASE WHEN sale.state IS DISTINCT FROM 'sale' THEN 0
                 WHEN EXISTS (SELECT 1
                                FROM sale_order_line_invoice_rel rel
                                JOIN account_move_line invoiced ON invoiced.id = rel.invoice_line_id
                               WHERE rel.order_line_id = sold.id
                                 AND invoiced.parent_state = 'posted')
                 THEN sold.untaxed_amount_invoiced
                 ELSE sold.price_subtotal
            END
            """
        )
