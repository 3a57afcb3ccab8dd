from odoo import fields, models

from odoo.addons.crm_customer.timeline import TimelineSource


class ResPartner(models.Model):
    _inherit = 'res.partner'

    call_hours = fields.Char(help="When this customer likes to be called.")

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        return [*super()._get_customer_timeline_sources(), self._get_timeline_source_calls()]

    def _get_timeline_source_calls(self) -> TimelineSource:
        return TimelineSource(
            key='{{ name | snake }}.call',
            label=self.env._("Phone Calls"),
            icon='fa-phone',
            model='{{ name | snake }}.call',
            domain=self._get_timeline_partner_domain('partner_id'),
            date_field='date',
            describe=lambda calls: calls._get_timeline_texts(),
            search_fields=('name',),
        )
