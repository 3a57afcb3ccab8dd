from __future__ import annotations

from typing import NamedTuple

from odoo import api, models
from odoo.tools.misc import hash_sign, verify_hash_signed

#: how long the links in a message work
LINK_DAYS = 400
CONFIRM_DAYS = 7

SCOPE_PREFERENCES = 'crm_customer.preferences'
SCOPE_UNSUBSCRIBE = 'crm_customer.unsubscribe'
SCOPE_CONFIRM = 'crm_customer.consent_confirm'


class Link(NamedTuple):
    """What stands in a link that came back."""

    #: of today, after merges
    person: models.BaseModel
    company: models.BaseModel
    #: by which it was sent
    channel: str
    #: to which address, '' when to none
    address_hash: str
    #: what else it is for
    values: list[str]

    def is_for_present_address(self) -> bool:
        """Return whether its customer still has the address; a former one decides nothing."""
        present = self.person._get_address_hash(self.channel)
        return self.address_hash in ('', present)

    def get_mailbox(self) -> str:
        """Return the hash of the mailbox whose owner has opened it, '' when it is not known."""
        return self.address_hash if self.channel == 'email' else ''


class CrmPerson(models.Model):
    """Links that let a customer decide without logging in.

    They hold a random key, what they are for and a keyed hash of the address they go to, signed;
    nothing that says who it is.
    """

    _inherit = 'crm.person'

    def _get_preference_url(
        self, company, channel: str = 'email', address_hash: str | None = None
    ) -> str:
        """Return the link to the page on which a customer chooses what he gets.

        :param company: ``res.company`` whose messages it is about
        :param channel: by which it is sent, as ``messaging.CHANNELS``
        :param address_hash: of the address it goes to, by default the present one of the channel;
            '' when to none, as on paper
        """
        token = self._sign_link(SCOPE_PREFERENCES, company, channel, address_hash, days=LINK_DAYS)
        return f'{company.get_base_url()}/crm/preferences/{token}'

    def _get_unsubscribe_url(self, company, purpose: str, channel: str) -> str:
        """Return the link that unsubscribes: at once by POST (RFC 8058), after a click by GET.

        :param company: ``res.company`` whose messages it is about
        :param purpose: as ``messaging.PURPOSES``
        :param channel: as ``messaging.CHANNELS``; it is sent by it too
        """
        token = self._sign_link(SCOPE_UNSUBSCRIBE, company, channel, None, purpose, days=LINK_DAYS)
        return f'{company.get_base_url()}/crm/unsubscribe/{token}'

    def _get_confirm_url(self, company, purposes, channel: str) -> str:
        """Return the link by which the owner of an address confirms that he agrees.

        :param company: ``res.company`` whose messages it is about
        """
        token = self._sign_link(
            SCOPE_CONFIRM, company, channel, None, ','.join(purposes), days=CONFIRM_DAYS
        )
        return f'{company.get_base_url()}/crm/consent/{token}'

    def _sign_link(
        self,
        scope: str,
        company,
        channel: str,
        address_hash: str | None,
        *values: str,
        days: int,
    ) -> str:
        """Return the end of a link that opens for who got it, as long as the address is his."""
        self.ensure_one()
        if address_hash is None:
            address_hash = self._get_address_hash(channel)
        payload = [self.sudo().person_key, company.id, channel, address_hash, *values]
        return hash_sign(self.sudo().env, scope, payload, expiration_hours=days * 24)

    @api.model
    def _read_link(self, scope: str, token: str) -> Link | None:
        """Read a link that came from outside.

        :param scope: what the link must be for
        :param token: whatever stood in the address
        :return: None when the link is false, too old, or its person or company is gone
        """
        try:
            payload = verify_hash_signed(self.sudo().env, scope, token)
        except Exception:  # noqa: BLE001  what a stranger sends is decoded here
            return None
        if not payload:
            return None
        person_key, company_id, channel, address_hash, *values = payload
        person = self.sudo().search([('person_key', '=', person_key)])._get_survivors()
        company = self.env['res.company'].sudo().browse(company_id).exists()
        if not person or not company or person.erased_on or not person.partner_id:
            return None
        return Link(person, company, channel, address_hash, values)
