from __future__ import annotations

from odoo import models

from odoo.addons.crm_aftersales_stock.models.aftersales_unit import SoldPiece


class StockMove(models.Model):
    """The parts of repairs, in the history of the products they were put into."""

    _inherit = 'stock.move'

    def _take_parts_out(self):
        """Note which parts were taken out of the product.

        :return: the components
        """
        out = self.env['aftersales.unit.component']
        for move in self:
            repair = move.repair_id
            unit = repair.aftersales_unit_id
            for serial, _quantity in move._get_parts():
                row = unit._find_component(move.product_id, serial)
                unit._take_out(
                    row,
                    max(repair._get_repair_day(), row.date_from or repair._get_repair_day()),
                    request_out_id=repair.aftersales_request_id.id,
                    reason=repair.name,
                )
                row.component_unit_id.action_retire()
                out |= row
        return out

    def _put_parts_in(self):
        """Note which parts were put into the product; those that are registered become units.

        :return: the components
        """
        rows = self.env['aftersales.unit.component']
        for move in self:
            repair = move.repair_id
            for serial, quantity in move._get_parts():
                rows |= repair.aftersales_unit_id._put_in(
                    move.product_id,
                    repair._get_repair_day(),
                    component_unit_id=move._get_part_unit(serial).id,
                    serial=serial,
                    quantity=quantity,
                    request_in_id=repair.aftersales_request_id.id,
                )
        return rows

    def _get_parts(self) -> list[tuple[str, float]]:
        """Return serial number and quantity of each part moved; without a number in one."""
        self.ensure_one()
        if self.product_id.tracking == 'serial':
            return [(line.lot_id.name or '', 1) for line in self.move_line_ids]
        quantity = sum(self.move_line_ids.mapped('quantity_product_uom'))
        return [('', quantity)] if quantity > 0 else []

    def _get_part_unit(self, serial: str):
        """Return the customer product a part is, where parts of its kind are registered."""
        Unit = self.env['aftersales.unit']
        template = self.product_id.product_tmpl_id
        if not (serial and template._is_aftersales_tracked(self.company_id)):
            return Unit
        whole, day = self.repair_id.aftersales_unit_id, self.repair_id._get_repair_day()
        lot = self.move_line_ids.lot_id.filtered(lambda lot: lot.name == serial)[:1]
        sold = SoldPiece(self.product_id, serial, self.company_id, self.repair_id.name)
        Unit._end_former_units([sold])
        return Unit.create(
            {
                'product_id': self.product_id.id,
                'serial': serial,
                'lot_id': lot.id,
                'partner_id': whole.partner_id.id,
                'company_id': whole.company_id.id,
                'site_partner_id': whole.site_partner_id.id,
                'date_delivered': day,
                'date_installed': day,
            }
        )
