from odoo import api, models
from odoo.tools import SQL

from odoo.addons.crm_customer.gate import GateSource

from .aftersales_request_stage import OPEN_STATES


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    @api.model
    def _get_gate_sources(self):
        return [
            *super()._get_gate_sources(),
            GateSource(reason='hush', query=self._get_open_complaint_sql()),
        ]

    @api.model
    def _get_open_complaint_sql(self) -> SQL:
        """Return the customers with an open complaint, and the companies they belong to."""
        selects = [
            SQL(
                'SELECT %s AS partner_id, request.company_id, NULL::timestamp AS until'
                ' FROM aftersales_request AS request'
                ' JOIN aftersales_request_type AS type ON type.id = request.type_id'
                ' WHERE type.holds_messages AND request.state IN %s',
                SQL.identifier('request', column),
                OPEN_STATES,
            )
            for column in ('partner_id', 'commercial_partner_id')
        ]
        return SQL(' UNION ALL ').join(selects)
