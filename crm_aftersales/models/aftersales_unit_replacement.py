from __future__ import annotations

from datetime import date

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class AftersalesUnit(models.Model):
    """Another piece takes the place of one that is given up: its warranty and place go on."""

    _inherit = 'aftersales.unit'

    replaced_by_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Replaced by",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        tracking=True,
        help="The piece the customer has in its place.",
    )
    replaces_ids = fields.One2many(
        comodel_name='aftersales.unit', inverse_name='replaced_by_id', string="In the Place of"
    )

    def _replace_by(self, replacement, day: date | None = None, reason: str = '') -> None:
        """Let another piece take the place of this one, which is retired.

        The warranty goes on as its terms say. Requests, parts and owners of this piece stay with
        it; where it was part of another product, the new piece is now.

        :param replacement: the ``aftersales.unit`` the customer has now, or the values to create
            it with: only then may it have the same serial number
        :param day: of the swap, not later than today, which it is when left out
        :raise AccessError: the user is not of the service desk
        :raise UserError: it cannot be replaced by that piece, or not on that day
        """
        self.ensure_one()
        day = day or self._get_customer_day()
        self._ensure_can_be_replaced(day)
        # who does the same at the same time runs again, and is refused
        self.sudo()._bump_version()
        self.action_retire()
        self.date_retired = day
        if isinstance(replacement, dict):
            replacement = self.create(
                {**self._prepare_replacement_unit_vals(), 'date_delivered': day, **replacement}
            )
        self._ensure_can_be_replaced_by(replacement)
        if replacement.state == 'draft':
            replacement.write({'state': 'active', 'date_delivered': day})
        self._replace_warranty(replacement, day)
        self._replace_in_parent(replacement, day, reason)
        self.replaced_by_id = replacement
        self._log_replacement(replacement, reason)

    def _ensure_can_be_replaced(self, day: date) -> None:
        if not (self.env.su or self.env.user.has_group('crm_aftersales.group_all')):
            raise AccessError(self.env._("Only the service desk replaces customers' products."))
        if self.state in ('draft', 'retired'):
            raise UserError(
                self.env._("%(unit)s is not in use: it cannot be replaced.", unit=self.display_name)
            )
        if day > self._get_customer_day():
            raise UserError(
                self.env._("A product is replaced today or was before, not on a day to come.")
            )
        if self.date_delivered and day < self.date_delivered:
            raise UserError(self.env._("A product is replaced after it was delivered."))

    def _ensure_can_be_replaced_by(self, replacement) -> None:
        if replacement == self or replacement.state == 'retired':
            raise UserError(self.env._("Choose another piece that is in use."))
        if replacement.replaces_ids:
            raise UserError(
                self.env._(
                    "%(unit)s already replaces %(other)s.",
                    unit=replacement.display_name,
                    other=replacement.replaces_ids[:1].display_name,
                )
            )
        is_same_owner = replacement.commercial_partner_id == self.commercial_partner_id
        if not is_same_owner or replacement.company_id != self.company_id:
            raise UserError(self.env._("The new piece has to belong to the owner of the old one."))

    def _prepare_replacement_unit_vals(self) -> dict:
        """Return the values of the piece that takes the place of this one."""
        self.ensure_one()
        return {
            'product_id': self.product_id.id,
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'site_partner_id': self.site_partner_id.id,
        }

    def _replace_in_parent(self, replacement, day: date, reason: str) -> None:
        """Put the new piece where this one was built in."""
        parent = self.parent_id
        if not parent:
            return
        Component = self.env['aftersales.unit.component'].sudo()
        row = Component.search([('component_unit_id', '=', self.id), ('date_to', '=', False)])
        day = max(day, row.date_from or day)
        parent._take_out(row, day, reason=reason)
        row.replaced_by_id = parent._put_in(
            replacement.product_id,
            day,
            component_unit_id=replacement.id,
            place=row.place,
        )

    def _log_replacement(self, replacement, reason: str) -> None:
        self.message_post(
            body=self.env._(
                "Replaced by %(unit)s. %(reason)s", unit=replacement.display_name, reason=reason
            )
        )
        replacement.message_post(
            body=self.env._(
                "Takes the place of %(unit)s. %(reason)s", unit=self.display_name, reason=reason
            )
        )

    def action_replace_unit(self) -> dict:
        """Ask which piece takes the place of this one.

        :return: window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Replaced by"),
            'res_model': 'aftersales.unit.replace',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_unit_id': self.id},
        }
