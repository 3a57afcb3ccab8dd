from __future__ import annotations

from odoo import api, fields, models

#: states in which the product lies in the workshop
WORKSHOP_STATES = ('confirmed', 'under_repair')
#: model of the question that core asks when a product is not in stock
STOCK_QUESTION = 'stock.warn.insufficient.qty.repair'


class RepairOrder(models.Model):
    """A repair of a customer's product: what was put in and taken out goes into its history."""

    _inherit = 'repair.order'

    aftersales_request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        copy=False,
    )
    aftersales_unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        compute='_compute_aftersales_unit_id',
        store=True,
        readonly=False,
        compute_sudo=True,
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help="That of the request, else the one with the lot or serial number.",
    )

    aftersales_fault_code_id = fields.Many2one(
        comodel_name='aftersales.code',
        string="Fault",
        compute='_compute_aftersales_fault_code_id',
        store=True,
        readonly=False,
        compute_sudo=True,
        domain=[('kind', '=', 'fault')],
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help="That of the request; repairs of the same fault are counted.",
    )

    @api.depends('aftersales_request_id.fault_code_id')
    def _compute_aftersales_fault_code_id(self):
        for repair in self:
            repair.aftersales_fault_code_id = (
                repair.aftersales_request_id.fault_code_id or repair.aftersales_fault_code_id
            )

    @api.depends('aftersales_request_id', 'lot_id', 'company_id')
    def _compute_aftersales_unit_id(self):
        found = self._find_aftersales_units()
        for repair in self:
            present = repair.aftersales_unit_id
            if repair.lot_id and present.lot_id and present.lot_id != repair.lot_id:
                present = present.browse()  # the number was corrected
            repair.aftersales_unit_id = (
                repair.aftersales_request_id.unit_id
                or present
                or found.get((repair.lot_id, repair.company_id), present)
            )

    def _find_aftersales_units(self) -> dict:
        """Return the customers' products with the serial numbers of these repairs.

        :return: by lot and company, where there is one
        """
        found = self.env['aftersales.unit']._read_group(
            [('lot_id', 'in', self.lot_id.ids), ('state', '!=', 'retired')],
            ['lot_id', 'company_id'],
            ['id:recordset'],
        )
        return {(lot, company): units for lot, company, units in found if len(units) == 1}

    @api.onchange('aftersales_unit_id')
    def _onchange_aftersales_unit_id(self):
        unit = self.aftersales_unit_id
        if unit:
            self.product_id = unit.product_id
            self.lot_id = unit.lot_id
            self.partner_id = self.partner_id or unit.partner_id

    # ------------------------------------------------------------
    # WHAT BECOMES OF THE PRODUCT
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        repairs = super().create(vals_list)
        repairs.sudo()._place_units(self.env['aftersales.unit'].sudo())
        return repairs

    def write(self, vals):
        if not self._get_placing_fields() & vals.keys():
            return super().write(vals)
        # the workshop needs no rights on customers' products
        repairs = self.sudo()
        former = {
            repair: repair.aftersales_unit_id
            for repair in repairs
            if repair.state in WORKSHOP_STATES
        }
        res = super().write(vals)
        wrong = [unit for repair, unit in former.items() if unit != repair.aftersales_unit_id]
        repairs._place_units(self.env['aftersales.unit'].sudo().union(*wrong))
        return res

    @api.model
    def _get_placing_fields(self) -> set[str]:
        """Return the fields by which another product may be in the workshop."""
        return {'state', 'aftersales_unit_id', 'aftersales_request_id', 'lot_id', 'company_id'}

    def _place_units(self, wrong) -> None:
        """Say of products in the workshop that they are in service, and of others that not.

        What came back by a return stays in service until it is delivered again.

        :param wrong: products that were taken for those in the workshop
        """
        units = self.aftersales_unit_id | wrong
        busy = self.search(
            [('aftersales_unit_id', 'in', units.ids), ('state', 'in', WORKSHOP_STATES)]
        ).aftersales_unit_id
        busy.filtered(lambda unit: unit.state == 'active').state = 'in_service'
        ended = self.filtered(lambda repair: repair.state in ('done', 'cancel'))
        free = ((ended.aftersales_unit_id | wrong) - busy).filtered(
            lambda unit: unit.state == 'in_service' and not unit.stock_return_move_id
        )
        (free & wrong).date_in_service = False  # they were never here
        free.state = 'active'

    def action_validate(self):
        """Do not ask whether a customer's product is in stock: he brings it."""
        res = super().action_validate()
        asked = isinstance(res, dict) and res.get('res_model') == STOCK_QUESTION
        if asked and self.sudo().aftersales_unit_id:
            return self._action_repair_confirm()
        return res

    def action_repair_done(self):
        res = super().action_repair_done()
        for repair in self.sudo().filtered('aftersales_unit_id'):
            repair._enter_parts()
        return res

    def _enter_parts(self) -> None:
        """Enter the parts of a repair that is done in the history of the product."""
        self.ensure_one()
        done = self.move_ids.filtered(lambda move: move.state == 'done')
        added = done.filtered(lambda move: move.repair_line_type == 'add')
        out = (done - added)._take_parts_out()
        for row in added._put_parts_in():
            same = out.filtered(lambda old, row=row: old.product_id == row.product_id)
            replaced = (same or (out if len(out) == 1 else out.browse()))[:1]
            replaced.replaced_by_id = row
            row.place = replaced.place
            out -= replaced

    def _get_repair_day(self):
        """Return the day of today where the customer is."""
        return self.aftersales_unit_id._get_customer_day()

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def _get_aftersales_action(self, unit, new: bool = False, day=None) -> dict:
        """Return the action on repairs of a customer's product.

        :param new: open an empty form
        :param day: of the fault, by which a new one is under warranty; today when left out
        """
        action = self.env['ir.actions.act_window']._for_xml_id('repair.action_repair_order_tree')
        unit = unit[:1]
        action['context'] = {
            'default_aftersales_unit_id': unit.id,
            'default_partner_id': unit.partner_id.id,
            'default_product_id': unit.product_id.id,
            # the name core reads: default_lot_id would be the number of each part, too
            'default_repair_lot_id': unit.lot_id.id,
        }
        if new:
            is_free = bool(unit) and unit._is_repaired_for_free(day)
            action['context']['default_under_warranty'] = is_free
            action |= {'views': [(False, 'form')], 'view_mode': 'form', 'res_id': False}
        return action

    def action_view_aftersales_request(self) -> dict:
        """Open the service request the repair is for.

        :return: window action
        """
        self.ensure_one()
        return self.aftersales_request_id.get_formview_action()

    def action_view_aftersales_unit(self) -> dict:
        """Open the customer's product that is repaired.

        :return: window action
        """
        self.ensure_one()
        return self.aftersales_unit_id.get_formview_action()
