from odoo import fields, models
from odoo.tools import SQL

from .aftersales_sla_clock import CLOCK_LABELS


class AftersalesSlaReport(models.Model):
    """Promises that were kept or broken; those that still run in time are neither.

    What was dropped does not count: clocks of merged and cancelled requests, and of policies that
    did not fit any more.
    """

    _name = 'aftersales.sla.report'
    _description = "Service Level Compliance"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'request_id'

    request_id = fields.Many2one(comodel_name='aftersales.request', readonly=True)
    kind = fields.Selection(selection=CLOCK_LABELS, string="Clock", readonly=True)
    policy_id = fields.Many2one(comodel_name='aftersales.sla.policy', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    team_id = fields.Many2one(comodel_name='aftersales.team', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string="Responsible", readonly=True)
    type_id = fields.Many2one(comodel_name='aftersales.request.type', readonly=True)
    priority = fields.Selection(
        selection=lambda self: self.env['aftersales.request']._fields['priority'].selection,
        readonly=True,
    )
    commercial_partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", readonly=True
    )
    product_id = fields.Many2one(comodel_name='product.product', readonly=True)
    date = fields.Datetime(string="Promised on", readonly=True)
    date_end = fields.Datetime(string="Done on", readonly=True)
    met = fields.Integer(readonly=True)
    breached = fields.Integer(readonly=True)
    compliance = fields.Float(
        string="Kept (%)",
        aggregator='avg',
        digits=(5, 1),
        readonly=True,
        help="Share of the promises.",
    )
    late_hours = fields.Float(
        string="Hours Late",
        aggregator='avg',
        readonly=True,
        help="From the deadline until it was done, at night and on holidays as well.",
    )

    @property
    def _table_query(self) -> SQL:
        return SQL(
            """
            SELECT clock.id, clock.request_id, clock.kind, clock.policy_id,
                   clock.date_start AS date, clock.date_end,
                   request.company_id, request.team_id, request.user_id, request.type_id,
                   request.priority, request.commercial_partner_id, request.product_id,
                   (clock.breached_at IS NULL)::int AS met,
                   (clock.breached_at IS NOT NULL)::int AS breached,
                   CASE WHEN clock.breached_at IS NULL THEN 100.0 ELSE 0.0 END AS compliance,
                   CASE WHEN clock.date_end IS NOT NULL AND clock.breached_at IS NOT NULL
                        THEN clock.late_sec / 3600.0 END AS late_hours
              FROM aftersales_sla_clock clock
              JOIN aftersales_request request ON request.id = clock.request_id
             WHERE clock.state <> 'cancelled'
               AND (clock.date_end IS NOT NULL OR clock.breached_at IS NOT NULL)
            """
        )
