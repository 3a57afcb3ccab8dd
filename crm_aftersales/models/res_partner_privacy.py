from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import BLANK, PersonalData

from .aftersales_request_stage import OPEN_STATES


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        domain = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='aftersales.request',
                label=self.env._("Service Requests"),
                model='aftersales.request',
                domain=domain,
                fields=('number', 'create_date', 'name', 'description', 'email_from', 'email_cc'),
                on_erase='anonymise',
                reason=self.env._(
                    "Kind, product and times stay: they are the history of the product."
                ),
                values={
                    'name': BLANK,
                    'description': False,
                    'email_from': False,
                    'email_cc': False,
                },
            ),
            PersonalData(
                key='rating.rating',
                label=self.env._("Ratings"),
                model='rating.rating',
                domain=domain,
                fields=('create_date', 'rating_text', 'feedback', 'res_name'),
                on_erase='anonymise',
                in_companies=self._get_ratings_of_companies,
                reason=self.env._("The score counts; what was written goes."),
                values={'feedback': False, 'publisher_comment': False},
            ),
            *super()._get_personal_data_sources(),
        ]

    def _get_ratings_of_companies(self, company_ids: list[int]) -> Domain:
        """Return the ratings that are not of requests of other companies."""
        requests = self.env['aftersales.request'].sudo().with_context(active_test=False)
        foreign = requests._search([('company_id', 'not in', company_ids)])
        return ~(Domain('res_model', '=', 'aftersales.request') & Domain('res_id', 'in', foreign))

    def _get_erasure_obstacles(self):
        obstacles = super()._get_erasure_obstacles()
        still_open = Domain('partner_id', 'in', self.ids) & Domain('state', 'in', OPEN_STATES)
        if count := self.env['aftersales.request'].sudo().search_count(still_open):
            obstacles.append(self.env._("Service requests still open: %(count)s.", count=count))
        return obstacles
