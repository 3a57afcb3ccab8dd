from __future__ import annotations

from odoo import api, fields, models

#: what is counted of a product, by the names of the counters of ``aftersales.unit``
COUNTERS = [
    ('repair_days_total', "Days in repair"),
    ('same_fault_max', "Repairs of the same fault"),
    ('safety_fault_repairs', "Repairs of safety faults"),
    ('main_part_swaps', "Replacements of the same main part"),
]


class AftersalesRemedyRule(models.Model):
    """From when on a customer may ask for another product or for his money, by law or by promise.

    The numbers are data: laws change, and differ by country and kind of product.
    """

    _name = 'aftersales.remedy.rule'
    _description = "Remedy Rule"
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
        help="Empty: of all companies.",
    )

    # === When ===
    counter = fields.Selection(selection=COUNTERS, required=True, default='repair_days_total')
    comparison = fields.Selection(
        selection=[('more', "More than"), ('least', "At least")],
        required=True,
        default='more',
        help="More than 30 is reached with 31, at least 2 with 2.",
    )
    threshold = fields.Integer(required=True, default=1)
    months = fields.Integer(
        string="Within (Months)",
        help="After the delivery, or the invoice while no delivery is known. Zero: without limit.",
    )
    meter_limit = fields.Float(
        string="Within (Meter)",
        help="What happens after the meter was read above it does not count; months and meter,"
        " whichever ends first. Zero: without limit.",
    )
    categ_id = fields.Many2one(
        comodel_name='product.category',
        string="Product Category",
        index='btree_not_null',
        ondelete='restrict',
        help="With those below it. Empty: for all products.",
    )

    # === What ===
    remedy = fields.Selection(
        selection=[
            ('exchange', "Exchange"),
            ('refund', "Refund"),
            ('choice', "Exchange or refund, as the customer chooses"),
        ],
        required=True,
        default='choice',
    )
    source = fields.Char(translate=True, help="The law or promise, with the article.")
    note = fields.Text(translate=True, help="What to look at before it is granted.")

    _threshold_positive = models.Constraint(
        'CHECK(threshold > 0)', "A remedy rule needs a number above zero."
    )
    _limits_positive = models.Constraint(
        'CHECK(months BETWEEN 0 AND 1200 AND meter_limit >= 0)',
        "The period of a remedy rule is not below zero, and has 1200 months at most.",
    )

    def _is_reached(self, count: int) -> bool:
        """Whether a number is as high as the rule asks."""
        self.ensure_one()
        return count > self.threshold if self.comparison == 'more' else count >= self.threshold

    def _get_detail(self, detail_id: int | None) -> str:
        """Return the name of the fault or part that was counted."""
        model = {'same_fault_max': 'aftersales.code', 'main_part_swaps': 'product.template'}
        if not detail_id:
            return ''
        return self.env[model[self.counter]].sudo().browse(detail_id).display_name

    # ------------------------------------------------------------
    # TEXTS
    # ------------------------------------------------------------

    def _get_reached_text(self, count: int, detail: str = '') -> str:
        """Return in words that the rule is reached, such as "Exchange right reached: 31 days ...".

        :param count: what was counted
        :param detail: the fault or part that was counted
        """
        self.ensure_one()
        return self.env._(
            "%(right)s: %(count)s, %(threshold)s (rule “%(rule)s”).",
            right=self._get_right_text(),
            count=self._get_count_text(count, detail),
            threshold=self._get_threshold_text(),
            rule=" · ".join(filter(None, [self.name, self.source])),
        )

    def _get_right_text(self) -> str:
        texts = {
            'exchange': self.env._("Exchange right reached"),
            'refund': self.env._("Refund right reached"),
            'choice': self.env._("Exchange or refund right reached"),
        }
        return texts[self.remedy]

    def _get_threshold_text(self) -> str:
        if self.comparison == 'more':
            return self.env._("more than %(number)s", number=self.threshold)
        return self.env._("at least %(number)s", number=self.threshold)

    @api.model
    def _get_count_texts(self, count: int, detail: str) -> dict[str, str]:
        """Return what was counted in words, by counter."""
        values = {'count': count, 'detail': detail}
        if count == 1:
            return {
                'repair_days_total': self.env._("1 day in repair"),
                'same_fault_max': self.env._("1 repair of “%(detail)s”", **values),
                'safety_fault_repairs': self.env._("1 repair of a safety fault"),
                'main_part_swaps': self.env._("1 replacement of “%(detail)s”", **values),
            }
        return {
            'repair_days_total': self.env._("%(count)s days in repair", **values),
            'same_fault_max': self.env._("%(count)s repairs of “%(detail)s”", **values),
            'safety_fault_repairs': self.env._("%(count)s repairs of safety faults", **values),
            'main_part_swaps': self.env._("%(count)s replacements of “%(detail)s”", **values),
        }

    def _get_count_text(self, count: int, detail: str) -> str:
        return self._get_count_texts(count, detail)[self.counter]
