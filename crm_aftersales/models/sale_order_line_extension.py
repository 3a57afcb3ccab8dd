from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .aftersales_warranty import DECIDED
from .res_partner import READER_GROUPS


class SaleOrderLine(models.Model):
    """Extended warranties are products: a piece that is sold is a warranty that is granted."""

    _inherit = 'sale.order.line'

    aftersales_extends_warranty = fields.Boolean(
        compute='_compute_aftersales_extends_warranty', string="Is an Extended Warranty"
    )
    aftersales_unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Extends Warranty of",
        index='btree_not_null',
        check_company=True,
        # the order may be for a contact of the company that owns it
        domain="""[
            ('company_id', '=', company_id),
            ('state', '!=', 'retired'),
            '|', ('commercial_partner_id', '=', order_partner_id),
            ('commercial_partner_id.child_ids', 'in', [order_partner_id])]""",
        groups=READER_GROUPS,
        help="Empty: of the products on the same order.",
    )
    aftersales_warranty_ids = fields.One2many(
        comodel_name='aftersales.warranty',
        inverse_name='sale_line_id',
        string="Extended Warranties",
        groups=READER_GROUPS,
    )

    @api.depends('product_id')
    def _compute_aftersales_extends_warranty(self):
        for line in self:
            line.aftersales_extends_warranty = bool(line.product_id.aftersales_extension_months)

    @api.constrains('aftersales_unit_id')
    def _check_aftersales_unit(self):
        for line in self.sudo().filtered('aftersales_unit_id'):
            customer = line.order_id.partner_id.commercial_partner_id
            if line.aftersales_unit_id.commercial_partner_id != customer:
                raise ValidationError(
                    self.env._(
                        "%(unit)s does not belong to the customer of the order.",
                        unit=line.aftersales_unit_id.display_name,
                    )
                )

    def copy_data(self, default=None):
        """Leave out products that belong to somebody else by now."""
        vals_list = super().copy_data(default)
        for line, vals in zip(self.sudo(), vals_list, strict=True):
            unit, customer = line.aftersales_unit_id, line.order_id.partner_id
            if unit.commercial_partner_id != customer.commercial_partner_id:
                vals.pop('aftersales_unit_id', None)
        return vals_list

    def write(self, vals):
        result = super().write(vals)
        if {'product_uom_qty', 'aftersales_unit_id'} & vals.keys():
            self._settle_extended_warranties()
        return result

    def _settle_extended_warranties(self) -> None:
        """Grant the extended warranties these lines are for, and take back what they are no more.

        It can be run at any time again: what is sold and not refunded is what there is.
        """
        lines = self.sudo().filtered('aftersales_extends_warranty')
        if not lines:
            return
        # as in whatever else grants warranties
        lines._get_units_concerned()._bump_version()
        vals_list = []
        for line in lines:
            line._end_misplaced_extensions()
            alive = line.aftersales_warranty_ids.filtered(
                lambda warranty: warranty._is_alive()
            ).sorted('id')
            target = line._get_extension_quantity()
            alive[target:]._end(line._get_extension_end_reason(), ended_by='unsold')
            present = alive[:target] | line._get_spent_extensions()
            # one that goes on with another piece was sold once
            used = present.filtered(lambda warranty: warranty.start_event != 'replacement')
            units = line._get_units_to_extend(present)[: max(target - len(used), 0)]
            vals_list += [unit._prepare_extension_vals(line) for unit in units]
        granted = self.env['aftersales.warranty'].sudo().create(vals_list)
        (granted | lines.aftersales_warranty_ids).unit_id._settle_extensions()

    def _get_units_concerned(self):
        """Return the products whose warranties these lines are about, or have been."""
        extended = self.aftersales_unit_id | self.aftersales_warranty_ids.unit_id
        return extended | self.order_id.order_line.aftersales_unit_ids

    def _end_misplaced_extensions(self) -> None:
        """End what was granted for another product than the one the line names by now."""
        self.ensure_one()
        if self.aftersales_unit_id:
            misplaced = self.aftersales_warranty_ids.filtered(
                lambda warranty: (
                    warranty._is_alive()
                    and warranty.unit_id != self.aftersales_unit_id
                    # one that goes on with another piece is where it belongs
                    and warranty.start_event != 'replacement'
                )
            )
            misplaced._end(self.env._("Corrected"), ended_by='corrected')

    def _get_spent_extensions(self):
        """Return the extended warranties of the line that were granted, and ended for good."""
        return self.aftersales_warranty_ids.filtered(lambda warranty: warranty.ended_by in DECIDED)

    def _get_extension_quantity(self) -> int:
        """Return how many extended warranties are sold and not refunded."""
        self.ensure_one()
        if self.order_id.state != 'sale':
            return 0
        posted = self.invoice_lines.filtered(lambda line: line.parent_state == 'posted')
        refunds = posted.filtered(lambda line: line.move_id.move_type == 'out_refund')
        invoices = posted - refunds
        invoiced = self._get_invoiced_pieces(invoices)
        credited = self._get_invoiced_pieces(self._get_refunds_in_full(invoices, refunds))
        sold = self._get_unit_quantity()
        # an invoice that was credited and made anew is no refund
        refunded = max(credited - max(invoiced - sold, 0), 0)
        return max(int(sold - refunded), 0)

    def _get_invoiced_pieces(self, lines) -> float:
        """Return how many pieces lines of invoices are about."""
        return sum(
            line.product_uom_id._compute_quantity(line.quantity, self.product_id.uom_id)
            for line in lines
        )

    def _get_refunds_in_full(self, invoices, refunds):
        """Return the refunds after which nothing is left of the price.

        Who gets a part of it back, as goodwill, keeps the warranty.

        :param invoices: posted lines of invoices
        :param refunds: posted lines of credit notes
        """
        self.ensure_one()
        charged = sum(invoices.mapped('price_subtotal')) or self.price_subtotal
        pieces = self._get_invoiced_pieces(invoices) or self._get_unit_quantity()
        if self.currency_id.compare_amounts(sum(refunds.mapped('price_subtotal')), charged) >= 0:
            return refunds
        return refunds.filtered(
            lambda line: (
                self.currency_id.compare_amounts(
                    line.price_subtotal * pieces, charged * self._get_invoiced_pieces(line)
                )
                >= 0
            )
        )

    def _get_extension_end_reason(self) -> str:
        """Return why extended warranties of the line are void."""
        self.ensure_one()
        if self.order_id.state != 'sale':
            return self.env._("Order %(order)s cancelled", order=self.order_id.name)
        return self.env._("Refunded, or no longer part of %(order)s", order=self.order_id.name)

    def _get_units_to_extend(self, present):
        """Return the products whose warranty is still to be extended, as often as they are named.

        :param present: extended warranties of the line already granted
        """
        self.ensure_one()
        if self.aftersales_unit_id:
            return [self.aftersales_unit_id] * self._get_unit_quantity()
        lines = self.linked_line_id or self.order_id.order_line
        units = lines.aftersales_unit_ids.filtered(lambda unit: unit.state != 'retired')
        order = list(self.order_id.order_line.sorted(lambda line: (line.sequence, line.id)))
        above = order.index(self)

        def get_rank(unit):
            place = order.index(unit.sale_line_id)
            return place > above, abs(above - place), unit.id

        # what stands next above comes first
        return list((units - present.unit_id).sorted(get_rank))
