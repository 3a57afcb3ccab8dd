from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get


class ResPartner(models.Model):
    _inherit = 'res.partner'

    customer_tz_choice = fields.Selection(
        selection=_tz_get,
        string="Customer's Time Zone",
        help="Chosen by the customer or by staff; without it the place decides.",
    )
    customer_tz = fields.Selection(
        selection=_tz_get,
        string="Time Zone in Use",
        compute='_compute_customer_tz',
        compute_sudo=True,
        help="When it is day for the customer: his own user's zone, else the chosen one, else that"
        " of his state or country, else that of the company's working hours.",
    )

    @api.constrains('customer_tz_choice')
    def _check_customer_tz_choice(self):
        # values of a selection that is a function are taken as they come, and the gate would stop
        known = {zone for zone, _label in _tz_get(self)}
        for partner in self.filtered('customer_tz_choice'):
            if partner.customer_tz_choice not in known:
                raise ValidationError(
                    self.env._("There is no time zone %s.", partner.customer_tz_choice)
                )

    @api.depends('user_ids.active', 'tz', 'customer_tz_choice', 'country_id', 'state_id')
    @api.depends_context('company')
    def _compute_customer_tz(self):
        company_zone, last_zone = self._get_company_zones()
        Zone = self.env['crm.country.zone']
        for partner in self:
            country_id, state_id = partner.country_id.id, partner.state_id.id
            partner.customer_tz = (
                (partner._has_own_time_zone() and partner.tz)
                or partner.customer_tz_choice
                or Zone._get_zone(country_id, state_id)
                or company_zone
                or Zone._get_zone(country_id, state_id, last_resort=True)
                or last_zone
                or 'UTC'
            )

    def _has_own_time_zone(self) -> bool:
        """Return whether ``tz`` is that of the contact himself.

        It is filled with the zone of whoever makes the contact, and with that of the user at his
        first login; a portal user who was only invited still has the former.
        """
        return any(not user.share or user.log_ids for user in self.user_ids if user.active)

    @api.model
    def _get_company_zones(self) -> tuple[str | None, str | None]:
        """Return the zone of the company's working hours, and that of its address.

        UTC in a calendar is what nobody has chosen: a company that lives by it is known by its
        address.
        """
        company = self.env.company.sudo()
        address = company.partner_id
        place = (address.country_id.id, address.state_id.id)
        Zone = self.env['crm.country.zone']
        tz = company.resource_calendar_id.tz
        return (
            tz if tz != 'UTC' else None,
            Zone._get_zone(*place) or Zone._get_zone(*place, last_resort=True),
        )

    def _get_customer_tz_sql(self, partner: str, company: str) -> SQL:
        """Return the expression of a customer's time zone, the same as ``customer_tz``.

        It is named as the database server knows it.

        :param partner: alias of ``res_partner`` in the statement
        :param company: alias of ``res_company`` in the statement, for customers of no known place
        """
        Zone = self.env['crm.country.zone']
        stored = SQL(
            'COALESCE(%(own)s, NULLIF(%(choice)s, %(nothing)s), %(place)s,'
            " (SELECT NULLIF(calendar.tz, 'UTC') FROM resource_calendar AS calendar"
            ' WHERE calendar.id = %(calendar)s),'
            ' %(last_resort)s,'
            ' (SELECT COALESCE(%(company_place)s, %(company_last_resort)s)'
            ' FROM res_partner AS address WHERE address.id = %(address)s),'
            " 'UTC')",
            own=self._get_own_time_zone_sql(partner),
            choice=SQL.identifier(partner, 'customer_tz_choice'),
            nothing='',
            place=Zone._get_zone_sql(partner),
            last_resort=Zone._get_zone_sql(partner, last_resort=True),
            calendar=SQL.identifier(company, 'resource_calendar_id'),
            address=SQL.identifier(company, 'partner_id'),
            company_place=Zone._get_zone_sql('address'),
            company_last_resort=Zone._get_zone_sql('address', last_resort=True),
        )
        return Zone._get_server_zone_sql(stored)

    def _get_own_time_zone_sql(self, partner: str) -> SQL:
        """Return ``tz`` where it is that of the contact himself, else NULL.

        :param partner: alias of ``res_partner`` in the statement
        """
        return SQL(
            'CASE WHEN EXISTS (SELECT FROM res_users AS own_user'
            ' WHERE own_user.partner_id = %(id)s AND own_user.active'
            ' AND (own_user.share IS NOT TRUE OR EXISTS ('
            'SELECT FROM res_users_log AS login WHERE login.create_uid = own_user.id)))'
            " THEN NULLIF(%(tz)s, '') END",
            id=SQL.identifier(partner, 'id'),
            tz=SQL.identifier(partner, 'tz'),
        )
