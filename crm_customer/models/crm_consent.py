from odoo import fields, models

from ..messaging import CHANNELS, CONSENT_STATUSES, PURPOSES


class CrmConsent(models.Model):
    """Whether a person agreed to messages of a purpose by a channel from a company."""

    _name = 'crm.consent'
    _description = 'Consent'
    _order = 'person_id, company_id, purpose, channel'

    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, default=lambda self: self.env.company
    )
    person_id = fields.Many2one(
        'crm.person', required=True, readonly=True, ondelete='restrict', index=True
    )
    partner_id = fields.Many2one(related='person_id.partner_id')
    purpose = fields.Selection(selection=PURPOSES, required=True, readonly=True)
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    status = fields.Selection(selection=CONSENT_STATUSES, required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)

    _person_unique = models.UniqueIndex('(person_id, company_id, purpose, channel)')
