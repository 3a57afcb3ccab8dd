from __future__ import annotations

from odoo import api, fields, models

from ..warranty import START_EVENTS


class AftersalesWarrantyPolicy(models.Model):
    """What is promised with a product: when the warranty starts, how long, and for what.

    It speaks for warranties to come. Each warranty keeps the terms it was granted with.
    """

    _name = 'aftersales.warranty.policy'
    _description = "Warranty Policy"
    _inherit = ['aftersales.used.mixin']
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )

    # === When ===
    start_event = fields.Selection(
        selection=START_EVENTS,
        string="Starts with",
        required=True,
        default='delivery',
        help="While that day is not known, the next one known stands in for it: installation,"
        " delivery, invoice, sale.",
    )
    start_within_days = fields.Integer(
        string="At the Latest after (Days)",
        help="Days after the event that stands in, such as the delivery of what is to be installed,"
        " from which on the warranty runs in any case. Zero: no limit.",
    )
    months = fields.Integer(
        default=12, help="Months on the product itself come before these. Zero: no warranty."
    )
    meter_limit = fields.Float(
        help="The warranty ends when the meter has run so far, or on its last day: whichever comes"
        " first. Zero: only the days count.",
    )
    statutory_months = fields.Integer(
        string="Statutory (Months)",
        help="Liability by law, from the delivery on, beside the warranty. Zero: none.",
    )

    # === What ===
    rule_ids = fields.One2many(
        comodel_name='aftersales.warranty.policy.rule',
        inverse_name='policy_id',
        string="Coverage",
        copy=True,
        help="The first rule that fits decides. What none fits is covered in full.",
    )

    # === What becomes of it ===
    transferable = fields.Boolean(
        default=True, help="The warranty goes to the next owner; otherwise it ends with the first."
    )
    repair_time = fields.Selection(
        selection=[
            ('counts', "Counts as warranty"),
            ('extends', "Extends the warranty"),
        ],
        string="Time in Repair",
        required=True,
        default='counts',
    )
    replacement = fields.Selection(
        selection=[
            ('remainder', "What is left of the old one's"),
            ('fresh', "A new warranty"),
            ('longer', "The longer of both"),
        ],
        string="Replacements Have",
        required=True,
        default='remainder',
    )
    part_months = fields.Integer(
        string="On Repairs (Months)",
        help="Warranty on a part that was replaced. Zero: none.",
    )
    repair_extension_months = fields.Integer(
        string="For Choosing Repair (Months)",
        help="Added once when the customer chooses repair over replacement. Zero: nothing.",
    )

    _numbers_range = models.Constraint(
        'CHECK(months BETWEEN 0 AND 1200 AND statutory_months BETWEEN 0 AND 1200'
        ' AND part_months BETWEEN 0 AND 1200 AND repair_extension_months BETWEEN 0 AND 1200'
        ' AND start_within_days BETWEEN 0 AND 36500 AND meter_limit >= 0)',
        "A warranty lasts between 0 and 1200 months, and no limit is below zero.",
    )

    def _prepare_terms(self) -> dict:
        """Return the terms as a warranty keeps them; those of no policy when there is none."""
        policy = self.sudo()
        return {
            'policy': policy._get_stored_names('name') if policy else {},
            **policy._prepare_start_terms(),
            'meter_limit': policy.meter_limit,
            'statutory_months': policy.statutory_months,
            'transferable': policy.transferable if policy else True,
            'repair_time': policy.repair_time or 'counts',
            'replacement': policy.replacement or 'remainder',
            'part_months': policy.part_months,
            'repair_extension_months': policy.repair_extension_months,
            'rules': [rule._prepare_terms() for rule in policy.rule_ids],
        }

    def _prepare_start_terms(self) -> dict:
        """Return what decides about the first day; without a policy the delivery does."""
        policy = self.sudo()
        return {
            'start_event': policy.start_event or 'delivery',
            'start_within_days': policy.start_within_days,
        }

    def _get_stored_names(self, field_name: str) -> dict[str, str]:
        """Return a translated name in all languages, to be kept as it is today."""
        self.ensure_one()
        return self._fields[field_name]._get_stored_translations(self) or {}

    @api.model
    def _get_used_by(self):
        return [
            *super()._get_used_by(),
            ('aftersales.warranty', 'policy_id'),
            ('product.template', 'aftersales_warranty_policy_id'),
            ('product.category', 'aftersales_warranty_policy_id'),
            ('res.company', 'aftersales_warranty_policy_id'),
        ]
