from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'crm.import.mixin']

    # === What the customer is to us ===
    customer_type_id = fields.Many2one('crm.customer.type', groups='base.group_user')
    customer_class_id = fields.Many2one('crm.customer.class', groups='base.group_user')
    customer_status_id = fields.Many2one('crm.customer.status', groups='base.group_user')
    customer_file_kind = fields.Selection(
        selection=[('person', "Person"), ('group', "Group"), ('supplier', "Supplier")],
        string="Kind of File",
        groups='base.group_user',
        help="A group is served as one, as a kindergarten or a club; a supplier sells to us.",
    )

    # === Files of groups and suppliers ===
    group_heads = fields.Integer(string="Heads", groups='base.group_user')
    group_needs = fields.Text(string="Needs", groups='base.group_user')
    supplier_kind = fields.Selection(
        selection=[
            ('maker', "Maker"),
            ('grower', "Farm or grower"),
            ('wholesaler', "Wholesaler"),
            ('importer', "Importer"),
            ('service', "Service"),
            ('other', "Other"),
        ],
        string="Kind of Supplier",
        groups='base.group_user',
    )
    supplier_market = fields.Char(
        string="Market", groups='base.group_user', help="Where and to whom the supplier sells."
    )
    supplier_strength = fields.Text(string="Strength", groups='base.group_user')

    # === The person ===
    customer_lang_ids = fields.Many2many(
        'res.lang',
        relation='res_partner_customer_lang_rel',
        string="Languages Spoken",
        context={'active_test': False},
        groups='base.group_user',
        help="All that the customer speaks, also those Odoo is not used in.",
    )
    household_id = fields.Many2one(
        'crm.household', index='btree_not_null', groups='base.group_user', ondelete='set null'
    )
    household_role = fields.Selection(
        selection=[
            ('head', "Head"),
            ('partner', "Partner"),
            ('child', "Child"),
            ('parent', "Parent"),
            ('other', "Other"),
        ],
        groups='base.group_user',
    )

    # === How good the file is ===
    customer_confirmed_on = fields.Date(
        string="Confirmed On",
        readonly=True,
        copy=False,
        groups='base.group_user',
        help="When somebody last made sure, with the customer, that the file is right.",
    )
    customer_confirmed_by_id = fields.Many2one(
        'res.users', string="Confirmed By", readonly=True, copy=False, groups='base.group_user'
    )

    @api.onchange('household_id')
    def _onchange_household_id(self):
        self.household_role = False  # the head of one household is not that of the next

    @api.constrains('household_id', 'is_company')
    def _check_household_member(self):
        for partner in self:
            if partner.is_company and partner.sudo().household_id:
                raise ValidationError(
                    self.env._(
                        "%(company)s is a company: take it out of its household first.",
                        company=partner.display_name,
                    )
                )

    @api.constrains('customer_confirmed_on')
    def _check_confirmed_on(self):
        # tomorrow has begun already for somebody
        last = fields.Date.today() + timedelta(days=1)
        for partner in self:
            if partner.customer_confirmed_on and partner.customer_confirmed_on > last:
                raise ValidationError(
                    self.env._("A file cannot have been confirmed on a day to come.")
                )

    @api.constrains('household_id', 'household_role')
    def _check_household_head(self):
        heads = (
            self.env['res.partner']
            .with_context(active_test=False)
            ._read_group(
                [('household_id', 'in', self.household_id.ids), ('household_role', '=', 'head')],
                groupby=['household_id'],
                having=[('__count', '>', 1)],
            )
        )
        if heads:
            raise ValidationError(
                self.env._(
                    "A household has one head: %(households)s",
                    households=[household.display_name for (household,) in heads],
                )
            )

    def action_confirm_customer_file(self) -> bool:
        """Record that the file was gone through with the customer today."""
        self.write(
            {
                'customer_confirmed_on': fields.Date.context_today(self),
                'customer_confirmed_by_id': self.env.uid,
            }
        )
        return True

    def _merge_customer_data(self, src_partners):
        """Keep a role in its household: nobody becomes the head of one he was no head of."""
        if self.is_company:
            src_partners.household_id = False
        if self.household_id:
            src_partners.write({'household_role': False})
        return super()._merge_customer_data(src_partners)
