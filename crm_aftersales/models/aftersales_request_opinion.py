from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import html2plaintext

#: types of requests that are opinions, and what they say of us
SENTIMENT_OF_TYPE = {
    'opinion': 'neutral',
    'suggestion': 'neutral',
    'praise': 'positive',
    'complaint': 'negative',
    'quality': 'negative',
}


class AftersalesRequest(models.Model):
    """What is said in a request stands in the file of opinions, too."""

    _inherit = 'aftersales.request'

    is_opinion = fields.Boolean(compute='_compute_is_opinion')

    def _compute_is_opinion(self):
        for request in self:
            request.is_opinion = request.type_id.code in SENTIMENT_OF_TYPE

    def action_add_opinion(self) -> dict:
        """Open the opinion a request holds; the first time it is made of the request.

        :return: window action
        """
        self.ensure_one()
        if not self.is_opinion:
            raise UserError(
                self.env._("Suggestions, praise, complaints and opinions belong in the file.")
            )
        # no field: conditions of mailings, which run in elevated rights, must not lead to opinions
        self.sudo()._bump_version()  # a second press of the button finds what the first one made
        opinions = self.env['aftersales.opinion']
        opinion = opinions._find_readable([('request_id', '=', self.id)])
        if not opinion:
            opinion = opinions.create(self._prepare_opinion_vals())
        return opinion.get_formview_action()

    def _prepare_opinion_vals(self) -> dict:
        """Return the values of the opinion a request holds."""
        self.ensure_one()
        text = html2plaintext(self.description or '').strip()
        return {
            'company_id': self.company_id.id,
            'partner_id': self.partner_id.id,
            'date': fields.Datetime.context_timestamp(self, self.date_received).date(),
            'source': 'case',
            'sentiment': SENTIMENT_OF_TYPE.get(self.type_id.code, 'neutral'),
            'text': f'{self.name}\n{text}'.strip(),
            'request_id': self.id,
            'user_id': self.user_id.id,
        }
