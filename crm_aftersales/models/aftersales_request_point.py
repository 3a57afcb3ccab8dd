from odoo import api, fields, models


class AftersalesRequest(models.Model):
    """The place where a request is worked on."""

    _inherit = 'aftersales.request'

    service_point_id = fields.Many2one(
        comodel_name='aftersales.service.point',
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        tracking=True,
        help="The place that works on it; its team gets the request.",
    )

    @api.depends('service_point_id')
    def _compute_team_id(self):
        at_point = self.filtered('service_point_id.team_id')
        for request in at_point:
            request.team_id = request.service_point_id.team_id
        return super(AftersalesRequest, self - at_point)._compute_team_id()

    def _get_default_team(self):
        team = self.service_point_id.team_id
        return team.filtered('active') or super()._get_default_team()
