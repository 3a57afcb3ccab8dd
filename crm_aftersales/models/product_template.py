from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    aftersales_track_units = fields.Boolean(
        string="Register Customer Products",
        help="Each piece sold is registered with its owner, so that requests and warranty refer to"
        " it. Products with a warranty are registered in any case.",
    )
    aftersales_warranty_months = fields.Integer(
        string="Warranty (Months)",
        help="Given to pieces delivered from now on; pieces that customers own keep their warranty."
        " Zero: as the warranty policy says, and none without one.",
    )
    aftersales_warranty_policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        company_dependent=True,
        check_company=True,
        help="Empty: that of the product category, else of the company.",
    )
    aftersales_meter_type_id = fields.Many2one(
        comodel_name='aftersales.meter.type',
        string="Meter",
        check_company=True,
        index='btree_not_null',
        help="What a meter on each piece counts or measures, such as an odometer.",
    )
    aftersales_extension_months = fields.Integer(
        string="Extends Warranty by (Months)",
        help="What is sold is an extended warranty. Its own warranty policy, if any, says what it"
        " covers; otherwise it goes on as the warranty before. Zero: it is a product like others.",
    )
    aftersales_extension_start = fields.Selection(
        selection=[
            ('after', "When the warranty before ends"),
            ('today', "On the day it is sold"),
        ],
        string="Extension Starts",
        default='after',
        required=True,
    )

    _aftersales_extension_months_range = models.Constraint(
        'CHECK(aftersales_extension_months BETWEEN 0 AND 1200)',
        "A warranty lasts between 0 and 1200 months.",
    )
    _aftersales_warranty_months_positive = models.Constraint(
        'CHECK(aftersales_warranty_months BETWEEN 0 AND 1200)',
        "A warranty lasts between 0 and 1200 months.",
    )

    def _is_aftersales_tracked(self, company=None) -> bool:
        """Whether each piece sold is registered as a product of the customer.

        Goods are by the policy of their category too. That of the company speaks for what is
        registered, and makes nobody register all he sells.

        :param company: who sells it; wherever the user is working when left out
        """
        self.ensure_one()
        if self.aftersales_extension_months:
            return False
        if self.aftersales_track_units or self.aftersales_warranty_months > 0:
            return True
        template = self.sudo().with_company(company)
        if template.aftersales_warranty_policy_id:
            return True
        return self.type == 'consu' and bool(template.categ_id._get_warranty_policy())
