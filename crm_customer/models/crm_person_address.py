from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

from ..messaging import ADDRESS_KINDS, CHANNELS
from ..secret import hash_sql, hash_text

#: holds a hash of its own name, by which another secret is noticed
SECRET_PARAMETER = 'crm_customer.secret_check'


class CrmPersonAddress(models.Model):
    """Addresses that are remembered after their contact is gone, as keyed hashes.

    An address with a suppressed row gets orders, service and safety messages only, whichever
    contact it belongs to now: a customer who was erased stays left alone when he is imported again.
    """

    _name = 'crm.person.address'
    _description = 'Remembered Address'
    _rec_name = 'address_hash'

    person_id = fields.Many2one(
        'crm.person', required=True, readonly=True, index=True, ondelete='restrict'
    )
    channel = fields.Selection(
        selection=[choice for choice in CHANNELS if choice[0] in ADDRESS_KINDS],
        required=True,
        readonly=True,
    )
    address_hash = fields.Char(required=True, readonly=True)
    suppressed = fields.Boolean(
        readonly=True, help="Nothing but orders, service and safety is sent to this address."
    )

    _person_unique = models.UniqueIndex('(person_id, channel, address_hash)')
    _suppressed = models.Index('(address_hash, channel) WHERE suppressed')

    @api.model
    def _hash(self, channel: str, address: str) -> str:
        """Return the keyed hash of an address, or '' when there is none.

        :param channel: 'email', 'sms' or 'phone'; the last two share their hashes
        :param address: any spelling of an e-mail address, or a number with country code
        """
        kind = ADDRESS_KINDS[channel]
        normal = self._normalize_address(kind, address)
        return hash_text(f'{kind}:{normal}') if normal else ''

    @api.model
    def _hash_sql(self, channel: str, address: SQL) -> SQL:
        """Return the expression of :meth:`_hash`, NULL when there is no address.

        :param channel: 'email', 'sms' or 'phone'
        :param address: ``email_normalized`` or ``phone_sanitized``
        """
        kind = ADDRESS_KINDS[channel]
        return SQL(
            "CASE WHEN %(address)s <> '' THEN %(hash)s END",
            address=address,
            hash=hash_sql(SQL('%s || %s', f'{kind}:', self._normalize_address_sql(kind, address))),
        )

    @api.model
    def _normalize_address(self, kind: str, address: str) -> str:
        if kind == 'email':
            address = email_normalize(address or '') or (address or '').strip()
            return ''.join(char.lower() if char.isascii() else char for char in address)
        return ''.join(char for char in address or '' if char in '+0123456789')

    @api.model
    def _normalize_address_sql(self, kind: str, address: SQL) -> SQL:
        if kind == 'email':
            return SQL('lower(btrim(%s) COLLATE "C")', address)
        return SQL("regexp_replace(%s, '[^+0-9]', '', 'g')", address)

    @api.model
    def _get_suppressed_sql(self, channel: str, address: SQL) -> SQL:
        """Return the condition that an address gets no more than it must get.

        :param channel: 'email', 'sms' or 'phone'
        :param address: ``email_normalized`` or ``phone_sanitized`` of the row looked at
        """
        return SQL(
            'EXISTS (SELECT FROM crm_person_address AS known WHERE known.suppressed'
            ' AND known.channel = %s AND known.address_hash = %s)',
            channel,
            self._hash_sql(channel, address),
        )

    @api.model
    def _suppress(self, person, channel_addresses: dict[str, str]) -> None:
        """Leave addresses alone from now on.

        :param person: ``crm.person`` they belong to
        :param channel_addresses: address by channel; empty ones are left out
        """
        now = self.env.cr.now()
        values = [
            SQL('(%s, %s, %s, true, %s, %s)', person.id, channel, key, self.env.uid, now)
            for channel, address in channel_addresses.items()
            if (key := self._hash(channel, address))
        ]
        if not values:
            return
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_person_address'
                ' (person_id, channel, address_hash, suppressed, create_uid, create_date)'
                ' VALUES %s ON CONFLICT (person_id, channel, address_hash)'
                ' DO UPDATE SET suppressed = true RETURNING id',
                SQL(', ').join(values),
            )
        )
        self.invalidate_model(flush=False)
        parameters = self.env['ir.config_parameter'].sudo()
        if not parameters.get_param(SECRET_PARAMETER):
            parameters.set_param(SECRET_PARAMETER, hash_text(SECRET_PARAMETER))

    @api.model
    def _lift(self, channel: str, address: str) -> None:
        """Write to an address again, as its owner asked himself."""
        rows = self.sudo().search(
            [
                ('address_hash', '=', self._hash(channel, address)),
                ('channel', '=', channel),
                ('suppressed', '=', True),
            ]
        )
        rows.suppressed = False
