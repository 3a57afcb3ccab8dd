from odoo import api, fields, models


class AftersalesRequestType(models.Model):
    """What requests of a type have beyond those of the others."""

    _inherit = 'aftersales.request.type'

    asks_decision = fields.Boolean(
        string="Needs a Decision",
        compute='_compute_asks',
        store=True,
        readonly=False,
        precompute=True,
        help="Requests of this type are accepted, declined or put off, and the customer is told by"
        " a day.",
    )
    answer_days = fields.Integer(
        string="Answer within (Days)",
        default=14,
        help="Days after a suggestion came in by which the customer gets its answer.",
    )
    asks_employees = fields.Boolean(
        string="Names Colleagues",
        compute='_compute_asks',
        store=True,
        readonly=False,
        precompute=True,
        help="Requests of this type say which of our people the customer means.",
    )

    checklist_item_ids = fields.One2many(
        comodel_name='aftersales.checklist.item', inverse_name='type_id', string="Checklist"
    )

    _answer_days_range = models.Constraint(
        'CHECK(answer_days BETWEEN 0 AND 3650)', "Suggestions are answered within 0 to 3650 days."
    )

    @api.depends('code')
    def _compute_asks(self):
        for request_type in self:
            request_type.asks_decision = request_type.code == 'suggestion'
            request_type.asks_employees = request_type.code == 'praise'
