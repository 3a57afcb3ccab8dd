from __future__ import annotations

import uuid
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import format_date

from .aftersales_request_stage import OPEN_STATES


class AftersalesUnit(models.Model):
    """A product changes hands: its history stays with it, the former owner's access ends.

    Requests stay with who raised them. The new owner sees the product and his own requests, never
    who had it before.
    """

    _inherit = 'aftersales.unit'

    owner_ids = fields.One2many(
        comodel_name='aftersales.unit.owner',
        inverse_name='unit_id',
        string="Owners",
        readonly=True,
        copy=False,
        groups='base.group_user',
    )

    # ------------------------------------------------------------
    # WHATEVER WRITES THE OWNER
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        units = super().create(vals_list)
        self.env['aftersales.unit.owner'].sudo().create(
            [
                {
                    'unit_id': unit.id,
                    'partner_id': unit.partner_id.id,
                    'date_from': unit.date_delivered or unit._get_customer_day(),
                }
                for unit in units
            ]
        )
        return units

    def write(self, vals):
        changing = self.browse()
        if 'partner_id' in vals:
            changing = self.filtered(lambda unit: unit.partner_id.id != vals['partner_id'])
        former = {unit: unit.partner_id for unit in changing}
        if changing.filtered(lambda unit: unit._has_been_in_use()):
            self._ensure_can_transfer()
        if vals.get('state') == 'draft':
            self._ensure_can_take_out_of_use()
        res = super().write(vals)
        if changing:
            owners = {unit: unit.partner_id for unit in changing}
            changing._enter_owners(owners, changing._get_transfer_day())
            changing._leave_former_owners(former)
        if vals.get('date_delivered'):
            self._date_first_owners()
        return res

    def _enter_owners(self, owners: dict, day: date, reason: str = '') -> None:
        """Enter to whom these products belong from a day on.

        Who is corrected before the product is in use, or on the day he got it, has not owned it.

        :param owners: product -> owner
        """
        present = self._get_present_owners()
        vals_list = []
        for unit, partner in owners.items():
            row = present.get(unit)
            if row and row.partner_id == partner:
                continue
            if row and (not unit._has_been_in_use() or row.date_from >= day):
                row.write({'partner_id': partner.id, 'reason': reason or row.reason})
                continue
            if row:
                row.date_to = day
            vals_list.append(
                {
                    'unit_id': unit.id,
                    'partner_id': partner.id,
                    'date_from': day,
                    'reason': reason,
                }
            )
        # the database compares at once: the days of the owners before have to end first
        self.env['aftersales.unit.owner'].flush_model(['date_to'])
        self.env['aftersales.unit.owner'].sudo().create(vals_list)

    def _get_present_owners(self) -> dict:
        """Return the present row of each product's history of owners (sudo)."""
        rows = self.env['aftersales.unit.owner'].sudo()
        found = rows.search([('unit_id', 'in', self.ids), ('date_to', '=', False)])
        return {row.unit_id.with_env(self.env): row for row in found}

    def _date_first_owners(self) -> None:
        """Let the history begin with the delivery, as long as that is before the second owner."""
        rows = self.env['aftersales.unit.owner'].sudo().search([('unit_id', 'in', self.ids)])
        for unit, owners in rows.grouped('unit_id').items():
            first = owners.sorted('date_from')[:1]
            if not first.date_to or unit.date_delivered < first.date_to:
                first.date_from = unit.date_delivered

    # ------------------------------------------------------------
    # TRANSFER
    # ------------------------------------------------------------

    def _transfer(self, partner, day: date | None = None, reason: str = '') -> None:
        """Hand these products over to another owner.

        :param partner: the new owner, a ``res.partner``
        :param day: when he took over, not later than today, which it is when left out
        :param reason: kept in the history, such as "sold privately"
        :raise AccessError: the user is not of the service desk
        :raise ValidationError: the day is to come, or before the present owner's first
        """
        day = day or self._get_transfer_day()
        self._ensure_can_transfer()
        self._ensure_can_transfer_on(day)
        changing = self.filtered(lambda unit: unit.partner_id != partner)
        changing._enter_owners(dict.fromkeys(changing, partner), day, reason)
        changing.partner_id = partner

    def _correct_owner(self, partner) -> None:
        """Enter to whom these products belong instead of the present owner, who never had them.

        :param partner: the owner since then, a ``res.partner``
        :raise AccessError: the user is not of the service desk
        """
        self._ensure_can_transfer()
        for row in self._get_present_owners().values():
            row.partner_id = partner
        self.partner_id = partner

    def _ensure_can_transfer(self) -> None:
        if not (self.env.su or self.env.user.has_group('crm_aftersales.group_all')):
            raise AccessError(
                self.env._("Only the service desk hands products over to other owners.")
            )

    def _has_been_in_use(self) -> bool:
        """Whether the product has an owner whom only a transfer changes."""
        self.ensure_one()
        return self.state != 'draft' or bool(self.date_delivered)

    def _ensure_can_take_out_of_use(self) -> None:
        """Refuse to say of what is or was in use that it is to be delivered.

        :raise AccessError: the user is not of the service desk
        """
        if self.env.su or self.env.user.has_group('crm_aftersales.group_all'):
            return
        if self.filtered(lambda unit: unit.state != 'draft'):
            raise AccessError(
                self.env._("Only the service desk says that a product was not delivered.")
            )

    def _get_transfer_day(self) -> date:
        """Return today: where it begins first, here or where the owners are."""
        days = [unit._get_customer_day() for unit in self]
        return max([fields.Date.context_today(self), *days])

    def _ensure_can_transfer_on(self, day: date) -> None:
        if day > self._get_transfer_day():
            raise ValidationError(
                self.env._("A product is handed over today or was before, not on a day to come.")
            )
        for unit, row in self._get_present_owners().items():
            if day < row.date_from:
                raise ValidationError(
                    self.env._(
                        "%(unit)s belongs to %(owner)s since %(day)s; it cannot be handed over"
                        " before.",
                        unit=unit.display_name,
                        owner=row.partner_id.display_name,
                        day=format_date(self.env, row.date_from),
                    )
                )

    def _leave_former_owners(self, former: dict) -> None:
        """End what those see and get who do not own these products any more.

        :param former: product -> owner before; colleagues of one company are one owner
        """
        changed = self.filtered(
            lambda unit: unit.commercial_partner_id != former[unit].commercial_partner_id
        )
        by_owner = changed.grouped(lambda unit: former[unit].commercial_partner_id)
        for owner, units in by_owner.items():
            units._revoke_access(owner)
        for unit in changed:
            unit._after_transfer_hook(former[unit])

    def _revoke_access(self, owner) -> None:
        """End the links and the messages a former owner has.

        :param owner: commercial entity of a ``res.partner``
        """
        units = self.sudo()
        requests = units.request_ids.filtered(lambda request: request.state in OPEN_STATES)
        # what was merged leads to the request that stays
        for document in [*units, *requests, *(requests.merged_ids - requests)]:
            # also those without one: links in mails are signed with it
            document.access_token = str(uuid.uuid4())
        followers = units.message_partner_ids
        units.message_unsubscribe(
            followers.filtered(lambda partner: partner.commercial_partner_id == owner).ids
        )

    def _after_transfer_hook(self, former) -> None:
        """React to a product that changed hands; to be extended.

        :param former: the owner before, a ``res.partner``
        """

    def action_transfer(self) -> dict:
        """Ask to whom these products were handed over.

        :return: window action
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Transfer Ownership"),
            'res_model': 'aftersales.unit.transfer',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_unit_ids': self.ids},
        }
