from odoo import fields, models


class AftersalesServicePoint(models.Model):
    """A place that serves customers: a workshop, a counter, a dealer who works for us."""

    _name = 'aftersales.service.point'
    _description = "Service Point"
    _order = 'sequence, name, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Address",
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
    )
    phone = fields.Char(related='partner_id.phone')
    city = fields.Char(related='partner_id.city')
    team_id = fields.Many2one(
        comodel_name='aftersales.team',
        index='btree_not_null',
        check_company=True,
        help="Team that gets the requests assigned to this place.",
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string="Opening Hours",
        check_company=True,
        help="When customers can come.",
    )

    def action_view_requests(self) -> dict:
        """Open the requests assigned to this place.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_request_action'
        )
        action['domain'] = [('service_point_id', '=', self.id)]
        action['context'] = {'default_service_point_id': self.id, 'search_default_open': 1}
        return action
