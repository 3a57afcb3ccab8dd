"""Taking the name of a customer out of rows that stay and that a key names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo.tools import SQL

from odoo.addons.crm_customer.privacy import BLANK

if TYPE_CHECKING:
    from odoo.models import BaseModel

    from odoo.addons.crm_customer.privacy import Redactor


def redact_keyed(redactor: Redactor, records: BaseModel, names: tuple[str, ...]) -> None:
    """Take the customer out of texts of records, and of keys that other systems gave.

    A key that named him is another one afterwards, and still the only one of its kind.

    :param records: records of one model with a unique ``key``
    :param names: the other fields
    """
    redactor.redact(records, names)
    if not records or not redactor.pattern:
        return
    records.flush_recordset()
    records.env.cr.execute(
        SQL(
            """UPDATE %s SET key = regexp_replace(key, %s, %s, 'gi') || '#' || id
                WHERE id IN %s AND %s""",
            SQL.identifier(records._table),
            redactor.pattern,
            BLANK,
            tuple(records.ids),
            redactor.get_match_sql(SQL('key')),
        )
    )
    records.invalidate_recordset(flush=False)
