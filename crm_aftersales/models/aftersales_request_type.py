from odoo import api, fields, models

from .aftersales_sla_policy import PRIORITIES


class AftersalesRequestType(models.Model):
    """What a customer turns to us for: a fault, a question, a complaint, praise, ..."""

    _name = 'aftersales.request.type'
    _description = "Service Request Type"
    _inherit = ['aftersales.used.mixin']
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        copy=False,
        help="Short technical name that imports, interfaces and other addons can rely on.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )
    team_id = fields.Many2one(
        comodel_name='aftersales.team',
        string="Handled by",
        help="Team that gets new requests of this type. Empty: the company's default team.",
    )
    default_priority = fields.Selection(
        selection=PRIORITIES,
        default='0',
        required=True,
        help="Priority of a new request of this type.",
    )
    portal_visible = fields.Boolean(
        string="Offered on the Portal",
        default=True,
        help="Customers can choose this type when they raise a request on the portal.",
    )
    ask_rating = fields.Boolean(
        string="Ask for a Rating",
        default=True,
        help="Ask the customer how satisfied he is when a request of this type is closed.",
    )

    holds_messages = fields.Boolean(
        string="Leave the Customer in Peace",
        compute='_compute_holds_messages',
        store=True,
        readonly=False,
        precompute=True,
        help="While a request of this type is open, its customer gets no greetings, gifts, offers,"
        " service hints or surveys. Orders, service and safety notices go on.",
    )

    _code_unique = models.UniqueIndex(
        "(code, COALESCE(company_id, 0)) WHERE code IS NOT NULL",
        "Another request type already has this code.",
    )

    def write(self, vals):
        """Let the gate look again when requests of a type hold messages no more."""
        holding = self.filtered('holds_messages')
        result = super().write(vals)
        if holding.filtered(lambda request_type: not request_type.holds_messages):
            self.env['crm.message']._look_again('hush')
        return result

    @api.depends('code')
    def _compute_holds_messages(self):
        for request_type in self:
            request_type.holds_messages = request_type.code == 'complaint'

    @api.model
    def _get_used_by(self):
        return [
            *super()._get_used_by(),
            ('aftersales.request', 'type_id'),
            ('aftersales.meter.limit', 'request_type_id'),
            ('aftersales.sla.policy', 'type_ids'),
            ('aftersales.request.stage', 'required_type_ids'),
            ('aftersales.macro', 'type_ids'),
        ]
