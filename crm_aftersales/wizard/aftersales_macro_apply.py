from odoo import api, fields, models
from odoo.exceptions import UserError


class AftersalesMacroApply(models.TransientModel):
    """Which macro is used, and its text for a last look before it goes out."""

    _name = 'aftersales.macro.apply'
    _description = "Use of a Service Macro"

    request_ids = fields.Many2many(comodel_name='aftersales.request', required=True)
    request_count = fields.Integer(compute='_compute_offered')
    offered_ids = fields.Many2many(comodel_name='aftersales.macro', compute='_compute_offered')
    macro_id = fields.Many2one(
        comodel_name='aftersales.macro', domain="[('id', 'in', offered_ids)]", required=True
    )
    is_note = fields.Boolean(related='macro_id.is_note')
    body = fields.Html(
        string="Answer",
        compute='_compute_body',
        store=True,
        readonly=False,
        help="As the customer gets it.",
    )

    @api.depends('request_ids')
    def _compute_offered(self):
        for wizard in self:
            macros = self.env['aftersales.macro']
            wizard.request_count = len(wizard.request_ids)
            wizard.offered_ids = macros.search(macros._get_offered_domain(wizard.request_ids))

    @api.depends('macro_id', 'request_ids')
    def _compute_body(self):
        for wizard in self:
            single = wizard.request_ids._origin if len(wizard.request_ids) == 1 else False
            wizard.body = wizard.macro_id._render(single) if wizard.macro_id and single else False

    def action_apply(self) -> dict:
        """Answer and change the requests.

        :return: window action
        """
        self.ensure_one()
        if not self.request_ids:
            raise UserError(self.env._("Choose requests first."))
        body = (self.body or '') if len(self.request_ids) == 1 else None
        self.macro_id._apply(self.request_ids, body=body)
        return {'type': 'ir.actions.act_window_close'}
