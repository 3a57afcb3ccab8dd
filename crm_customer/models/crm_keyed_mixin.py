from __future__ import annotations

from collections.abc import Iterable

from odoo import fields, models
from odoo.api import ValuesType
from odoo.tools import SQL


class CrmKeyedMixin(models.AbstractModel):
    """Rows that must exist once, whatever runs twice or at the same time.

    A key says origin + event + target quantity, never a counter.  A plain second INSERT would be
    refused to the user as a duplicate; here it does nothing, or, when the first one was committed
    after this transaction began, raises a serialization failure that Odoo retries.
    """

    _name = 'crm.keyed.mixin'
    _description = 'Rows With a Unique Key'

    key = fields.Char(
        readonly=True,
        copy=False,
        help="Says what the row was made for; a second row with this key is never made.",
    )

    _key_unique = models.UniqueIndex('(key) WHERE key IS NOT NULL')

    def _get_key_conflict_target(self) -> SQL:
        """Return the columns and condition of the unique index on the key."""
        return SQL('(key) WHERE key IS NOT NULL')

    def _insert_keyed(self, vals_list: Iterable[ValuesType]) -> CrmKeyedMixin:
        """Insert the rows whose key does not exist yet, in one statement.

        Meant for append-only rows: defaults, audit columns and computed fields are filled, but
        overrides of ``create`` do not run and Python constraints are not checked.

        :param vals_list: values of stored columns; each with its ``key``
        :return: the rows really inserted
        """
        rows = [self._prepare_keyed_vals(vals) for vals in vals_list]
        if not rows:
            return self.browse()
        columns = sorted({name for row in rows for name in row})
        values = SQL(', ').join(
            SQL('(%s)', SQL(', ').join(self._to_insert_value(name, row) for name in columns))
            for row in rows
        )
        self.env.flush_all()  # rows we point to must be in the database
        inserted = self.env.execute_query(
            SQL(
                'INSERT INTO %s (%s) VALUES %s ON CONFLICT %s DO NOTHING RETURNING id',
                SQL.identifier(self._table),
                SQL(', ').join(map(SQL.identifier, columns)),
                values,
                self._get_key_conflict_target(),
            )
        )
        records = self.browse(row_id for (row_id,) in inserted)
        records._keyed_after_insert(columns)
        return records

    def _prepare_keyed_vals(self, vals: ValuesType) -> ValuesType:
        """Return the values with defaults and audit columns."""
        if not vals.get('key'):
            raise ValueError(f"A row of {self._name} to be inserted once needs a key: {vals}")
        now = self.env.cr.now()
        defaults = {
            name: value
            for name, value in self._add_missing_default_values(vals).items()
            if self._is_column(name)
        }
        return {
            **defaults,
            **vals,
            'create_uid': self.env.uid,
            'create_date': now,
            'write_uid': self.env.uid,
            'write_date': now,
        }

    def _to_insert_value(self, name: str, vals: ValuesType):
        """Return the value of one column, or the column's default."""
        if not self._is_column(name):
            raise ValueError(f"{self._name}.{name} is not a column and cannot be inserted by key.")
        if name not in vals:
            return SQL('DEFAULT')
        return self._fields[name].convert_to_column_insert(vals[name], self, vals)

    def _is_column(self, name: str) -> bool:
        field = self._fields[name]
        return bool(field.store and field.column_type)

    def _keyed_after_insert(self, columns: list[str]) -> None:
        """Make the rows known to the cache and mark what is computed from them."""
        given = [self._fields[name] for name in columns if self._fields[name].compute]
        with self.env.protecting(given, self):
            self.modified(self._fields, create=True)
