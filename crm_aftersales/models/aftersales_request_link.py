from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Domain


class AftersalesRequest(models.Model):
    """Requests that have to do with each other, whichever of them names the other."""

    _inherit = 'aftersales.request'

    related_ids = fields.Many2many(
        comodel_name='aftersales.request',
        string="Related Requests",
        compute='_compute_related_ids',
        inverse='_inverse_related_ids',
        search='_search_related_ids',
        help="Requests that have to do with this one; each of them names this one in turn.",
    )
    link_ids = fields.Many2many(
        comodel_name='aftersales.request',
        relation='aftersales_request_link_rel',
        column1='request_id',
        column2='linked_id',
        string="Links",
        copy=False,
        check_company=True,
    )
    linked_from_ids = fields.Many2many(
        comodel_name='aftersales.request',
        relation='aftersales_request_link_rel',
        column1='linked_id',
        column2='request_id',
        string="Linked from",
        copy=False,
        check_company=True,
    )

    @api.depends('link_ids', 'linked_from_ids')
    def _compute_related_ids(self):
        for request in self:
            request.related_ids = request.link_ids | request.linked_from_ids

    def _inverse_related_ids(self):
        for request in self:
            related = request.related_ids - request
            request.linked_from_ids &= related
            request.link_ids = related - request.linked_from_ids

    def _search_related_ids(self, operator, value):
        links = Domain('link_ids', operator, value)
        linked_from = Domain('linked_from_ids', operator, value)
        if operator in Domain.NEGATIVE_OPERATORS:
            return links & linked_from
        return links | linked_from

    def _merge_after_hook(self, sources):
        related = sources.related_ids - self - sources
        if related:
            self.related_ids |= related
        return super()._merge_after_hook(sources)
