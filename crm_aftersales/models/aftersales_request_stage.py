from odoo import api, fields, models
from odoo.exceptions import UserError

REQUEST_STATES = [
    ('new', "New"),
    ('open', "In Progress"),
    ('waiting_customer', "Waiting for Customer"),
    ('waiting_supplier', "Waiting for Supplier"),
    ('resolved', "Resolved"),
    ('closed', "Closed"),
    ('cancelled', "Cancelled"),
]
#: states in which work is still due and the clocks run
OPEN_STATES = ('new', 'open', 'waiting_customer', 'waiting_supplier')
#: states in which nothing more is expected of anybody
ENDED_STATES = ('closed', 'cancelled')
#: states that buttons, mails, the portal and scheduled actions move requests to
MOVED_TO_STATES = ('new', 'open', 'waiting_customer', 'resolved', 'closed', 'cancelled')


class AftersalesRequestStage(models.Model):
    """A column of the service desk's board.

    Stages are for people: free, translatable, in any order and number. Code only ever looks at the
    state a stage is mapped to, never at its name or sequence.
    """

    _name = 'aftersales.request.stage'
    _description = "Service Request Stage"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    state = fields.Selection(
        selection=REQUEST_STATES,
        required=True,
        default='open',
        copy=True,
        help="What the stage means to deadlines, reports and the customer.",
    )
    fold = fields.Boolean(string="Folded in Kanban")
    active = fields.Boolean(default=True)
    require_responsible = fields.Boolean(string="Needs Responsible")
    require_unit = fields.Boolean(string="Needs Customer Product")
    require_diagnosis = fields.Boolean(string="Needs Fault and Cause")
    require_solution = fields.Boolean(string="Needs Solution")
    required_type_ids = fields.Many2many(
        comodel_name='aftersales.request.type',
        string="Needed for",
        help="Types of requests that need all this before they go to the stage. Empty: every type.",
    )

    def write(self, vals):
        if 'state' in vals:
            self._ensure_meaning_can_change(vals['state'])
        given_up = set(self.filtered('active').mapped('state'))
        result = super().write(vals)
        if {'state', 'active'} & vals.keys():
            self._ensure_stages_left(given_up)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_last_of_a_state(self):
        given_up = set(self.filtered('active').mapped('state'))
        self._ensure_stages_left(given_up, [('id', 'not in', self.ids)])

    @api.model
    def _ensure_stages_left(self, states: set[str], domain=()) -> None:
        """Refuse to leave buttons, mails and the portal without the stage they move requests to.

        :param states: that stages were given up of
        :param domain: of the stages that stay
        :raise UserError: names the state
        """
        left = dict(self._read_group(domain, ['state'], ['__count']))
        labels = dict(self._fields['state']._description_selection(self.env))
        for state in MOVED_TO_STATES:
            if state in states and state not in left:
                raise UserError(
                    self.env._(
                        "Requests are moved to a stage for “%(state)s” by buttons, mails and the"
                        " portal. Make another one before you archive or delete the last.",
                        state=labels[state],
                    )
                )

    def _ensure_meaning_can_change(self, state: str):
        """Refuse where a new meaning would silently reopen or close every request of a stage."""
        changed = self.filtered(lambda stage: stage.state != state)
        used = self.env['aftersales.request'].sudo().with_context(active_test=False)
        request = used.search([('stage_id', 'in', changed.ids)], limit=1)
        if request:
            raise UserError(
                self.env._(
                    'Requests stand in the stage "%(stage)s": move them to another stage before'
                    ' you change what it means.',
                    stage=request.stage_id.name,
                )
            )

    @api.model
    def _get_for_state(self, state: str):
        """Return the first stage mapped to a state, the one buttons and automation move to."""
        stage = self.search([('state', '=', state)], limit=1)
        if not stage:
            label = dict(self._fields['state']._description_selection(self.env))[state]
            raise UserError(
                self.env._(
                    'There is no stage for "%(state)s". An administrator can add one under'
                    ' Configuration > Stages.',
                    state=label,
                )
            )
        return stage

    def _get_required_fields(self, request_type) -> list[str]:
        """Return the fields a request of a type has to have in this stage."""
        self.ensure_one()
        if self.required_type_ids and request_type not in self.required_type_ids:
            return []
        return [
            name
            for requirement, names in self._get_requirements().items()
            if self[requirement]
            for name in names
        ]

    @api.model
    def _get_requirements(self) -> dict[str, list[str]]:
        """Return what each switch of a stage asks for: its field -> fields of requests."""
        return {
            'require_responsible': ['user_id'],
            'require_unit': ['unit_id'],
            'require_diagnosis': ['fault_code_id', 'cause_code_id'],
            'require_solution': ['solution_code_id'],
        }
