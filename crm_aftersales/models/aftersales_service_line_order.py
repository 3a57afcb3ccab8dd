from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_is_zero


class AftersalesServiceLine(models.Model):
    """What a customer is quoted and charged, and what becomes of it when the payer changes."""

    _inherit = 'aftersales.service.line'

    sale_line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string="Order Line",
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
    sale_order_id = fields.Many2one(related='sale_line_id.order_id', string="Quotation")
    is_locked = fields.Boolean(
        string="Told to the Customer", compute='_compute_is_locked', compute_sudo=True
    )
    corrects_id = fields.Many2one(
        comodel_name='aftersales.service.line',
        string="Takes Back",
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
    )
    corrected_by_ids = fields.One2many(
        comodel_name='aftersales.service.line', inverse_name='corrects_id', string="Taken Back by"
    )

    _sale_line_unique = models.UniqueIndex(
        '(sale_line_id) WHERE sale_line_id IS NOT NULL', "This order line is used already."
    )
    _corrects_unique = models.UniqueIndex(
        '(corrects_id) WHERE corrects_id IS NOT NULL', "This line was taken back already."
    )

    @api.depends('sale_line_id.order_id.state', 'corrects_id', 'corrected_by_ids')
    def _compute_is_locked(self):
        for line in self:
            told = line.sale_line_id.order_id.state in ('sent', 'sale')
            line.is_locked = told or bool(line.corrects_id or line.corrected_by_ids)

    # ------------------------------------------------------------
    # QUOTATION
    # ------------------------------------------------------------

    def _get_lines_to_quote(self):
        """Return the lines that stand on no living quotation."""
        return self.filtered(
            lambda line: (
                not line.display_type
                and not line.is_locked
                and (not line.sale_line_id or line.sudo().sale_order_id.state == 'cancel')
            )
        )

    def _ensure_can_quote(self) -> None:
        """Refuse what cannot be told to a customer.

        :raise UserError: a price is missing, or nobody knows who pays
        """
        for line in self:
            if line.coverage_state == 'unknown':
                raise UserError(
                    self.env._(
                        "Nobody knows yet who pays for “%(line)s”: %(reason)s Enter what is"
                        " missing and check again, or let a manager decide.",
                        line=line.name,
                        reason=line.coverage_reason or '',
                    )
                )
            if not line.price_unit:
                raise UserError(
                    self.env._(
                        "“%s” has no price. Enter it also where somebody else pays: the customer"
                        " sees what he is given.",
                        line.name,
                    )
                )

    def _prepare_order_line_vals(self) -> dict:
        """Return the values of the order line that charges the customer's share.

        The price stays; what others pay is a discount, so taxes are on what the customer pays.
        """
        self.ensure_one()
        price_unit, discount = self._get_order_price(self.price_unit, self.quantity, is_exact=False)
        return {
            'sequence': self.sequence,
            'product_id': self.product_id.id,
            'name': "\n".join(filter(None, [self.name, self.coverage_reason])),
            'product_uom_qty': self.quantity,
            'product_uom_id': self.product_uom_id.id,
            'price_unit': price_unit,
            'discount': discount,
            'tax_ids': [fields.Command.set(self._get_charged_taxes().ids)],
        }

    def _get_charged_taxes(self):
        """Return the taxes on what the customer pays.

        Where the law also taxes what is free for him, a localisation adds it here or to the order.
        """
        return self.tax_ids

    def _get_order_price(
        self, price_unit: float, quantity: float, is_exact: bool = True
    ) -> tuple[float, float]:
        """Return price and discount by which core charges the customer's share.

        Discounts of orders have few digits: where two discounts cannot become one, the line's own
        goes into the price, and where that is not exact either, fractions of a cent do.

        :param price_unit: before the line's discount
        :param is_exact: whether nothing may stand behind the cents, where that is added up
        """
        discount = 100.0 - (100.0 - self.discount) * self.customer_percent / 100.0
        digits = self.env['decimal.precision'].precision_get('Discount')
        both = round(discount, digits)
        own = round(100.0 - self.customer_percent, digits)
        net = price_unit * (1 - self.discount / 100.0)
        for price, percent in ((price_unit, both), (net, own)):
            if price and self._is_charged(price, percent, quantity, is_exact):
                return price, percent
        if not self.amount_customer or both >= 100 or not quantity:
            return price_unit, 100.0
        return self.amount_customer / quantity / (1 - both / 100.0), both

    def _is_charged(self, price: float, discount: float, quantity: float, is_exact: bool) -> bool:
        """Whether an order line of this price charges the customer's share."""
        charged = quantity * (price * (1 - discount / 100.0))
        if is_exact and self._is_rounded_globally():
            return float_is_zero(charged - self.amount_customer, precision_digits=9)
        return not self.currency_id.compare_amounts(
            self.currency_id.round(charged), self.amount_customer
        )

    def _is_rounded_globally(self) -> bool:
        """Whether the company adds up what stands behind the cents of lines."""
        return self.company_id.tax_calculation_rounding_method == 'round_globally'

    def _get_order_fraction(self) -> float:
        """Return by how much less than a cent the order line is beside the customer's share."""
        sold = self.sale_line_id
        charged = sold.product_uom_qty * (sold.price_unit * (1 - sold.discount / 100.0))
        fraction = abs(charged - self.amount_customer)
        is_own = fraction < self.currency_id.rounding and self._is_rounded_globally()
        return fraction if is_own and not float_is_zero(fraction, precision_digits=9) else 0.0

    def _add_to_order(self, order) -> None:
        """Add these lines to an order.

        :param order: a ``sale.order`` in elevated rights; none does nothing
        """
        for line in self if order else ():
            line.sale_line_id = self.env['sale.order.line'].create(
                {**line._prepare_order_line_vals(), 'order_id': order.id}
            )

    def _update_draft_order_lines(self) -> None:
        """Let quotations that nobody has seen yet say what the lines say now."""
        orders = self.env['sale.order'].sudo()
        for line in self.sudo():
            if line.sale_order_id.state == 'draft' and not line.display_type:
                line.sale_line_id.write(line._prepare_order_line_vals())
                orders |= line.sale_order_id
        orders._settle_aftersales_rounding()

    # ------------------------------------------------------------
    # CORRECTION
    # ------------------------------------------------------------

    def _correct(self, vals: dict):
        """Let somebody else pay for what the customer has ordered, without editing it.

        The line is taken back, and stands a second time as it was decided. On the order both are
        lines of their own, so the next invoice or credit note says what changed.

        :param vals: what was decided
        :return: the line as it was decided
        """
        self.ensure_one()
        order = self.sale_order_id
        if order.state != 'sale' or self.corrects_id or self.corrected_by_ids:
            raise UserError(self._get_locked_text())
        taken_back = self.copy({'quantity': -self.quantity, 'corrects_id': self.id})
        decided = self.copy(vals)
        charged = self._get_charged_part()
        if charged:
            taken_back._add_correction(
                self, -charged * self.sale_line_id.price_unit, self.sale_line_id.discount
            )
        decided._add_correction(self, *decided._get_order_price(*decided._get_whole_price()))
        return decided

    def _get_whole_price(self) -> tuple[float, float]:
        """Return the price of the whole line before its discount, and that it is charged once."""
        return self.price_unit * self.quantity, 1.0

    def _add_correction(self, corrected, price: float, discount: float) -> None:
        """Charge the line, or give it back, as a service: goods do not move a second time.

        :param corrected: the line that the customer has ordered
        """
        sold = corrected.sale_line_id
        self.sale_line_id = self.env['sale.order.line'].create(
            {
                'order_id': sold.order_id.id,
                'sequence': sold.sequence,
                'product_id': self._get_correction_product().id,
                'name': self.env._("Correction: %s", corrected.name),
                'product_uom_qty': 1.0,
                'price_unit': price,
                'discount': discount,
                'tax_ids': [fields.Command.set(sold.tax_ids.ids)],
            }
        )

    def _get_correction_product(self):
        """Return the service that corrections are charged by."""
        product = self.env.ref('crm_aftersales.product_correction', raise_if_not_found=False)
        if not product:
            raise UserError(
                self.env._("The service “Correction of Who Pays” is missing among the products.")
            )
        return product.product_variant_id if product._name == 'product.template' else product

    def _get_charged_part(self) -> float:
        """Return for how many units the customer pays, without what he was given back already."""
        sold = self.sale_line_id
        posted = sold.invoice_lines.filtered(lambda line: line.parent_state == 'posted')
        refunded = posted.filtered(lambda line: line.move_id.move_type == 'out_refund')
        if not refunded or not sold.price_subtotal:
            return sold.product_uom_qty
        kept = sold.untaxed_amount_invoiced / sold.price_subtotal
        return sold.product_uom_qty * min(max(kept, 0.0), 1.0)
