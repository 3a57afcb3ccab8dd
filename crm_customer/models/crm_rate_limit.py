from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address, IPv6Network

from odoo import api, fields, models
from odoo.tools import SQL

from ..secret import hash_text

KEEP_HOURS = 24
#: what one visitor has of an IPv6 net: he may take another address of it for every try
VISITOR_PREFIX = 64


class CrmRateLimit(models.Model):
    """What was let through lately, to stop whoever tries too often.

    In the database, so that all workers and hosts count together.  Only hits that were let
    through are rows: a flood makes no more of them than the limit.
    """

    _name = 'crm.rate.limit'
    _description = 'Rate Limit'
    _log_access = False
    _order = 'id desc'

    scope = fields.Char(required=True, readonly=True)
    key_hash = fields.Char(required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True)

    _recent = models.Index('(scope, key_hash, date)')
    _old = models.Index('(date)')

    @api.model
    def _hit(self, scope: str, key: str, limit: int, seconds: int) -> bool:
        """Count a try and tell whether it may go on.

        It is counted at once and for good, on a connection of its own, whatever becomes of the
        request.  Tries at the same moment may exceed the limit by the number of workers.

        :param scope: what is limited, as ``'preferences'``
        :param key: who tries: an address (IPv6: its /64 is counted), a user; kept as a hash
        :param limit: how many are let through
        :param seconds: in how long a time, at most a day
        :return: False when there were too many
        """
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    INSERT INTO crm_rate_limit (scope, key_hash, date)
                    SELECT %(scope)s, %(key)s, clock_timestamp() AT TIME ZONE 'UTC'
                     WHERE (SELECT count(*) FROM crm_rate_limit
                             WHERE scope = %(scope)s AND key_hash = %(key)s
                               AND date > clock_timestamp() AT TIME ZONE 'UTC'
                                          - make_interval(secs => %(seconds)s)) < %(limit)s
                    RETURNING id
                    """,
                    scope=scope,
                    key=hash_text(f'{scope}:{self._get_visitor(key)}'),
                    seconds=seconds,
                    limit=limit,
                )
            )
            return bool(cr.rowcount)

    @api.model
    def _get_visitor(self, key: str) -> str:
        """Return what is counted for a key: all IPv6 addresses of one connection are one."""
        try:
            address = IPv6Address(key)
        except AddressValueError:
            return key
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, VISITOR_PREFIX), strict=False))

    @api.autovacuum
    def _gc_rate_limits(self) -> None:
        """Forget hits no limit looks at any more."""
        before = fields.Datetime.subtract(fields.Datetime.now(), hours=KEEP_HOURS)
        self.env.cr.execute(SQL('DELETE FROM crm_rate_limit WHERE date < %s', before))
