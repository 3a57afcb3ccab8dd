from __future__ import annotations

from odoo import fields, models
from odoo.fields import Domain


class ResCompany(models.Model):
    _inherit = 'res.company'

    main_loyalty_program_id = fields.Many2one(
        comodel_name='loyalty.program',
        domain="[('program_type', '=', 'loyalty'), "
        "'|', ('company_id', '=', False), ('company_id', 'parent_of', id)]",
        ondelete='set null',
        help="Its tiers are shown on contacts and sales orders. When empty, the first program "
        "with tiers.",
    )

    def _get_main_loyalty_program(self):
        """Return the program whose tiers stand for the customer's standing with this company.

        :return: one ``loyalty.program`` or none
        """
        self.ensure_one()
        chosen = self.sudo().main_loyalty_program_id
        if chosen.active:
            return chosen
        return (
            self.env['loyalty.program']
            .sudo()
            .search(self._get_main_loyalty_program_domain(), order='sequence, id', limit=1)
        )

    def _get_main_loyalty_program_domain(self) -> Domain:
        """Return the domain of the programs that are taken when none was chosen."""
        self.ensure_one()
        tiered = self.env['loyalty.program']._get_tiered_domain()
        return tiered & Domain('company_id', 'in', [False, *self.parent_ids.ids])
