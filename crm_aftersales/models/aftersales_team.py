from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class AftersalesTeam(models.Model):
    """Who works on requests: members, working hours and an e-mail address of their own."""

    _name = 'aftersales.team'
    _description = "After-Sales Team"
    _inherit = ['mail.alias.mixin', 'mail.thread', 'aftersales.used.mixin']
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
        help="Leave empty to share the team between companies.",
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Team Leader",
        domain=[('share', '=', False)],
        check_company=True,
        tracking=True,
    )
    member_ids = fields.Many2many(
        comodel_name='res.users',
        relation='aftersales_team_member_rel',
        string="Members",
        domain=[('share', '=', False)],
        check_company=True,
        help="Members see the requests of the team that nobody has taken yet.",
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string="Working Hours",
        check_company=True,
        help="Hours on which deadlines of this team run. Empty: the company's working hours.",
    )
    request_ids = fields.One2many(
        comodel_name='aftersales.request', inverse_name='team_id', string="Requests"
    )

    @api.model_create_multi
    def create(self, vals_list):
        teams = super().create(vals_list)
        teams._become_default()
        return teams

    def write(self, vals):
        result = super().write(vals)
        if 'active' in vals and not vals['active']:
            self._ensure_not_default()
        return result

    def _ensure_not_default(self) -> None:
        """Refuse to archive a team that new requests go to: nobody would see them.

        :raise UserError: names the company
        """
        company = (
            self.env['res.company'].sudo().search([('aftersales_team_id', 'in', self.ids)], limit=1)
        )
        if company:
            raise UserError(
                self.env._(
                    "“%(team)s” gets the new requests of %(company)s. Choose another default team"
                    " in the settings of that company first.",
                    team=company.aftersales_team_id.display_name,
                    company=company.name,
                )
            )

    def _become_default(self) -> None:
        """Let the first team of a new company have its requests, not the one all companies share.

        Where requests came in before, somebody else works on them already.
        """
        own = self.sudo().filtered(lambda team: team.active and team.company_id)
        every = own.with_context(active_test=False)
        for company, teams in own.grouped('company_id').items():
            domain = Domain('company_id', '=', company.id)
            others = every.search_count(domain & Domain('id', 'not in', self.ids), limit=1)
            requests = self.env['aftersales.request'].sudo().search_count(domain, limit=1)
            if not others and not requests and not company.aftersales_team_id.company_id:
                company.aftersales_team_id = teams[0]

    def _alias_get_creation_values(self):
        """Mails to the team's address become requests of the team."""
        values = super()._alias_get_creation_values()
        values['alias_model_id'] = self.env['ir.model']._get_id('aftersales.request')
        if self.id:
            defaults = literal_eval(self.alias_defaults or '{}')
            defaults['team_id'] = self.id
            values['alias_defaults'] = defaults
        return values

    def action_view_requests(self) -> dict:
        """Open the requests of the team.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_request_action'
        )
        action['domain'] = [('team_id', '=', self.id)]
        action['context'] = {'default_team_id': self.id, 'search_default_open': 1}
        return action

    @api.model
    def _get_used_by(self):
        return [
            *super()._get_used_by(),
            ('aftersales.request', 'team_id'),
            ('aftersales.followup', 'team_id'),
            ('aftersales.feedback', 'team_id'),
            ('aftersales.request.type', 'team_id'),
            ('aftersales.service.point', 'team_id'),
            ('aftersales.sla.policy', 'team_ids'),
            ('aftersales.macro', 'team_ids'),
            ('aftersales.selfaudit.item', 'team_ids'),
            ('res.company', 'aftersales_team_id'),
        ]
