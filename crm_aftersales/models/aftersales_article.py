from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import is_html_empty

from .aftersales_request_triage import code_field

PUBLISHER_GROUP = 'crm_aftersales.group_all'


class AftersalesArticle(models.Model):
    """A case that was solved, told so that the next one is solved sooner.

    Whoever solved it writes it down; the service desk decides what is published, and what of it
    customers may read.
    """

    _name = 'aftersales.article'
    _description = "Solution"
    _inherit = ['mail.thread']
    _order = 'name, id'
    _check_company_auto = True

    name = fields.Char(string="Title", required=True, translate=True, index='trigram')
    symptom = fields.Text(
        translate=True, index='trigram', help="What the customer sees; the words he may use."
    )
    solution = fields.Html(translate=True, help="What to do, step by step.")
    state = fields.Selection(
        selection=[('draft', "Draft"), ('published', "Published"), ('outdated', "Outdated")],
        string="Status",
        required=True,
        default='draft',
        copy=False,
        tracking=True,
    )
    is_public = fields.Boolean(
        string="For Customers",
        copy=False,
        tracking=True,
        help="Once it is published customers read it on the portal; otherwise staff only.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
        help="Empty: of all companies.",
    )

    # === When it helps ===
    product_tmpl_ids = fields.Many2many(
        comodel_name='product.template',
        string="Products",
        check_company=True,
        help="Empty, and no category: for all products.",
    )
    categ_ids = fields.Many2many(
        comodel_name='product.category', string="Product Categories", help="With those below them."
    )
    fault_code_id = code_field('fault', string="Fault", groups='base.group_user')
    cause_code_id = code_field('cause', string="Cause", groups='base.group_user')
    solution_code_id = code_field('solution', string="Solution Code", groups='base.group_user')

    # === Where it comes from ===
    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Solved Request",
        index='btree_not_null',
        ondelete='set null',
        copy=False,
        groups='base.group_user',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Written by",
        default=lambda self: self.env.user,
        index='btree_not_null',
        groups='base.group_user',
    )

    _published_idx = models.Index("(id) WHERE state = 'published' AND active")

    # ------------------------------------------------------------
    # PUBLISHING
    # ------------------------------------------------------------

    @api.model
    def _get_published_domain(self) -> Domain:
        """Return the articles staff may rely on, in the companies at hand."""
        return Domain('state', '=', 'published') & Domain(
            'company_id', 'in', [False, *self.env.companies.ids]
        )

    @api.model
    def _get_public_domain(self) -> Domain:
        """Return the articles customers may read."""
        return self._get_published_domain() & Domain('is_public', '=', True)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._ensure_can_publish(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._ensure_can_publish(vals)
        return super().write(vals)

    @api.model
    def _ensure_can_publish(self, vals: dict) -> None:
        """Refuse what only the service desk decides.

        :param vals: to be created or written
        :raise AccessError: a technician publishes
        """
        publishes = vals.get('state', 'draft') != 'draft' or vals.get('is_public')
        if publishes and not (self.env.su or self.env.user.has_group(PUBLISHER_GROUP)):
            raise AccessError(
                self.env._("The service desk publishes solutions. Leave yours as a draft.")
            )

    def action_publish(self) -> None:
        """Offer the articles at intake, and to customers those that are for them."""
        for article in self:
            if is_html_empty(article.solution):
                raise UserError(self.env._("Write the solution first."))
        self.write({'state': 'published'})

    def action_outdate(self) -> None:
        """Offer the articles no more."""
        self.write({'state': 'outdated'})

    def action_draft(self) -> None:
        """Work on the articles again."""
        self.write({'state': 'draft'})
