from odoo import api, fields, models
from odoo.exceptions import ValidationError

PAUSE_STATES = [
    ('waiting_customer', "Waiting for Customer"),
    ('waiting_supplier', "Waiting for Supplier"),
]


class AftersalesPauseReason(models.Model):
    """Why the clocks of work may stand still: named, limited, and known who did it."""

    _name = 'aftersales.pause.reason'
    _description = "Reason to Pause Clocks"
    _inherit = ['aftersales.used.mixin']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)
    policy_ids = fields.Many2many(
        comodel_name='aftersales.sla.policy', string="Service Levels", copy=False
    )
    state = fields.Selection(
        selection=PAUSE_STATES,
        string="Begins with State",
        help="The pause begins and ends with this state of the request. Empty: by hand.",
    )
    cap_hours = fields.Float(
        string="At Most (Hours)",
        help="Working hours of all pauses of a request for this reason; after that the clocks run"
        " again. Zero: no limit.",
    )
    manager_only = fields.Boolean(
        string="Administrators Only", help="Only administrators of after-sales pause for it."
    )

    _cap_positive = models.Constraint(
        'CHECK(cap_hours BETWEEN 0 AND 100000)', "A limit is between 0 and 100,000 hours."
    )

    @api.constrains('state', 'manager_only')
    def _check_manager_only(self):
        if self.filtered(lambda reason: reason.state and reason.manager_only):
            raise ValidationError(
                self.env._("A pause that begins with a state cannot be left to administrators.")
            )

    def _get_key(self) -> str:
        """Return what events call the pause: they know nothing of policies."""
        self.ensure_one()
        return self.state or str(self.id)

    def _get_cap_seconds(self) -> int:
        return round(self.cap_hours * 3600)

    def _get_used_up_text(self) -> str:
        """Return what a request says when it waited for this as long as it may.

        The reason may have been deleted meanwhile: the recordset is empty then.
        """
        if not self:
            return self.env._("The limit of the pause is reached, the clocks run again.")
        return self.env._("The limit of the pause is reached, the clocks run again: %s", self.name)

    @api.model
    def _get_used_by(self):
        return [
            *super()._get_used_by(),
            ('aftersales.request', 'pause_reason_id'),
            ('aftersales.sla.clock', 'pause_reason_id'),
            ('aftersales.sla.policy', 'pause_reason_ids'),
        ]
