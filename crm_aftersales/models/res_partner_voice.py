from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import BLANK, PersonalData
from odoo.addons.crm_customer.timeline import TimelineSource, TimelineText

from .res_partner import READER_GROUPS


class ResPartner(models.Model):
    """What customers said of us: on their form, on their time line, and as personal data."""

    _inherit = 'res.partner'

    aftersales_opinion_count = fields.Integer(
        string="Opinions Count",
        compute='_compute_aftersales_opinion_count',
        groups=READER_GROUPS,
    )

    def _compute_aftersales_opinion_count(self):
        counts = dict(
            self.env['aftersales.opinion']._read_group(
                [('commercial_partner_id', 'in', self.commercial_partner_id.ids)],
                ['commercial_partner_id'],
                ['__count'],
            )
        )
        for partner in self:
            partner.aftersales_opinion_count = counts.get(partner.commercial_partner_id, 0)

    def action_view_aftersales_opinions(self) -> dict:
        """Open what the customer said of us.

        :return: window action
        """
        return self._get_aftersales_action('crm_aftersales.aftersales_opinion_action')

    # ------------------------------------------------------------
    # Time line
    # ------------------------------------------------------------

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        return [*super()._get_customer_timeline_sources(), self._get_timeline_source_opinions()]

    def _get_timeline_source_opinions(self) -> TimelineSource:
        return TimelineSource(
            key='aftersales.opinion',
            label=self.env._("Opinions"),
            icon='fa-comment-o',
            model='aftersales.opinion',
            domain=self._get_aftersales_domain(),
            date_field='date',
            describe=self._describe_opinions,
            search_fields=('text', 'theme_id.name'),
            export_domain=Domain('visibility', '!=', 'confidential'),
        )

    def _describe_opinions(self, opinions) -> dict[int, TimelineText]:
        """Return what a customer's time line says about opinions."""
        states = dict(opinions._fields['state']._description_selection(self.env))
        return {
            opinion.id: TimelineText(
                title=opinion.theme_id.name or self.env._("Opinion"),
                body=opinion.text,
                state=states[opinion.state],
            )
            for opinion in opinions
        }

    # ------------------------------------------------------------
    # Personal data
    # ------------------------------------------------------------

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            PersonalData(
                key='aftersales.opinion',
                label=self.env._("Opinions"),
                model='aftersales.opinion',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('date', 'source', 'theme_id', 'sentiment', 'text', 'answer'),
                on_erase='anonymise',
                reason=self.env._("Theme and sentiment count; the words go."),
                erase=self._erase_opinions,
            ),
        ]

    def _erase_opinions(self, opinions, redactor) -> None:
        """Take out what the customer said and was told; what we did about it stays."""
        opinions.write({'text': BLANK})
        opinions.filtered('answer').write({'answer': BLANK})
        redactor.redact(opinions)
