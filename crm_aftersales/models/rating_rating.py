from odoo import api, models

from .aftersales_feedback import MAX_COMMENT


class RatingRating(models.Model):
    """A bad rating of a request opens a follow-up."""

    _inherit = 'rating.rating'

    @api.model_create_multi
    def create(self, vals_list):
        ratings = super().create(vals_list)
        ratings._follow_up_bad_scores()
        return ratings

    def write(self, vals):
        result = super().write(vals)
        if {'rating', 'consumed'} & vals.keys():
            self._follow_up_bad_scores()
        return result

    def _follow_up_bad_scores(self) -> None:
        """Open the follow-ups of those that are bad, each once however often it is changed."""
        rated = self.sudo().filtered(lambda rating: rating.res_model == 'aftersales.request')
        # all at once: they are looked at one by one
        self.env['aftersales.request'].sudo().browse(rated.mapped('res_id')).fetch(['company_id'])
        bad = rated.filtered(lambda rating: rating._is_bad_score())
        if bad:
            self.env['aftersales.followup']._open(
                [rating._prepare_followup_vals() for rating in bad]
            )

    def _is_bad_score(self) -> bool:
        """Whether somebody has to see to it; 0 is no rating."""
        self.ensure_one()
        if self.res_model != 'aftersales.request' or not self.consumed or self.rating < 1:
            return False
        company = self.env[self.res_model].sudo().browse(self.res_id).company_id
        return company.aftersales_followup and self.rating <= company.aftersales_csat_bad

    def _prepare_followup_vals(self) -> dict:
        """Return what a follow-up has to know of the rating."""
        self.ensure_one()
        request = self.env['aftersales.request'].sudo().browse(self.res_id)
        return {
            'key': f'rating:{self.id}',
            'kind': 'csat',
            'score': self.rating,
            'comment': (self.feedback or '')[:MAX_COMMENT],
            'rating_id': self.id,
            'request_id': request.id,
            'partner_id': (self.partner_id or request.partner_id).id,
            'company_id': request.company_id.id,
            'team_id': request.team_id.id,
        }
