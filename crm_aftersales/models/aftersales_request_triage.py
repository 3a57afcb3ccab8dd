from odoo import api, fields, models
from odoo.exceptions import ValidationError

LEVELS = [('1', "Low"), ('2', "Medium"), ('3', "High")]

#: priority by impact and urgency, as service desks commonly set it (ITIL's matrix of priorities)
PRIORITY_MATRIX = {
    ('3', '3'): '3',
    ('3', '2'): '2',
    ('2', '3'): '2',
    ('3', '1'): '1',
    ('2', '2'): '1',
    ('1', '3'): '1',
}


def code_field(kind: str, **attributes) -> fields.Many2one:
    """Return a field for a service code of a kind."""
    return fields.Many2one(
        comodel_name='aftersales.code',
        domain=[('kind', '=', kind)],
        check_company=True,
        ondelete='restrict',
        index='btree_not_null',
        tracking=True,
        **attributes,
    )


class AftersalesRequest(models.Model):
    """How bad it is, how soon it is needed, what it turned out to be and what helped."""

    _inherit = 'aftersales.request'

    impact = fields.Selection(
        selection=LEVELS, tracking=True, help="How much of the customer's business it touches."
    )
    urgency = fields.Selection(
        selection=LEVELS, tracking=True, help="How soon the customer cannot do without."
    )
    fault_code_id = code_field('fault', string="Fault", help="What the customer sees.")
    cause_code_id = code_field('cause', string="Cause", help="Why it happened.")
    solution_code_id = code_field('solution', string="Solution", help="What helped.")

    # ------------------------------------------------------------
    # PRIORITY
    # ------------------------------------------------------------

    @api.depends('impact', 'urgency')
    def _compute_priority(self):
        plain = self.browse()
        for request in self:
            if request.impact and request.urgency:
                request.priority = request._get_priority_by_impact()
            elif (request.impact or request.urgency) and request.priority:
                request.priority = request.priority  # the other one is still to be judged
            else:
                plain += request
        return super(AftersalesRequest, plain)._compute_priority()

    def _get_priority_by_impact(self) -> str:
        """Return the priority that impact and urgency give; extend for another matrix."""
        self.ensure_one()
        return PRIORITY_MATRIX.get((self.impact, self.urgency), '0')

    @api.model
    def _get_sla_triggers(self):
        return super()._get_sla_triggers() | {'impact', 'urgency'}

    # ------------------------------------------------------------
    # CODES
    # ------------------------------------------------------------

    @api.constrains('fault_code_id', 'cause_code_id', 'solution_code_id')
    def _check_code_kinds(self):
        for request in self:
            for kind in ('fault', 'cause', 'solution'):
                code = request[f'{kind}_code_id']
                if code and code.kind != kind:
                    field = self._fields[f'{kind}_code_id']
                    raise ValidationError(
                        self.env._(
                            "%(code)s cannot be the “%(field)s” of a request: it is a code of"
                            " another kind.",
                            code=code.display_name,
                            field=field._description_string(self.env),
                        )
                    )

    # ------------------------------------------------------------
    # WHAT A STAGE ASKS FOR
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        # past requests come in with what was known of them
        if not (self.env.su or self.env.context.get('import_file')):
            requests._ensure_stage_fields()
        return requests

    def write(self, vals):
        before = {request: request.stage_id for request in self} if 'stage_id' in vals else {}
        res = super().write(vals)
        # customers and jobs go on with what there is
        if before and not self.env.su:
            moved = self.filtered(lambda request: request.stage_id != before[request])
            moved._ensure_stage_fields()
        return res

    def _ensure_stage_fields(self) -> None:
        """Refuse a stage as long as something is missing that has to be known there.

        :raise ValidationError: names what is missing
        """
        for request in self:
            names = request.stage_id.sudo()._get_required_fields(request.type_id)
            missing = [name for name in names if not request[name]]
            if missing:
                labels = [self._fields[name]._description_string(self.env) for name in missing]
                raise ValidationError(
                    self.env._(
                        "%(request)s cannot go to “%(stage)s” yet. Please fill in: %(fields)s.",
                        request=request.display_name,
                        stage=request.stage_id.name,
                        fields=labels,
                    )
                )
