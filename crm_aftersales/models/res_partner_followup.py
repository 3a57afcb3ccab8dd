from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """What is held of customers who were not satisfied."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            PersonalData(
                key='aftersales.followup',
                label=self.env._("Bad Scores"),
                model='aftersales.followup',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('create_date', 'kind', 'score', 'comment', 'outcome', 'note'),
                on_erase='anonymise',
                reason=self.env._("The score counts; what was said goes."),
                values={'comment': False, 'note': False},
            ),
        ]
