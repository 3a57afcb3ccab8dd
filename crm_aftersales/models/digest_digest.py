from __future__ import annotations

from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from odoo.addons.rating.models.rating_data import RATING_LIMIT_MIN


class DigestDigest(models.Model):
    """Figures of the service desk in the digest mails."""

    _inherit = 'digest.digest'

    kpi_aftersales_request = fields.Boolean("Service Requests Received")
    kpi_aftersales_request_value = fields.Integer(compute='_compute_kpi_aftersales_request_value')
    kpi_aftersales_in_time = fields.Boolean("Service Requests Solved in Time (%)")
    kpi_aftersales_in_time_value = fields.Float(compute='_compute_kpi_aftersales_in_time_value')
    kpi_aftersales_satisfaction = fields.Boolean("Satisfaction with Service (1-5)")
    kpi_aftersales_satisfaction_value = fields.Float(
        compute='_compute_kpi_aftersales_satisfaction_value'
    )

    def _compute_kpi_aftersales_request_value(self):
        self._ensure_can_read_aftersales()
        self._calculate_company_based_kpi(
            'aftersales.request',
            'kpi_aftersales_request_value',
            date_field='date_received',
            additional_domain=self.env['aftersales.request']._get_counted_domain(),
        )

    def _compute_kpi_aftersales_in_time_value(self):
        """Of the promised solutions that were given in the period, the share in time."""
        self._ensure_can_read_aftersales()
        start, end, companies = self._get_kpi_compute_parameters()
        rows = self.env['aftersales.sla.report']._read_group(
            [
                ('company_id', 'in', companies.ids),
                ('kind', '=', 'resolution'),
                ('date_end', '>=', start),
                ('date_end', '<', end),
            ],
            ['company_id'],
            ['compliance:avg'],
        )
        self._set_aftersales_kpi('kpi_aftersales_in_time_value', dict(rows))

    def _compute_kpi_aftersales_satisfaction_value(self):
        """Mean rating of those who were asked in the period and answered."""
        self._ensure_can_read_aftersales()
        start, end, companies = self._get_kpi_compute_parameters()
        self.env['rating.rating'].flush_model()
        self.env['aftersales.request'].flush_model(['company_id'])
        # by the hour, in contrast to the report: a period ends in the middle of a day
        rows = self.env.execute_query(
            SQL(
                """
                SELECT request.company_id, avg(rating.rating)
                  FROM rating_rating rating
                  JOIN aftersales_request request ON request.id = rating.res_id
                 WHERE rating.res_model = 'aftersales.request'
                   AND rating.consumed AND rating.rating >= %(least)s
                   AND rating.create_date >= %(start)s AND rating.create_date < %(end)s
                   AND request.company_id IN %(companies)s
                 GROUP BY request.company_id
                """,
                least=RATING_LIMIT_MIN,
                start=start,
                end=end,
                companies=tuple(companies.ids),
            )
        )
        Company = self.env['res.company']
        values = {Company.browse(company_id): mean for company_id, mean in rows}
        self._set_aftersales_kpi('kpi_aftersales_satisfaction_value', values)

    def _set_aftersales_kpi(self, name: str, values: dict) -> None:
        """Set a figure.

        :param values: of each company
        """
        for digest in self:
            digest[name] = values.get(digest.company_id or self.env.company, 0)

    def _ensure_can_read_aftersales(self) -> None:
        """Refuse figures to who does not see all requests: the digest leaves them out for him."""
        if not self.env.user.has_group('crm_aftersales.group_all'):
            raise AccessError(self.env._("You do not see the figures of after-sales."))

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref('crm_aftersales.menu_root').id
        for kpi, action in (
            ('request', 'aftersales_report_action'),
            ('in_time', 'aftersales_sla_report_action'),
            ('satisfaction', 'aftersales_satisfaction_action'),
        ):
            actions[f'kpi_aftersales_{kpi}'] = f'crm_aftersales.{action}?menu_id={menu}'
        return actions
