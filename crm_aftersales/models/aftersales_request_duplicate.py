from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL

from .aftersales_request_stage import OPEN_STATES

#: hours within which a second open request about a product is perhaps the same matter
SAME_UNIT_HOURS = 48
#: likeness of two subjects of one sender, between 0 and 1, from which they are perhaps the same
SAME_SUBJECT = 0.6

WORKED_ON = "state NOT IN ('resolved', 'closed', 'cancelled')"


class AftersalesRequest(models.Model):
    """A hint that somebody else may work on the same matter; nothing happens by itself."""

    _inherit = 'aftersales.request'

    duplicate_ids = fields.Many2many(
        comodel_name='aftersales.request',
        string="Perhaps the Same",
        compute='_compute_duplicate_ids',
        help="Open requests about the same product that came in within 48 hours, and those of the"
        " same sender with a similar subject; without those that are related already.",
    )

    # the open ones of a customer or a product, however long their history is
    _duplicate_partner_idx = models.Index(f'(partner_id) WHERE {WORKED_ON}')
    _duplicate_unit_idx = models.Index(f'(unit_id) WHERE {WORKED_ON} AND unit_id IS NOT NULL')
    _duplicate_email_idx = models.Index(
        f'(email_from) WHERE {WORKED_ON} AND partner_id IS NULL AND email_from IS NOT NULL'
    )

    @api.depends(
        'company_id',
        'date_received',
        'email_from',
        'link_ids',
        'linked_from_ids',
        'name',
        'partner_id',
        'state',
        'unit_id',
    )
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_duplicate_ids(self):
        found = self._find_duplicates()
        # of those found only what the user may see
        visible = self._filter_visible([id_ for ids in found.values() for id_ in ids])
        for request in self:
            ids = found.get(request, [])
            known = request.related_ids | request.parent_id | request.child_ids
            request.duplicate_ids = visible.browse(
                id_ for id_ in ids if id_ in visible.ids and id_ not in known.ids
            )

    @api.model
    def _filter_visible(self, ids: list[int]):
        return self.search([('id', 'in', ids)]) if ids else self.browse()

    def _find_duplicates(self) -> dict:
        """Return ids of open requests that may be the same matter, in one query for all of them.

        :return: request -> ids; whoever has none is left out
        """
        asking = [request for request in self if request.state in OPEN_STATES]
        if not asking:
            return {}
        self.env['aftersales.request'].flush_model()
        rows = SQL(', ').join(
            request._get_duplicate_row(number) for number, request in enumerate(asking)
        )
        found = {}
        for number, other_id in self.env.execute_query(self._get_duplicates_sql(rows)):
            found.setdefault(asking[number], []).append(other_id)
        return found

    def _get_duplicate_row(self, number: int) -> SQL:
        """Return what other requests are compared with, as a row of the query."""
        return SQL(
            '(%s::int4, %s::int4, %s::int4, %s::int4, %s::int4, %s::varchar, %s::varchar,'
            ' %s::timestamp)',
            number,
            self._origin.id or None,
            self.company_id.id or None,
            self.unit_id._origin.id or None,
            self.partner_id._origin.id or None,
            None if self.partner_id else (self.email_from or None),
            self.name or '',
            self.date_received or fields.Datetime.now(),
        )

    @api.model
    def _get_duplicates_sql(self, rows: SQL) -> SQL:
        """Return the query for the duplicates of requests.

        :param rows: as :meth:`_get_duplicate_row` gives them
        """
        select = SQL(
            'SELECT id FROM aftersales_request AS other WHERE other.state IN %s AND other.active'
            ' AND other.company_id = given.company_id',
            OPEN_STATES,
        )
        alike = SQL('lower(other.name) = lower(given.name)')
        if self.env.registry.has_trigram:
            alike = SQL('similarity(other.name, given.name) > %s', SAME_SUBJECT)
        return SQL(
            """
            SELECT given.number, other.id
              FROM (VALUES %(rows)s) AS given
                   (number, id, company_id, unit_id, partner_id, email, name, received)
              JOIN LATERAL (
                   %(select)s AND other.unit_id = given.unit_id
                       AND other.date_received BETWEEN given.received - %(hours)s::interval
                                                   AND given.received + %(hours)s::interval
                   UNION
                   %(select)s AND other.partner_id = given.partner_id AND %(alike)s
                   UNION
                   %(select)s AND other.partner_id IS NULL AND other.email_from = given.email
                       AND %(alike)s
                   ) AS other ON other.id IS DISTINCT FROM given.id
             ORDER BY given.number, other.id
            """,
            rows=rows,
            select=select,
            alike=alike,
            hours=f'{SAME_UNIT_HOURS} hours',
        )

    def action_merge_duplicates(self) -> dict:
        """Ask which requests are merged into this one.

        Those that are perhaps the same are not chosen beforehand: some stand on other matters.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_request_action_merge'
        )
        action['context'] = {'default_request_ids': self.ids}
        return action
