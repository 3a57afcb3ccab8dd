from odoo import api, fields, models
from odoo.tools import SQL

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
    address_hash = fields.Char(
        readonly=True, help="Mailbox an agreement to e-mails was given for, as a keyed hash."
    )
    since = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)

    _person_unique = models.UniqueIndex('(person_id, company_id, purpose, channel)')

    def _get_present_status(self) -> str:
        """Return what holds now, as ``messaging.CONSENT_STATUSES``.

        Where a company has agreements confirmed, one that was given for another mailbox than the
        present waits for it, whoever changed the address and however: nothing needs to notice.
        """
        self.ensure_one()
        if not (
            self.status == 'in'
            and self.channel == 'email'
            and self.company_id.sudo().crm_consent_confirm
        ):
            return self.status
        present = self.person_id._get_address_hash('email')
        return 'in' if (self.address_hash or '') == present else 'pending'

    @api.model
    def _get_moved_sql(self, consent: str, company: str, partner: str) -> SQL:
        """Return the condition that an agreement waits for a new mailbox; it is never NULL.

        :param consent: alias of ``crm_consent`` in the statement
        :param company: alias of its ``res_company``
        :param partner: alias of the ``res_partner`` of its person
        """
        email = SQL.identifier(partner, 'email_normalized')
        return SQL(
            "%(confirm)s IS TRUE AND %(status)s = 'in' AND %(channel)s = 'email'"
            ' AND %(known)s IS DISTINCT FROM %(present)s',
            confirm=SQL.identifier(company, 'crm_consent_confirm'),
            status=SQL.identifier(consent, 'status'),
            channel=SQL.identifier(consent, 'channel'),
            known=SQL.identifier(consent, 'address_hash'),
            present=self.env['crm.person.address']._hash_sql('email', email),
        )
