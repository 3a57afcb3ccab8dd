from odoo import fields, models

PORTAL_ACCESS = [
    ('own', "Their own records only"),
    ('company', "All records of their company"),
]


class ResCompany(models.Model):
    _inherit = 'res.company'

    aftersales_portal_access = fields.Selection(
        selection=PORTAL_ACCESS,
        string="Contacts of a Customer See",
        required=True,
        default='company',
        help="What contacts of a company see on the portal: the products and requests in their own"
        " name, or those of all their colleagues.",
    )
    aftersales_form = fields.Boolean(
        string="Public Request Form",
        default=True,
        help="Everybody can raise a request without login, also by the QR code on a product.",
    )
    aftersales_form_contacts = fields.Boolean(
        string="Make Contacts of Senders",
        help="Who is not known becomes a contact at once, and gets a confirmation by e-mail."
        " Otherwise he is an address on the request until somebody answers.",
    )
    aftersales_notice_received = fields.Boolean(
        string="Request Received", default=True, help="Of what customers raise by themselves."
    )
    aftersales_notice_waiting = fields.Boolean(string="Waiting for the Customer", default=True)
    aftersales_notice_resolved = fields.Boolean(string="Request Resolved", default=True)
    aftersales_notice_sms = fields.Boolean(
        string="By SMS to Who Has No E-mail", help="Costs credits of your provider."
    )

    def write(self, vals):
        result = super().write(vals)
        if 'aftersales_portal_access' in vals:
            # who sees what is kept with the record rules of each visitor
            self.env.registry.clear_cache()
        return result
