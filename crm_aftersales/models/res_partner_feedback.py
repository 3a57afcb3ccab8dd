from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """What customers answered when they were asked; who answered without name is not known."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            PersonalData(
                key='aftersales.feedback',
                label=self.env._("Answers to Surveys"),
                model='aftersales.feedback',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('date_asked', 'date', 'kind', 'score', 'comment'),
                on_erase='anonymise',
                reason=self.env._("The score counts; who gave it and his words go."),
                values={'comment': False, 'partner_id': False},
            ),
        ]
