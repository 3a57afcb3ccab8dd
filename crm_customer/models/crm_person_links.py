from __future__ import annotations

from odoo import api, models
from odoo.tools.misc import hash_sign, verify_hash_signed

#: how long the links in a message work
LINK_DAYS = 400
CONFIRM_DAYS = 7

SCOPE_PREFERENCES = 'crm_customer.preferences'
SCOPE_UNSUBSCRIBE = 'crm_customer.unsubscribe'
SCOPE_CONFIRM = 'crm_customer.consent_confirm'


class CrmPerson(models.Model):
    """Links that let a customer decide without logging in.

    They hold a random key and what they are for, signed; nothing that says who it is.
    """

    _inherit = 'crm.person'

    def _get_preference_url(self, company, mailbox: str | None = None) -> str:
        """Return the link to the page on which a customer chooses what he gets.

        It names the mailbox it goes to: who opens it later may agree for no other.

        :param company: ``res.company`` whose messages it is about
        :param mailbox: hash of the e-mail address it goes to, '' when to none; by default of the
            present one
        """
        mailbox = self._get_address_hash('email') if mailbox is None else mailbox
        token = self._sign_link(SCOPE_PREFERENCES, company, mailbox, days=LINK_DAYS)
        return f'{company.get_base_url()}/crm/preferences/{token}'

    def _get_unsubscribe_url(self, company, purpose: str, channel: str) -> str:
        """Return the link that unsubscribes: at once by POST (RFC 8058), after a click by GET.

        :param company: ``res.company`` whose messages it is about
        :param purpose: as ``messaging.PURPOSES``
        :param channel: as ``messaging.CHANNELS``
        """
        mailbox = self._get_address_hash('email') if channel == 'email' else ''
        token = self._sign_link(
            SCOPE_UNSUBSCRIBE, company, purpose, channel, mailbox, days=LINK_DAYS
        )
        return f'{company.get_base_url()}/crm/unsubscribe/{token}'

    def _get_confirm_url(self, company, purposes, channel: str) -> str:
        """Return the link by which the owner of an address confirms that he agrees.

        :param company: ``res.company`` whose messages it is about
        """
        values = (','.join(purposes), channel, self._get_address_hash(channel))
        token = self._sign_link(SCOPE_CONFIRM, company, *values, days=CONFIRM_DAYS)
        return f'{company.get_base_url()}/crm/consent/{token}'

    def _sign_link(self, scope: str, company, *values: str, days: int) -> str:
        self.ensure_one()
        payload = [self.sudo().person_key, company.id, *values]
        return hash_sign(self.sudo().env, scope, payload, expiration_hours=days * 24)

    @api.model
    def _read_link(self, scope: str, token: str) -> tuple | None:
        """Read a link that came from outside.

        :param scope: what the link must be for
        :param token: whatever stood in the address
        :return: person (of today, after merges), company and the link's values; None when the link
            is false, too old, or its person or company is gone
        """
        try:
            payload = verify_hash_signed(self.sudo().env, scope, token)
        except Exception:  # noqa: BLE001  what a stranger sends is decoded here
            return None
        if not payload:
            return None
        person_key, company_id, *values = payload
        person = self.sudo().search([('person_key', '=', person_key)])._get_survivors()
        company = self.env['res.company'].sudo().browse(company_id).exists()
        if not person or not company or person.erased_on or not person.partner_id:
            return None
        return person, company, values
