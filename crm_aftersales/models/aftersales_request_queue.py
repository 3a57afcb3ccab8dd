from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: what dispatchers look at -> filters of the list of requests that show it
QUEUES = {
    'open': ('open',),
    'unassigned': ('open', 'unassigned'),
    'due_today': ('open', 'due_today'),
    'overdue': ('open', 'overdue'),
    'waiting': ('waiting',),
}


class AftersalesRequest(models.Model):
    """What waits for whom, and where: what dispatchers need to hand out work."""

    _inherit = 'aftersales.request'

    has_responsible = fields.Boolean(
        compute='_compute_has_responsible',
        search='_search_has_responsible',
        groups='base.group_user',
        help="Somebody has taken it. Lists put those that nobody has first.",
    )
    site_partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Site",
        compute='_compute_site',
        groups='base.group_user',
        help="Where the product stands, else the customer's address.",
    )
    site_zone = fields.Char(
        string="Zone",
        compute='_compute_site',
        groups='base.group_user',
        help="City and state of the site.",
    )

    @api.depends('user_id')
    def _compute_has_responsible(self):
        for request in self:
            request.has_responsible = bool(request.user_id)

    def _search_has_responsible(self, operator, value):
        if operator != 'in' or set(value) != {True}:
            return NotImplemented
        return Domain('user_id', '!=', False)

    @api.depends('partner_id.city', 'partner_id.state_id', 'unit_id.site_partner_id.city')
    def _compute_site(self):
        for request in self:
            # of the site only the address is shown, to whoever may see the request
            site = request.sudo().unit_id.site_partner_id or request.sudo().partner_id
            request.site_partner_id = site
            request.site_zone = ", ".join(filter(None, [site.city, site.state_id.name]))

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query) -> SQL:
        if field_name != 'has_responsible':
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        user = self._field_to_sql(alias, 'user_id', query)
        return SQL('%s IS NOT NULL %s', user, direction)

    @api.model
    def _get_queue_domain(self, queue: str) -> Domain:
        """Return the domain of a queue; the twin of the filters in :data:`QUEUES`.

        :param queue: one of :data:`QUEUES`
        """
        due = self._get_open_domain() & Domain('sla_kind', '!=', False)
        domains = {
            'open': self._get_open_domain(),
            'unassigned': self._get_open_domain() & Domain('user_id', '=', False),
            'due_today': due
            & Domain('sla_deadline', '>=', 'now')
            & Domain('sla_deadline', '<', 'today +1d'),
            'overdue': due & Domain('sla_deadline', '<', 'now'),
            'waiting': Domain('state', 'in', ('waiting_customer', 'waiting_supplier')),
        }
        return domains[queue]
