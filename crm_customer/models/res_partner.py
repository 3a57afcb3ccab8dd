from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get


class ResPartner(models.Model):
    _inherit = 'res.partner'

    customer_tz_choice = fields.Selection(
        selection=_tz_get,
        string="Customer's Time Zone",
        help="Chosen by the customer or by staff; without it the country decides.",
    )

    def _get_customer_tz_sql(self, partner: str, company: str) -> SQL:
        """Return the expression of a customer's time zone.

        :param partner: alias of ``res_partner`` in the statement
        :param company: alias of ``res_company`` in the statement, for customers of no known place
        """
        return SQL(
            "COALESCE(%s, (SELECT tz FROM resource_calendar WHERE id = %s), 'UTC')",
            SQL.identifier(partner, 'customer_tz_choice'),
            SQL.identifier(company, 'resource_calendar_id'),
        )
