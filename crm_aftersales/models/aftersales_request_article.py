import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.crm_customer.privacy import BLANK

from .aftersales_request_stage import OPEN_STATES

#: what in a subject may lead to somebody: addresses, and numbers as long as those of phones
ADDRESS = re.compile(r'[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+')
PHONE = re.compile(r'\+?\d[\d ()/-]{5,}\d')


class AftersalesRequest(models.Model):
    """What is known already is offered at intake; what was found out becomes an article."""

    _inherit = 'aftersales.request'

    article_id = fields.Many2one(
        comodel_name='aftersales.article',
        string="Solved by",
        index='btree_not_null',
        ondelete='set null',
        copy=False,
        check_company=True,
        tracking=True,
        help="The published solution that helped.",
    )
    suggested_article_ids = fields.Many2many(
        comodel_name='aftersales.article',
        string="Known Solutions",
        compute='_compute_suggested_article_ids',
    )
    written_article_ids = fields.One2many(
        comodel_name='aftersales.article', inverse_name='request_id', string="Articles"
    )

    @api.depends('product_id', 'name', 'fault_code_id', 'cause_code_id', 'state')
    def _compute_suggested_article_ids(self):
        Article = self.env['aftersales.article']
        readable = Article.has_access('read')
        for request in self:
            wanted = readable and request.state in (False, *OPEN_STATES)
            request.suggested_article_ids = wanted and Article._search_solutions(request)

    def _use_article(self, article) -> None:
        """Note that an article is the solution, with its codes."""
        article.check_access('read')
        for request in self:
            request.write(request._prepare_article_use_vals(article))

    def _prepare_article_use_vals(self, article) -> dict:
        """Return what a request takes over of the article that solves it; what is known stays."""
        names = ('fault_code_id', 'cause_code_id', 'solution_code_id')
        codes = {name: article[name].id for name in names if article[name] and not self[name]}
        return {'article_id': article.id, **codes}

    # ------------------------------------------------------------
    # WRITING ONE
    # ------------------------------------------------------------

    def action_write_article(self) -> dict:
        """Make an article of what was solved, without anything personal, and open it.

        :return: window action
        """
        self.ensure_one()
        if self.state not in ('resolved', 'closed'):
            raise UserError(self.env._("Resolve the request first: an article tells what helped."))
        article = self.written_article_ids[:1]
        if not article:
            article = article.create(self._prepare_article_vals())
        return article.get_formview_action()

    def _prepare_article_vals(self) -> dict:
        """Return the values of the article: product and codes, and the subject without names.

        What the customer described is not taken over: nobody can tell by rule what in it is
        personal.
        """
        self.ensure_one()
        subject = self._strip_personal(self.name)
        return {
            'name': subject,
            'symptom': self.fault_code_id.name or subject,
            'company_id': self.company_id.id,
            'request_id': self.id,
            'product_tmpl_ids': self.product_id.product_tmpl_id.ids,
            'fault_code_id': self.fault_code_id.id,
            'cause_code_id': self.cause_code_id.id,
            'solution_code_id': self.solution_code_id.id,
        }

    def _strip_personal(self, text: str) -> str:
        """Return a text without the names of the customer and his product, addresses and phones."""
        text = PHONE.sub(BLANK, ADDRESS.sub(BLANK, text or ''))
        for term in self._get_personal_terms():
            text = re.sub(re.escape(term), BLANK, text, flags=re.IGNORECASE)
        return text

    def _get_personal_terms(self) -> list[str]:
        """Return what names the customer, the longest first."""
        partners = (self.partner_id | self.commercial_partner_id).sudo()
        names = {name for name in partners.mapped('name') if name}
        # of "Wang Fang" also "Wang"; short words of companies ("The") are no names
        parts = {
            part
            for partner in partners.filtered(lambda partner: not partner.is_company)
            for part in (partner.name or '').split()
            if len(part) > 1
        }
        numbers = {self.unit_id.serial, self.number} - {False}
        return sorted(names | parts | numbers, key=len, reverse=True)
