from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    aftersales_warranty_reminder_days = fields.Integer(
        string="Remind of Warranty Ends",
        help="Days before the last warranty of a product ends, on which its owner is told. Zero:"
        " nobody is told.",
    )
    aftersales_warranty_template_id = fields.Many2one(
        comodel_name='mail.template',
        string="Warranty Reminder",
        domain=[('model', '=', 'aftersales.warranty')],
        help="What owners are told. Empty: what comes with the addon.",
    )

    _aftersales_warranty_reminder_range = models.Constraint(
        'CHECK(aftersales_warranty_reminder_days BETWEEN 0 AND 3650)',
        "Customers are reminded 0 to 3650 days before.",
    )

    def _get_warranty_template(self):
        """Return what owners are told before a warranty ends; empty when it is gone."""
        self.ensure_one()
        own = self.aftersales_warranty_template_id
        name = 'crm_aftersales.mail_template_warranty_ends'
        return own or self.env.ref(name, raise_if_not_found=False) or own
