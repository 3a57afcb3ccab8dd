from __future__ import annotations

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class AftersalesUnit(models.Model):
    """A product made of others, where it stands, and what was replaced in it."""

    _inherit = 'aftersales.unit'
    _parent_store = True

    parent_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Part of",
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        copy=False,
        tracking=True,
        help="The customer product it is built into.",
    )
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many(
        comodel_name='aftersales.unit', inverse_name='parent_id', string="Registered Parts"
    )
    component_ids = fields.One2many(
        comodel_name='aftersales.unit.component',
        inverse_name='unit_id',
        string="Components",
        copy=False,
        groups='base.group_user',
    )
    site_partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Site",
        index='btree_not_null',
        tracking=True,
        groups='base.group_user',
        help="Where it stands, when that is not at its owner's address.",
    )
    technical_note = fields.Html(
        string="Technical Notes",
        groups='base.group_user',
        help="What is known of the piece itself; stays with it when it changes hands.",
    )

    # ------------------------------------------------------------
    # WHATEVER WRITES THE PRODUCT IT IS PART OF
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        units = super().create(vals_list)
        for unit in units.filtered('parent_id'):
            unit._enter_parents(
                unit.date_installed or unit.date_delivered or fields.Date.context_today(self)
            )
        return units

    def write(self, vals):
        if vals.get('parent_id'):
            self._ensure_can_be_part_of(self.browse(vals['parent_id']))
        moving = self._get_parts_moving_along() if 'partner_id' in vals else self.browse()
        res = super().write(vals)
        if moving:
            moving.write({'partner_id': vals['partner_id']})
        if 'parent_id' in vals:
            self._enter_parents(fields.Date.context_today(self))
        return res

    def _ensure_can_be_part_of(self, parent) -> None:
        """Refuse cycles in words that say what is wrong; the database keeps none either."""
        above = parent.sudo().parent_path or ''
        if not {int(id_) for id_ in above.split('/') if id_}.isdisjoint(self.ids):
            raise ValidationError(
                self.env._("A product cannot be built into itself, nor into one of its parts.")
            )

    def _enter_parents(self, day: date) -> None:
        """Enter in the history of components what these products are part of from a day on."""
        Component = self.env['aftersales.unit.component'].sudo()
        present = Component.search(
            [('component_unit_id', 'in', self.ids), ('date_to', '=', False)]
        ).grouped('component_unit_id')
        vals_list = []
        for unit in self:
            row = present.get(unit, Component)
            if row.unit_id == unit.parent_id:
                continue
            if row:
                row.date_to = max(day, row.date_from)
            if unit.parent_id:
                vals_list.append(
                    {
                        'unit_id': unit.parent_id.id,
                        'component_unit_id': unit.id,
                        'date_from': max(day, row.date_to or day),
                    }
                )
        # the database compares at once: a part leaves before it comes in elsewhere
        Component.flush_model(['date_to'])
        Component.create(vals_list)

    # ------------------------------------------------------------
    # WHAT MOVES ALONG
    # ------------------------------------------------------------

    def _get_parts_moving_along(self):
        """Return the parts of these products that belong to the same owner, all levels down."""
        parts = (
            self.sudo()
            .with_context(active_test=False)
            .search([('id', 'child_of', self.ids), ('id', 'not in', self.ids)])
        )
        owners = self.sudo().commercial_partner_id
        return parts.filtered(lambda part: part.commercial_partner_id in owners).with_env(self.env)

    def _transfer(self, partner, day=None, reason=''):
        moving = self | self._get_parts_moving_along()
        return super(AftersalesUnit, moving)._transfer(partner, day, reason)

    def _after_transfer_hook(self, former):
        res = super()._after_transfer_hook(former)
        if self.site_partner_id.commercial_partner_id == former.commercial_partner_id:
            self.site_partner_id = False  # the address of somebody else by now
        return res

    # ------------------------------------------------------------
    # PARTS PUT IN AND TAKEN OUT
    # ------------------------------------------------------------

    def _put_in(self, product, day: date | None = None, **values):
        """Note that a part was put into this product.

        :param product: the part, a ``product.product``
        :param day: today when left out
        :param values: other fields of ``aftersales.unit.component``; ``component_unit_id`` for a
            part that is registered itself
        :return: the component, in elevated rights
        """
        self.ensure_one()
        self.check_access('write')
        day = day or fields.Date.context_today(self)
        part = self.browse(values.get('component_unit_id') or ())
        (part - self.child_ids)._leave_parents(day)
        component = (
            self.env['aftersales.unit.component']
            .sudo()
            .create(
                {
                    **values,
                    'unit_id': self.id,
                    'product_id': product.id,
                    'date_from': day,
                }
            )
        )
        part.parent_id = self
        return component

    def _leave_parents(self, day: date) -> None:
        """Let parts leave the products they are in.

        :param day: of it; one before they came in is the day they did
        """
        Component = self.env['aftersales.unit.component'].sudo()
        for row in Component.search(
            [('component_unit_id', 'in', self.ids), ('date_to', '=', False)]
        ):
            row.date_to = max(day, row.date_from)
        self.parent_id = False

    def _take_out(self, components, day: date | None = None, **values) -> None:
        """Note that parts were taken out of these products.

        :param components: parts that are in, of ``aftersales.unit.component``
        :param day: today when left out
        :param values: other fields of the components: the request, the reason, the successor
        """
        self.check_access('write')
        rows = components.sudo() & self.sudo().component_ids
        rows = rows.filtered(lambda row: not row.date_to)
        rows.write({**values, 'date_to': day or fields.Date.context_today(self)})
        rows.component_unit_id.parent_id = False

    def _find_component(self, product, serial: str = ''):
        """Return the part of a kind that is in this product, in elevated rights.

        :param serial: with one, that piece; without, any as long as there is no doubt
        """
        self.ensure_one()
        domain = (
            Domain('unit_id', '=', self.id)
            & Domain('date_to', '=', False)
            & Domain('product_id', '=', product.id)
        )
        found = self.env['aftersales.unit.component'].sudo().search(domain)
        if serial:
            wanted = self._normalise_serial(serial)
            same = found.filtered(lambda row: self._normalise_serial(row.serial) == wanted)
            return same[:1]
        return found if len(found) == 1 else found.browse()

    def action_replace_component(self) -> dict:
        """Ask which part comes in, and in whose place.

        :return: window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Put In or Replace a Part"),
            'res_model': 'aftersales.component.replace',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_unit_id': self.id},
        }
