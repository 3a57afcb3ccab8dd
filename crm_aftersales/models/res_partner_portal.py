from odoo import fields, models
from odoo.fields import Domain

from .res_company_portal import PORTAL_ACCESS


class ResPartner(models.Model):
    """What the contacts of a customer see of each other's products and requests."""

    _inherit = 'res.partner'

    aftersales_portal_access = fields.Selection(
        selection=PORTAL_ACCESS,
        string="Its Contacts See",
        groups='crm_aftersales.group_all',
        help="What the contacts of this company see on the portal. Empty: as the settings say.",
    )

    def write(self, vals):
        result = super().write(vals)
        if 'aftersales_portal_access' in vals and self._has_portal_users():
            # who sees what is kept with the record rules of each visitor
            self.env.registry.clear_cache()
        return result

    def _get_aftersales_portal_domain(self) -> Domain:
        """Return the domain of the products or requests this contact sees on the portal.

        Record rules and pages share it. It consists of plain comparisons, so that the index on the
        customer is used however many customers there are.
        """
        partner = self.sudo()
        customer = partner.commercial_partner_id
        whole = Domain('commercial_partner_id', '=', customer.id)
        access = 'company' if customer == partner else customer.aftersales_portal_access
        if access == 'company':
            return whole
        own = Domain('partner_id', '=', partner.id)
        if not access:
            companies = self.env['res.company'].sudo()
            sharing = companies.search([('aftersales_portal_access', '=', 'company')])
            own |= Domain('company_id', 'in', sharing.ids)
        return whole & own
