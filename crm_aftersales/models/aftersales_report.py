from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL, Query

from .aftersales_request_stage import OPEN_STATES, REQUEST_STATES

#: days in which a product that comes back was not mended
REPEAT_DAYS = 30
#: types of requests that tell of a product that fails, besides all that name a fault
FAULT_TYPES = ('fault', 'emergency')
#: states in which a request is done
SOLVED_STATES = ('resolved', 'closed')
#: the keys sort as the ages do: pivot tables go by them
BACKLOG_AGES = [
    ('1_day', "Up to 1 Day"),
    ('2_week', "Up to 7 Days"),
    ('3_month', "Up to 30 Days"),
    ('4_older', "Older"),
]


class AftersalesReport(models.Model):
    """What came in, how long it took and whether it held: one row for each counted request.

    Merged requests are no rows: their matter is counted at the request it goes on in. Cancelled
    ones are rows, because they came in, and count in no time and no rate.

    A *fault request* is of a type of :data:`FAULT_TYPES` or names a fault. It is *judged* once it
    was solved :data:`REPEAT_DAYS` days ago and it is known for which product of the customer:
    before that nobody knows whether it holds, and to count it as held would make every last month
    look good.

    First-time fix: of the judged fault requests that name their fault, the share that was not
    reopened and after which no other request of the same customer product with the same fault came
    in within :data:`REPEAT_DAYS` days of the solution.

    Repeat: of the judged fault requests, the share that was reopened or after which another fault
    request of the same customer product came in within that time, whatever its fault.
    """

    _name = 'aftersales.report'
    _description = "Service Report"
    _auto = False
    _order = 'date_received desc, id desc'
    _rec_name = 'request_id'

    # === Whose and what ===
    request_id = fields.Many2one(
        comodel_name='aftersales.request', string="Service Request", readonly=True
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    team_id = fields.Many2one(comodel_name='aftersales.team', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Responsible", readonly=True)
    type_id = fields.Many2one(comodel_name='aftersales.request.type', readonly=True)
    state = fields.Selection(selection=REQUEST_STATES, readonly=True)
    priority = fields.Selection(
        selection=lambda self: self.env['aftersales.request']._fields['priority'].selection,
        readonly=True,
    )
    channel = fields.Selection(
        selection=lambda self: self.env['aftersales.request']._fields['channel'].selection,
        string="Received by",
        readonly=True,
    )
    commercial_partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", readonly=True
    )
    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", readonly=True
    )
    product_id = fields.Many2one(comodel_name='product.product', readonly=True)
    fault_code_id = fields.Many2one(comodel_name='aftersales.code', string="Fault", readonly=True)
    cause_code_id = fields.Many2one(comodel_name='aftersales.code', string="Cause", readonly=True)
    solution_code_id = fields.Many2one(
        comodel_name='aftersales.code', string="Solution", readonly=True
    )
    date_received = fields.Datetime(string="Received on", readonly=True)
    date_resolved = fields.Datetime(string="Resolved on", readonly=True)

    # === Volume and backlog ===
    open_count = fields.Integer(string="Open", readonly=True)
    solved_count = fields.Integer(string="Solved", readonly=True)
    reopen_count = fields.Integer(string="Reopened", readonly=True)
    backlog_days = fields.Float(
        string="Age of Open (Days)",
        readonly=True,
        aggregator='avg',
        help="Days since open requests were received, at night and on holidays as well.",
    )
    backlog_age = fields.Selection(
        selection=BACKLOG_AGES, string="Age of Open Requests", readonly=True
    )

    # === Time ===
    reply_hours = fields.Float(
        string="Hours to First Answer",
        readonly=True,
        aggregator='avg',
        help="From receipt, at night and on holidays as well.",
    )
    reply_working_hours = fields.Float(
        string="Working Hours to First Answer",
        readonly=True,
        aggregator='avg',
        help="Of the requests to which an answer was promised: what their clocks counted, without"
        " pauses.",
    )
    solution_hours = fields.Float(
        string="Hours to Solution",
        readonly=True,
        aggregator='avg',
        help="From receipt, at night and on holidays as well.",
    )
    solution_working_hours = fields.Float(
        string="Working Hours to Solution",
        readonly=True,
        aggregator='avg',
        help="Of the requests to which a solution was promised: what their clocks counted, without"
        " pauses.",
    )

    # === Whether it held ===
    judged_count = fields.Integer(
        string="Judged",
        readonly=True,
        help="Faults of customers' products, solved more than 30 days ago: those that rates count.",
    )
    first_time_fix = fields.Float(
        string="First-Time Fix (%)",
        readonly=True,
        aggregator='avg',
        digits=(5, 1),
        help="Faults solved more than 30 days ago for which nothing of the same product and fault"
        " came back within 30 days.",
    )
    repeat_rate = fields.Float(
        string="Repeat within 30 Days (%)",
        readonly=True,
        aggregator='avg',
        digits=(5, 1),
        help="Faults solved more than 30 days ago whose product came back with any fault within 30"
        " days.",
    )

    # === Share ===
    share = fields.Float(
        string="Share (%)",
        readonly=True,
        aggregator='sum',
        digits=(5, 1),
        help="Share of the group in all groups shown.",
    )
    cumulative_share = fields.Float(
        string="Cumulative Share (%)",
        readonly=True,
        aggregator='max',
        digits=(5, 1),
        help="Share of the group and of all that are at least as frequent.",
    )

    # === Cost ===
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    cost = fields.Monetary(
        readonly=True,
        groups='crm_aftersales.group_manager',
        help="What service cost ourselves, whoever pays.",
    )
    warranty_cost = fields.Monetary(
        readonly=True,
        groups='crm_aftersales.group_manager',
        help="The share in the cost that warranties bear.",
    )

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    @property
    def _table_query(self) -> SQL:
        columns = SQL(', ').join(
            SQL('%s AS %s', value, SQL.identifier(name))
            for name, value in self._get_columns_sql().items()
        )
        return SQL('SELECT %s FROM %s WHERE %s', columns, self._from_sql(), self._where_sql())

    def _from_sql(self) -> SQL:
        return SQL(
            """
            aftersales_request request
            JOIN res_company company ON company.id = request.company_id
            LEFT JOIN aftersales_request_type type ON type.id = request.type_id
            """
        )

    def _where_sql(self) -> SQL:
        """Return the twin of ``aftersales.request._get_counted_domain``."""
        return SQL('request.merged_into_id IS NULL')

    def _get_columns_sql(self) -> dict[str, SQL]:
        """Return what each field is read from; extend with fields of your own.

        What is not asked for is not computed: PostgreSQL drops columns that nobody reads.
        """
        names = (
            'id',
            'company_id',
            'team_id',
            'user_id',
            'type_id',
            'state',
            'priority',
            'channel',
            'commercial_partner_id',
            'unit_id',
            'product_id',
            'fault_code_id',
            'cause_code_id',
            'solution_code_id',
            'date_received',
            'date_resolved',
            'reopen_count',
        )
        return {
            **{name: SQL.identifier('request', name) for name in names},
            'request_id': SQL('request.id'),
            'currency_id': SQL('company.currency_id'),
            # aggregated by _read_group_select
            'share': SQL('NULL::float'),
            'cumulative_share': SQL('NULL::float'),
            **self._get_volume_sql(),
            **self._get_times_sql(),
            **self._get_rates_sql(),
            **self._get_costs_sql(),
        }

    def _get_volume_sql(self) -> dict[str, SQL]:
        is_open = SQL('request.state IN %s', OPEN_STATES)
        age = SQL('%s - request.date_received', fields.Datetime.now())
        return {
            'open_count': SQL('(%s)::int', is_open),
            'solved_count': SQL('(request.state IN %s)::int', SOLVED_STATES),
            'backlog_days': SQL('CASE WHEN %s THEN %s END', is_open, self._in_hours(age, 24)),
            'backlog_age': SQL(
                """
                CASE WHEN NOT %(is_open)s THEN NULL
                     WHEN %(age)s <= INTERVAL '1 day' THEN '1_day'
                     WHEN %(age)s <= INTERVAL '7 days' THEN '2_week'
                     WHEN %(age)s <= INTERVAL '30 days' THEN '3_month'
                     ELSE '4_older' END
                """,
                is_open=is_open,
                age=age,
            ),
        }

    def _get_times_sql(self) -> dict[str, SQL]:
        reply = SQL('request.date_first_reply - request.date_received')
        solution = SQL('request.date_resolved - request.date_received')
        return {
            'reply_hours': SQL(
                "CASE WHEN request.state <> 'cancelled' THEN %s END", self._in_hours(reply)
            ),
            'reply_working_hours': self._get_clock_sql('first_response'),
            'solution_hours': SQL(
                'CASE WHEN request.state IN %s THEN %s END', SOLVED_STATES, self._in_hours(solution)
            ),
            'solution_working_hours': self._get_clock_sql('resolution'),
        }

    def _in_hours(self, interval: SQL, hours: int = 1) -> SQL:
        """Return how many times some hours an interval is."""
        return SQL('(EXTRACT(EPOCH FROM %s) / %s)::float', interval, 3600 * hours)

    def _get_clock_sql(self, kind: str) -> SQL:
        """Return the working hours that the clock of a kind counted until it was done."""
        return SQL(
            """
            (SELECT clock.used_sec / 3600.0
               FROM aftersales_sla_clock clock
              WHERE clock.request_id = request.id
                AND clock.kind = %s
                AND clock.state <> 'cancelled'
                AND clock.date_end IS NOT NULL)::float
            """,
            kind,
        )

    # ------------------------------------------------------------
    # RATES
    # ------------------------------------------------------------

    def _get_rates_sql(self) -> dict[str, SQL]:
        judged = SQL(
            """
            request.state IN %(solved)s
            AND request.unit_id IS NOT NULL
            AND %(is_fault)s
            AND request.date_resolved <= %(now)s - %(window)s
            """,
            solved=SOLVED_STATES,
            is_fault=self._is_fault_sql('request', 'type'),
            now=fields.Datetime.now(),
            window=SQL("INTERVAL '%s days'", REPEAT_DAYS),
        )
        rate = "CASE WHEN %s THEN CASE WHEN %s THEN %s ELSE %s END END"
        same = self._has_come_back_sql(SQL('again.fault_code_id = request.fault_code_id'))
        other = self._has_come_back_sql(self._is_fault_sql('again', 'again_type'))
        named = SQL('%s AND request.fault_code_id IS NOT NULL', judged)
        return {
            'judged_count': SQL('(COALESCE(%s, FALSE))::int', judged),
            'first_time_fix': SQL(rate, named, same, 0.0, 100.0),
            'repeat_rate': SQL(rate, judged, other, 100.0, 0.0),
        }

    @api.model
    def _is_fault_sql(self, request: str, request_type: str) -> SQL:
        """Return whether a request tells of a product that fails.

        :param request: alias of the request
        :param request_type: alias of its type
        """
        return SQL(
            '(%s IS NOT NULL OR COALESCE(%s IN %s, FALSE))',
            SQL.identifier(request, 'fault_code_id'),
            SQL.identifier(request_type, 'code'),
            FAULT_TYPES,
        )

    def _has_come_back_sql(self, condition: SQL) -> SQL:
        """Return whether the product of a request came back after the solution.

        :param condition: of the request that came ``again``
        """
        return SQL(
            """
            (request.reopen_count > 0 OR EXISTS (
                SELECT 1
                  FROM aftersales_request again
                  LEFT JOIN aftersales_request_type again_type ON again_type.id = again.type_id
                 WHERE again.unit_id = request.unit_id
                   AND again.id <> request.id
                   AND again.merged_into_id IS NULL
                   AND again.state <> 'cancelled'
                   AND again.date_received > request.date_resolved
                   AND again.date_received <= request.date_resolved + %s
                   AND %s))
            """,
            SQL("INTERVAL '%s days'", REPEAT_DAYS),
            condition,
        )

    # ------------------------------------------------------------
    # COST
    # ------------------------------------------------------------

    def _get_costs_sql(self) -> dict[str, SQL]:
        """Return what a request costs, in the company's currency; extend to add other costs."""
        share = SQL("CASE WHEN line.payer = 'warranty' THEN 1 - line.customer_percent / 100 END")
        return {
            'cost': self._sum_service_lines_sql(SQL('line.cost')),
            'warranty_cost': self._sum_service_lines_sql(SQL('line.cost * (%s)', share)),
        }

    def _sum_service_lines_sql(self, amount: SQL) -> SQL:
        """Return the sum of an amount over the service lines of a request."""
        return SQL(
            """
            (SELECT SUM(%s)
               FROM aftersales_service_line line
              WHERE line.request_id = request.id AND line.display_type IS NULL)::numeric
            """,
            amount,
        )

    def action_view_request(self) -> dict:
        """Open the request of a row.

        :return: window action
        """
        self.ensure_one()
        return self.request_id.get_formview_action()

    # ------------------------------------------------------------
    # SHARES
    # ------------------------------------------------------------

    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        """Let shares be of the groups of their own level, not of all levels of a pivot."""
        specs = tuple(dict.fromkeys(spec for groupby in grouping_sets for spec in groupby))
        report = self.with_context(aftersales_report_levels=specs)
        return super(AftersalesReport, report)._read_grouping_sets(
            domain, grouping_sets, aggregates, order
        )

    def _read_group_select(self, aggregate_spec: str, query: Query) -> SQL:
        """Compute shares over the groups as they are filtered and grouped."""
        specs = self.env.context.get('aftersales_report_levels', ())
        levels = [self._read_group_groupby(self._table, spec, query) for spec in specs]
        level = SQL('PARTITION BY GROUPING(%s)', SQL(', ').join(levels)) if levels else SQL()
        total = SQL('SUM(COUNT(*)) OVER (%s)', level)
        if aggregate_spec == 'share:sum':
            return SQL('(100.0 * COUNT(*) / %s)::float', total)
        if aggregate_spec == 'cumulative_share:max':
            more = SQL('SUM(COUNT(*)) OVER (%s ORDER BY COUNT(*) DESC)', level)
            return SQL('(100.0 * %s / %s)::float', more, total)
        return super()._read_group_select(aggregate_spec, query)
