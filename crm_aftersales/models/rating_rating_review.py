from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class RatingRating(models.Model):
    """What everybody can read about us, and our answer below it.

    The answer is core's comment of the publisher: it asks for write access on what was reviewed, or
    for an editor of the website.
    """

    _inherit = 'rating.rating'

    is_public_review = fields.Boolean(
        string="Public Review",
        compute='_compute_is_public_review',
        search='_search_is_public_review',
        help="Written on a published page of the website, where everybody reads it.",
    )

    def _compute_is_public_review(self):
        public = self.filtered_domain(self._get_public_review_domain()) if self else self
        for rating in self:
            rating.is_public_review = rating in public

    def _search_is_public_review(self, operator, value):
        if operator != 'in':
            return NotImplemented
        domain = self._get_public_review_domain()
        return domain if True in value else ~domain

    @api.model
    def _get_public_review_domain(self) -> Domain:
        """Return the reviews on published pages; what was said inside of requests is not public."""
        pages = Domain.OR(
            Domain('res_model', '=', model)
            & Domain('res_id', 'in', self.env[model]._search(published))
            for model, published in self._get_reviewed_models().items()
        )
        said = Domain('consumed', '=', True) & Domain('rating', '>=', 1)
        return pages & said & Domain('is_internal', '=', False) & Domain('message_id', '!=', False)

    @api.model
    def _get_reviewed_models(self) -> dict[str, Domain]:
        """Return the models whose pages show reviews, each with the domain of published records."""
        published = Domain('website_published', '=', True)
        return {
            name: published
            for name, model in self.env.registry.items()
            if not model._abstract
            and {'website_published', 'rating_avg'} <= model._fields.keys()
            and self.env[name].has_access('read')
        }

    def action_answer_review(self) -> dict:
        """Open the form for our answer.

        :return: window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Answer Publicly"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(self.env.ref('crm_aftersales.rating_rating_view_form_review').id, 'form')],
            'target': 'new',
        }

    def action_add_opinion(self) -> dict:
        """Open the opinion made of this review; the first time it is made.

        :return: window action
        """
        self.ensure_one()
        if not (self.feedback or '').strip():
            raise UserError(self.env._("A score without words is no opinion."))
        opinion = self.env['aftersales.opinion']._find_readable([('rating_id', '=', self.id)])
        if not opinion:
            opinion = opinion.create(self._prepare_opinion_vals())
        return opinion.get_formview_action()

    def _prepare_opinion_vals(self) -> dict:
        """Return the values of the opinion a review holds."""
        self.ensure_one()
        sentiments = {'top': 'positive', 'ok': 'neutral', 'ko': 'negative'}
        reviewed = self.env[self.res_model].sudo().browse(self.res_id).exists()
        company = reviewed.company_id if 'company_id' in reviewed else self.env.company.browse()
        return {
            'company_id': (company or self.env.company).id,
            'rating_id': self.id,
            'partner_id': self.partner_id.id,
            'source': 'review',
            'date': (self.rated_on or self.create_date).date(),
            'sentiment': sentiments.get(self.rating_text, 'neutral'),
            'text': self.feedback,
        }
