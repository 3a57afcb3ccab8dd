from odoo import fields, models
from odoo.tools import SQL, Query


class AftersalesSatisfaction(models.Model):
    """How satisfied customers are: by responsible, team, product and month.

    Satisfaction (CSAT) is the average of core's ratings of 1 to 5, ease (CES) that of the scores of
    1 to 7.  NPS = % promoters (9 and 10) - % detractors (0 to 6) of those who answered
    (F. Reichheld, "The One Number You Need to Grow", Harvard Business Review, December 2003): the
    average of 100 for a promoter, -100 for a detractor and 0 for the others, in whatever group it
    is read.

    Response rate: answered of what was asked.  An answer without name counts for team and month
    alone: its question looks like one nobody answered, so those of responsibles tell less.
    """

    _name = 'aftersales.satisfaction'
    _description = "Satisfaction"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'kind'

    kind = fields.Selection(
        selection=[('csat', "Satisfaction"), ('nps', "Recommendation"), ('ces', "Ease")],
        readonly=True,
    )
    date = fields.Date(string="Asked on", readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    team_id = fields.Many2one(comodel_name='aftersales.team', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Responsible", readonly=True)
    product_id = fields.Many2one(comodel_name='product.product', readonly=True)
    request_id = fields.Many2one(
        comodel_name='aftersales.request', string="Service Request", readonly=True
    )
    csat = fields.Float(string="Satisfaction (1-5)", readonly=True, aggregator='avg', digits=(3, 2))
    nps = fields.Float(
        string="NPS",
        readonly=True,
        aggregator='avg',
        digits=(4, 1),
        help="% promoters (9, 10) - % detractors (0-6), from -100 to 100.",
    )
    ces = fields.Float(string="Ease (1-7)", readonly=True, aggregator='avg', digits=(3, 2))
    response_rate = fields.Float(
        string="Response Rate (%)", readonly=True, aggregator='avg', digits=(4, 1)
    )
    answer_count = fields.Integer(string="Answers", readonly=True, aggregator='sum')

    def _read_group_select(self, aggregate_spec: str, query: Query) -> SQL:
        """Divide by what was asked: an answer without name is a row beside its question.

        Where its question belongs to another group, no more is answered than was asked.
        """
        if aggregate_spec != 'response_rate:avg':
            return super()._read_group_select(aggregate_spec, query)
        asked = SQL('COUNT(%s)', self._field_to_sql(self._table, 'response_rate', query))
        return SQL(
            '(100.0 * LEAST(SUM(%s), %s) / NULLIF(%s, 0))::float',
            self._field_to_sql(self._table, 'answer_count', query),
            asked,
            asked,
        )

    @property
    def _table_query(self) -> SQL:
        return SQL('%s UNION ALL %s', self._get_ratings_sql(), self._get_feedback_sql())

    def _get_ratings_sql(self) -> SQL:
        """Return the ratings of requests; core makes one for each it asks for."""
        return SQL(
            """
            SELECT rating.id * 2 AS id,
                   'csat' AS kind,
                   rating.create_date::date AS date,
                   request.company_id, request.team_id, request.user_id, request.product_id,
                   request.id AS request_id,
                   CASE WHEN rating.consumed AND rating.rating >= 1 THEN rating.rating END AS csat,
                   NULL::float AS nps,
                   NULL::float AS ces,
                   CASE WHEN rating.consumed AND rating.rating >= 1 THEN 100 ELSE 0 END
                       AS response_rate,
                   (rating.consumed AND rating.rating >= 1)::int AS answer_count
              FROM rating_rating rating
              JOIN aftersales_request request ON request.id = rating.res_id
             WHERE rating.res_model = 'aftersales.request'
            """
        )

    def _get_feedback_sql(self) -> SQL:
        """Return what was asked by the short form and answered."""
        return SQL(
            """
            SELECT feedback.id * 2 + 1,
                   feedback.kind,
                   COALESCE(feedback.date_asked, feedback.date),
                   feedback.company_id, feedback.team_id, feedback.user_id, feedback.product_id,
                   feedback.request_id,
                   NULL::float,
                   CASE WHEN feedback.kind <> 'nps' OR feedback.state <> 'answered' THEN NULL
                        WHEN feedback.score >= 9 THEN 100
                        WHEN feedback.score <= 6 THEN -100
                        ELSE 0 END,
                   CASE WHEN feedback.kind = 'ces' AND feedback.state = 'answered'
                        THEN feedback.score END,
                   CASE WHEN feedback.anonymous THEN NULL
                        WHEN feedback.state = 'asked' THEN 0
                        ELSE 100 END,
                   (feedback.state = 'answered')::int
              FROM aftersales_feedback feedback
            """
        )
