from odoo import models
from odoo.fields import Domain

from ..timeline import TimelineSource


class ResPartner(models.Model):
    """Customers and the notes on them; see ``crm.customer.note`` why no field leads there."""

    _inherit = 'res.partner'

    _shows_confidential = ('get_customer_timeline',)

    def _get_customer_timeline_sources(self):
        return [*super()._get_customer_timeline_sources(), self._get_timeline_source_notes()]

    def _get_timeline_source_notes(self) -> TimelineSource:
        return TimelineSource(
            key='crm.customer.note',
            label=self.env._("Customer Notes"),
            icon='fa-sticky-note-o',
            model='crm.customer.note',
            domain=Domain('active', '=', True)
            & Domain('partner_id', 'in', self._get_timeline_readable_partners()),
            date_field='date',
            describe=lambda notes: notes._get_timeline_texts(),
            search_fields=('text', 'category_id.name'),
            export_domain=Domain('visibility', '!=', 'confidential'),
        )

    def action_open_customer_notes(self) -> dict:
        """Open the notes on the customer and on the contacts of his company."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'crm_customer.crm_customer_note_action'
            ),
            'name': self.env._("Notes on %(customer)s", customer=self.display_name),
            'domain': [('partner_id', 'child_of', self.id)],
            'context': {'default_partner_id': self.id},
        }
