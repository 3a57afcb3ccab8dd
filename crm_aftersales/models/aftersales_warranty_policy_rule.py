from __future__ import annotations

from odoo import api, fields, models

from ..warranty import LINE_TYPES


class AftersalesWarrantyPolicyRule(models.Model):
    """Which share of what a warranty pays, and for how long."""

    _name = 'aftersales.warranty.policy.rule'
    _description = "Coverage of a Warranty Policy"
    _order = 'sequence, id'

    policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        required=True,
        index=True,
        ondelete='cascade',
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(
        string="Called", translate=True, help="What customers read, such as: wear parts."
    )
    product_id = fields.Many2one(comodel_name='product.product', index='btree_not_null')
    category_id = fields.Many2one(
        comodel_name='product.category',
        string="Product Category",
        index='btree_not_null',
        help="With all below it.",
    )
    line_type = fields.Selection(selection=LINE_TYPES, string="For")
    percent = fields.Float(string="Covered (%)", default=100, digits=(5, 2))
    excluded = fields.Boolean(help="Never covered, such as wear parts.")
    months = fields.Integer(
        string="Own Months",
        help="From the start of the warranty; also longer than it. Zero: as long as the warranty.",
    )

    _numbers_range = models.Constraint(
        'CHECK(percent BETWEEN 0 AND 100 AND months BETWEEN 0 AND 1200)',
        "A warranty covers between 0 and 100 percent for 0 to 1200 months.",
    )

    @api.depends('name', 'product_id', 'category_id', 'line_type')
    def _compute_display_name(self):
        types = dict(self._fields['line_type']._description_selection(self.env))
        for rule in self:
            parts = (
                types.get(rule.line_type),
                rule.product_id.display_name,
                rule.category_id.display_name,
            )
            rule.display_name = rule.name or " · ".join(filter(None, parts)) or self.env._("All")

    def _prepare_terms(self) -> dict:
        """Return the rule as a warranty keeps it."""
        self.ensure_one()
        return {
            'name': self._get_names(),
            'product_id': self.product_id.id,
            'category_id': self.category_id.id,
            'line_type': self.line_type,
            'percent': 0 if self.excluded else self.percent,
            'excluded': self.excluded,
            'months': self.months,
        }

    def _get_names(self) -> dict[str, str]:
        """Return what the rule is called in each language, as it is today."""
        if self.name:
            return self._fields['name']._get_stored_translations(self) or {}
        languages = self.env['res.lang'].get_installed()
        return {code: self.with_context(lang=code).display_name for code, _name in languages}
