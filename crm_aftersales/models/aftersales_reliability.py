from odoo import fields, models
from odoo.tools import SQL, Query


class AftersalesReliability(models.Model):
    """How long products work between faults: one row for each customer product.

    MTBF = days in service of all pieces together / their faults, in whatever group it is read: the
    maximum likelihood estimate for a constant failure rate ("total unit hours / total failures",
    NIST/SEMATECH e-Handbook of Statistical Methods, section 8.4.5.1).

    Right-censoring: a piece that has not failed yet, and the time since the last fault of one that
    has, count with their days and without a fault. The mean of the gaps between faults alone would
    leave them out and call good products bad. A group without any fault has no MTBF.

    Service begins with the installation, else the delivery, else the invoice, else the
    registration, because faults of before are not known either; it ends on the day of retirement,
    else it goes on today. Only faults of that time count. Days are of the calendar: how many hours
    a day a product is used, and how long it stood still for repair, is not known. Faults of
    requests that were never entered here, such as those of the years before, make MTBF too long.
    """

    _name = 'aftersales.reliability'
    _description = "Product Reliability"
    _auto = False
    _order = 'fault_count desc, id desc'
    _rec_name = 'unit_id'

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", readonly=True
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    commercial_partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", readonly=True
    )
    product_id = fields.Many2one(comodel_name='product.product', readonly=True)
    categ_id = fields.Many2one(
        comodel_name='product.category', string="Product Category", readonly=True
    )
    date_start = fields.Date(string="In Service since", readonly=True)
    date_end = fields.Date(string="Retired on", readonly=True)
    days_in_service = fields.Integer(readonly=True)
    fault_count = fields.Integer(string="Faults", readonly=True)
    mtbf_days = fields.Float(
        string="MTBF (Days)",
        readonly=True,
        aggregator='avg',
        digits=(12, 1),
        help="Days in service of all pieces / faults. Empty as long as there is no fault.",
    )

    @property
    def _table_query(self) -> SQL:
        return SQL(
            """
            SELECT unit.id, unit.id AS unit_id, unit.company_id, unit.commercial_partner_id,
                   unit.product_id, template.categ_id, unit.date_start, unit.date_end,
                   unit.days_in_service, fault.fault_count,
                   unit.days_in_service::float / NULLIF(fault.fault_count, 0) AS mtbf_days
              FROM (%(units)s) unit
              JOIN product_product product ON product.id = unit.product_id
              JOIN product_template template ON template.id = product.product_tmpl_id
              CROSS JOIN LATERAL (%(faults)s) fault
            """,
            units=self._get_units_sql(),
            faults=self._get_faults_sql(),
        )

    def _get_units_sql(self) -> SQL:
        """Return the pieces that are or were in service; a sale that fell through never was."""
        start = SQL('COALESCE(unit.date_installed, unit.date_delivered, unit.date_invoiced)')
        return SQL(
            """
            SELECT unit.*,
                   GREATEST(COALESCE(unit.date_end, %(today)s) - unit.date_start, 0)
                       AS days_in_service
              FROM (SELECT unit.id, unit.company_id, unit.commercial_partner_id, unit.product_id,
                           COALESCE(%(start)s, unit.create_date::date) AS date_start,
                           CASE WHEN unit.state = 'retired' THEN unit.date_retired END AS date_end
                      FROM aftersales_unit unit
                     WHERE unit.state <> 'draft'
                       AND (unit.state <> 'retired' OR %(start)s IS NOT NULL)) unit
            """,
            start=start,
            today=fields.Date.context_today(self),
        )

    def _get_faults_sql(self) -> SQL:
        """Return the faults of a piece in its time of service."""
        return SQL(
            """
            SELECT COUNT(*)::int AS fault_count
              FROM aftersales_request request
              LEFT JOIN aftersales_request_type type ON type.id = request.type_id
             WHERE request.unit_id = unit.id
               AND request.merged_into_id IS NULL
               AND request.state <> 'cancelled'
               AND request.date_received::date
                   BETWEEN unit.date_start AND COALESCE(unit.date_end, 'infinity')
               AND %s
            """,
            self.env['aftersales.report']._is_fault_sql('request', 'type'),
        )

    def action_view_unit(self) -> dict:
        """Open the customer's product of a row.

        :return: window action
        """
        self.ensure_one()
        return self.unit_id.get_formview_action()

    def _read_group_select(self, aggregate_spec: str, query: Query) -> SQL:
        """Divide sums: the mean of the quotients of pieces would leave out those without fault."""
        if aggregate_spec != 'mtbf_days:avg':
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            'SUM(%s)::float / NULLIF(SUM(%s), 0)',
            self._field_to_sql(self._table, 'days_in_service', query),
            self._field_to_sql(self._table, 'fault_count', query),
        )
