from __future__ import annotations

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..rights import ensure_manager

ON_ERASE = [
    ('delete', "Deleted"),
    ('anonymise', "Made anonymous"),
    ('keep', "Kept, names taken out"),
]


class CrmErasure(models.TransientModel):
    """Says what erasing a customer does, and does it."""

    _name = 'crm.erasure'
    _description = 'Erase Personal Data'
    _transient_max_hours = 1

    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    line_ids = fields.One2many(
        'crm.erasure.line', 'erasure_id', compute='_compute_line_ids', store=True, readonly=True
    )
    obstacles = fields.Text(compute='_compute_obstacles')
    note = fields.Char(
        string="Who Asked, How and When",
        help="Kept in the privacy log. Do not repeat the customer's name here.",
    )
    is_checked = fields.Boolean(
        string="I made sure that the customer himself asked; this cannot be undone"
    )

    @api.model_create_multi
    def create(self, vals_list):
        erasures = super().create(vals_list)
        erasures.partner_id.check_access('read')  # what is counted is more than one may see
        return erasures

    @api.depends('partner_id')
    def _compute_line_ids(self):
        for erasure in self:
            contacts = erasure.partner_id._get_personal_contacts()
            sources = contacts._get_personal_data_sources() if contacts else []
            erasure.line_ids = [Command.clear()] + [
                Command.create(
                    {
                        'name': source.label,
                        'on_erase': source.on_erase,
                        'reason': source.reason,
                        'count': count,
                    }
                )
                for source in sources
                if (count := contacts._count_personal_records(source))
            ]

    @api.depends('partner_id')
    def _compute_obstacles(self):
        for erasure in self:
            contacts = erasure.partner_id._get_personal_contacts()
            erasure.obstacles = '\n'.join(contacts._get_erasure_obstacles() if contacts else [])

    def action_export(self) -> dict:
        """Download all data before it goes."""
        return self.partner_id.action_export_personal_data()

    def action_erase(self) -> dict:
        """Erase the customer's personal data for good."""
        self.ensure_one()
        ensure_manager(self.env)
        if not self.is_checked:
            raise UserError(self.env._("Please confirm first that the customer himself asked."))
        self.partner_id._erase_personal_data(self.note or '')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("The personal data was erased."),
                # what the browser has read stays in its memory otherwise, as the chatter
                'next': {'type': 'ir.actions.client', 'tag': 'reload'},
            },
        }


class CrmErasureLine(models.TransientModel):
    _name = 'crm.erasure.line'
    _description = 'What Is Erased'
    _transient_max_hours = 1

    erasure_id = fields.Many2one('crm.erasure', required=True, index=True, ondelete='cascade')
    name = fields.Char(string="What", required=True)
    count = fields.Integer()
    on_erase = fields.Selection(selection=ON_ERASE, string="Becomes", required=True)
    reason = fields.Char(string="Why It Is Not Deleted")
