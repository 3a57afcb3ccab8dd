from __future__ import annotations

from odoo import api, fields, models


class AftersalesRequestCheck(models.Model):
    """One item of a request's checklist: what is to be done, and who ticked it when."""

    _name = 'aftersales.request.check'
    _description = "Checklist of a Service Request"
    _inherit = ['crm.system.mixin']
    _order = 'request_id, sequence, id'

    request_id = fields.Many2one(
        comodel_name='aftersales.request', required=True, index=True, ondelete='cascade'
    )
    item_id = fields.Many2one(
        comodel_name='aftersales.checklist.item',
        string="From Checklist",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    name = fields.Char(string="To Check", required=True, translate=True)
    sequence = fields.Integer(default=100)
    is_required = fields.Boolean(string="Required")
    is_done = fields.Boolean(string="Done")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Done by", readonly=True, ondelete='restrict'
    )
    date_done = fields.Datetime(string="Done on", readonly=True)
    company_id = fields.Many2one(related='request_id.company_id', store=True, index=True)

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'item_id', 'user_id', 'date_done'}

    @api.model_create_multi
    def create(self, vals_list):
        checks = super().create(vals_list)
        checks.filtered('is_done')._sign()
        return checks

    def write(self, vals):
        if {'name', 'is_required', 'request_id'} & vals.keys():
            self.request_id._ensure_can_drop_checks(self)
        changed = self.browse()
        if 'is_done' in vals:
            changed = self.filtered(lambda check: check.is_done != bool(vals['is_done']))
        res = super().write(vals)
        if changed:
            changed._sign()
        return res

    def _sign(self) -> None:
        """Note who ticked these items and when, or that nobody did."""
        done = self.filtered('is_done')
        done.sudo().write({'user_id': self.env.uid, 'date_done': fields.Datetime.now()})
        (self - done).sudo().write({'user_id': False, 'date_done': False})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_required(self):
        """What a checklist demands is done, or the checklist is changed; it is not taken off."""
        self.request_id._ensure_can_drop_checks(self)
