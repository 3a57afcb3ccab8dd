from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

SCORES = ('r', 'f', 'm')


class CrmCustomerScore(models.Model):
    """Figures and scores of one customer (commercial entity) in one company.

    Rows are written by :class:`crm.score.run` alone, in SQL. What changes every day without an
    order (the days since the last one) is computed when read, so that a quiet night writes
    nothing.
    """

    _name = 'crm.customer.score'
    _description = 'Customer Score'
    _order = 'monetary DESC, id'
    _rec_name = 'partner_id'
    _log_access = False  # computed_at and run_id say when and why; a million rows are lighter

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        required=True,
        readonly=True,
        ondelete='cascade',
        index=True,
        help="Commercial entity: the orders of its contacts are counted here.",
    )
    currency_id = fields.Many2one(related='company_id.currency_id')

    # === Figures ===
    first_order = fields.Date(readonly=True, help="Day of the first order that was kept.")
    last_order = fields.Date(readonly=True, help="Day of the last order that was kept.")
    recency = fields.Integer(
        string="Days Since Last Order",
        compute='_compute_recency',
        search='_search_recency',
        help="As of the company's latest scoring run.",
    )
    frequency = fields.Integer(
        readonly=True,
        help="Paid orders in the scoring window. Orders credited in full do not count.",
    )
    monetary = fields.Monetary(
        readonly=True,
        currency_field='currency_id',
        help="Untaxed orders less credit notes of the scoring window in company currency, each "
        "document at the rate of its own date.",
    )
    refunds = fields.Monetary(
        readonly=True,
        currency_field='currency_id',
        help="Credit notes of the scoring window, already subtracted from the value.",
    )

    # === Scores ===
    r = fields.Integer(readonly=True, aggregator='avg', help="Recency score, 5 best.")
    f = fields.Integer(readonly=True, aggregator='avg', help="Frequency score, 5 best.")
    m = fields.Integer(readonly=True, aggregator='avg', help="Monetary score, 5 best.")
    rfm = fields.Char(string="RFM", readonly=True)
    cell_id = fields.Many2one(
        comodel_name='crm.rfm.cell',
        string="RFM Cell",
        readonly=True,
        index='btree_not_null',
        group_expand='_read_group_expand_full',
    )

    # === Origin ===
    run_id = fields.Many2one(
        comodel_name='crm.score.run',
        string="Changed By Run",
        readonly=True,
        ondelete='set null',
    )
    computed_at = fields.Datetime(
        string="Changed On", readonly=True, help="When a run last changed this row."
    )

    _company_partner_unique = models.UniqueIndex(
        '(company_id, partner_id)', "A customer has one score in each company."
    )
    _company_rfm_idx = models.Index('(company_id, rfm)')

    @api.depends('last_order', 'company_id')
    def _compute_recency(self):
        as_of_by_company = self.env['crm.score.run']._get_latest_as_of(self.company_id)
        for score in self:
            as_of = as_of_by_company.get(score.company_id)
            score.recency = (as_of - score.last_order).days if as_of and score.last_order else 0

    def _search_recency(self, operator, value):
        """Turn days into dates, for each company by the day of its latest run."""
        flipped = {'<': '>', '>': '<', '<=': '>=', '>=': '<=', '=': '=', '!=': '!='}
        if operator not in flipped or not isinstance(value, int):
            return NotImplemented
        as_of_by_company = self.env['crm.score.run']._get_latest_as_of(self.env.companies)
        return Domain.OR(
            Domain('company_id', '=', company.id)
            & Domain('last_order', flipped[operator], as_of - timedelta(days=value))
            for company, as_of in as_of_by_company.items()
        )

    def action_open_customer(self) -> dict:
        """Open the customer's form.

        :return: a window action
        """
        self.ensure_one()
        return self.partner_id.get_formview_action()
