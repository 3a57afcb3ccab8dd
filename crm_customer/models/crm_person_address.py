from __future__ import annotations

from collections.abc import Collection, Iterable

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from ..messaging import ADDRESS_KINDS, CHANNELS
from ..secret import hash_sql, hash_text

#: holds a hash of its own name, by which another secret is noticed
SECRET_PARAMETER = 'crm_customer.secret_check'


class CrmPersonAddress(models.Model):
    """Addresses that are remembered after their contact is gone, as keyed hashes.

    An address with a suppressed row gets orders, service and safety messages only, whichever
    contact it belongs to now: a customer who was erased stays left alone when he is imported again.
    A row without a company holds for all of them but those with a row that says otherwise.
    """

    _name = 'crm.person.address'
    _description = 'Remembered Address'
    _rec_name = 'address_hash'

    person_id = fields.Many2one(
        'crm.person', required=True, readonly=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one('res.company', readonly=True, ondelete='cascade')
    channel = fields.Selection(
        selection=[choice for choice in CHANNELS if choice[0] in ADDRESS_KINDS],
        required=True,
        readonly=True,
    )
    address_hash = fields.Char(required=True, readonly=True)
    suppressed = fields.Boolean(
        readonly=True, help="Nothing but orders, service and safety is sent to this address."
    )

    _person_unique = models.UniqueIndex(
        '(person_id, channel, address_hash, (COALESCE(company_id, 0)))'
    )
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
    def _get_suppressed_sql(self, channel: str, address: SQL, company: SQL | None = None) -> SQL:
        """Return the condition that an address gets no more than it must get.

        :param channel: 'email', 'sms' or 'phone'
        :param address: ``email_normalized`` or ``phone_sanitized`` of the row looked at
        :param company: id of the company that would write; any of them when not given
        """
        return SQL(
            'EXISTS (SELECT FROM crm_person_address AS known WHERE known.suppressed'
            ' AND known.channel = %s AND known.address_hash = %s AND %s)',
            channel,
            self._hash_sql(channel, address),
            SQL(
                '(known.company_id = %(company)s OR known.company_id IS NULL'
                ' AND NOT EXISTS (SELECT FROM crm_person_address AS freed'
                ' WHERE freed.person_id = known.person_id AND freed.channel = known.channel'
                ' AND freed.address_hash = known.address_hash AND NOT freed.suppressed'
                ' AND freed.company_id = %(company)s))',
                company=company,
            )
            if company
            else SQL('TRUE'),
        )

    @api.model
    def _search_suppressed(self, channel: str, hashes: Collection[str], company=None):
        """Return the rows because of which addresses get no more than they must.

        :param channel: 'email', 'sms' or 'phone'
        :param hashes: as :meth:`_hash` returns them
        :param company: ``res.company`` that would write; any of them when not given
        """
        domain = Domain('channel', '=', channel)
        domain &= Domain('address_hash', 'in', [key for key in hashes if key])
        if not company:
            return self.sudo().search(domain & Domain('suppressed', '=', True))
        rows = self.sudo().search(domain & Domain('company_id', 'in', [False, company.id]))
        freed = rows.filtered(lambda row: not row.suppressed and row.company_id)
        free = {(row.person_id, row.address_hash) for row in freed}
        return rows.filtered(
            lambda row: (
                row.suppressed and (row.company_id or (row.person_id, row.address_hash) not in free)
            )
        )

    @api.model
    def _suppress(self, person, channel_addresses: dict[str, str], company=None) -> None:
        """Leave addresses of a person alone from now on.

        :param person: ``crm.person`` they belong to
        :param channel_addresses: address by channel; empty ones are left out
        :param company: ``res.company`` that leaves them alone; all of them when not given
        """
        company_id = company.id if company else None
        self._suppress_all(
            (person.id, company_id, channel, address)
            for channel, address in channel_addresses.items()
        )

    @api.model
    def _suppress_all(self, rows: Iterable[tuple[int, int | None, str, str]]) -> None:
        """Leave many addresses alone, in one statement.

        :param rows: id of the person, id of the company or None, channel and address
        """
        now = self.env.cr.now()
        keys = {
            (person_id, company_id, channel, key)
            for person_id, company_id, channel, address in rows
            if (key := self._hash(channel, address))
        }
        if not keys:
            return
        self.flush_model()
        self._forget_freed(keys)
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_person_address'
                ' (person_id, company_id, channel, address_hash, suppressed,'
                ' create_uid, create_date)'
                ' VALUES %s ON CONFLICT'
                ' (person_id, channel, address_hash, (COALESCE(company_id, 0)))'
                ' DO UPDATE SET suppressed = true RETURNING id',
                SQL(', ').join(
                    SQL('(%s, %s::int4, %s, %s, true, %s, %s)', *key, self.env.uid, now)
                    for key in sorted(keys, key=str)
                ),
            )
        )
        self.invalidate_model(flush=False)
        parameters = self.env['ir.config_parameter'].sudo()
        if not parameters.get_param(SECRET_PARAMETER):
            parameters.set_param(SECRET_PARAMETER, hash_text(SECRET_PARAMETER))

    @api.model
    def _forget_freed(self, keys: Collection[tuple]) -> None:
        """Take back what single companies may, where all leave an address alone from now on.

        :param keys: id of the person, id of the company or None, channel and hash
        """
        general = [(key[0], *key[2:]) for key in keys if key[1] is None]
        if general:
            self.env.cr.execute(
                SQL(
                    'DELETE FROM crm_person_address WHERE NOT suppressed'
                    ' AND company_id IS NOT NULL'
                    ' AND (person_id, channel, address_hash) IN %s',
                    tuple(sorted(general)),
                )
            )

    @api.model
    def _lift(self, channel: str, address_hash: str, company) -> None:
        """Let one company write to an address again, as its owner asked himself.

        All others go on leaving it alone, also those that do not exist yet: beside a row for all
        companies stands one of this company that is not suppressed.

        :param channel: 'email', 'sms' or 'phone'
        :param company: ``res.company`` he asked
        """
        rows = self._search_suppressed(channel, [address_hash], company)
        rows.filtered('company_id').suppressed = False
        if general := rows - rows.filtered('company_id'):
            self.flush_model()
            self.env.execute_query(
                SQL(
                    'INSERT INTO crm_person_address (person_id, company_id, channel, address_hash,'
                    ' suppressed, create_uid, create_date)'
                    ' SELECT person_id, %s, channel, address_hash, false, %s, %s'
                    ' FROM crm_person_address WHERE id IN %s'
                    ' ON CONFLICT (person_id, channel, address_hash, (COALESCE(company_id, 0)))'
                    ' DO UPDATE SET suppressed = false RETURNING id',
                    company.id,
                    self.env.uid,
                    self.env.cr.now(),
                    tuple(general.ids),
                )
            )
            self.invalidate_model(flush=False)
