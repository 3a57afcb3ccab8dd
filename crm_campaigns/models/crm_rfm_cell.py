from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmRfmCell(models.Model):
    """A named group of customers with the same habits of buying.

    The criteria stand in :meth:`_get_cell_code_sql`; name, text and colour are the user's to
    change, code and meaning are not.
    """

    _name = 'crm.rfm.cell'
    _description = 'RFM Cell'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, readonly=True, copy=False)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    criteria = fields.Text(
        translate=True,
        help="Which scores lead into this cell. Value is the mean of the frequency and the "
        "monetary score, rounded up.",
    )
    customer_count = fields.Integer(string="Customers", compute='_compute_customer_figures')
    monetary = fields.Monetary(
        string="Value in the window",
        compute='_compute_customer_figures',
        currency_field='currency_id',
        help="Orders less credit notes of the cell's customers in the active company.",
    )
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_customer_figures')

    _code_unique = models.Constraint('UNIQUE(code)', "Each cell must have a code of its own.")

    @api.depends_context('company', 'uid')
    def _compute_customer_figures(self):
        company = self.env.company
        groups = self.env['crm.customer.score']._read_group(
            self._get_score_domain(), ['cell_id'], ['__count', 'monetary:sum']
        )
        figures = {cell.id: (count, monetary) for cell, count, monetary in groups}
        for cell in self:
            cell.customer_count, cell.monetary = figures.get(cell.id, (0, 0.0))
            cell.currency_id = company.currency_id

    def action_view_scores(self) -> dict:
        """Open the customers of this cell in the active company.

        :return: a window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_campaigns.crm_customer_score_action'
        )
        action['domain'] = list(self._get_score_domain())
        action['context'] = {}
        action['display_name'] = self.name
        return action

    def action_create_segment(self) -> dict:
        """Open a new segment of the customers in this cell.

        :return: a window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'crm.segment',
            'view_mode': 'form',
            'context': {
                'default_name': self.name,
                'default_kind': 'rfm',
                'default_cell_ids': self.ids,
            },
        }

    def _get_score_domain(self) -> Domain:
        """Domain of the scores these cells stand for in the active company."""
        return Domain('cell_id', 'in', self.ids) & Domain('company_id', '=', self.env.company.id)

    @api.model
    def _get_ids_by_code(self) -> dict[str, int]:
        return {cell.code: cell.id for cell in self.sudo().search([])}

    @api.model
    def _get_cell_sql(self) -> SQL:
        """Return the cell's id as an expression over ``_get_cell_code_sql``'s columns."""
        whens = SQL(' ').join(
            SQL("WHEN %s THEN %s", code, cell_id)
            for code, cell_id in self._get_ids_by_code().items()
        )
        return SQL("CASE %s %s END", self._get_cell_code_sql(), whens)

    @api.model
    def _get_cell_code_sql(self) -> SQL:
        """Return the code of the cell of a scored customer, first match wins.

        Columns: first_order, last_order, frequency, r and v (value score).
        """
        return SQL(
            """CASE
                WHEN last_order IS NULL THEN NULL
                WHEN frequency = 0 THEN 'lost'
                WHEN r = 1 AND v >= 4 THEN 'cannot_lose'
                WHEN r <= 2 AND v >= 3 THEN 'at_risk'
                WHEN r = 2 THEN 'hibernating'
                WHEN r = 1 THEN 'lost'
                WHEN r + v >= 9 THEN 'champions'
                WHEN v >= 4 THEN 'loyal'
                WHEN r = 3 THEN 'attention'
                WHEN frequency > 1 OR first_order < last_order THEN 'potential'
                WHEN r = 5 THEN 'new'
                ELSE 'promising'
            END"""
        )
