"""What in the database points to a set of records, whichever addon it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from odoo.api import Environment
from odoo.models import BaseModel
from odoo.tools import SQL


class ForeignKey(NamedTuple):
    """A column that points to another table."""

    target: str
    table: str
    column: str
    is_relation: bool  # table of a many2many: two columns and no dates

    @property
    def name(self) -> str:
        """Name of the column in the whole database."""
        return f'{self.table}.{self.column}'


class Use(NamedTuple):
    """Rows of ``user`` that hang on records of ``target`` (names of tables), ``ids`` of them."""

    target: str
    user: str
    count: int
    ids: tuple[int, ...]


class UsageFinder:
    """Finds what hangs on some records, these records' own parts and links left out.

    :param env: environment
    :param records_by_model: the records, by name of their model
    """

    def __init__(self, env: Environment, records_by_model: dict[str, BaseModel]):
        self.env = env
        self.ids_by_table = {
            env[model]._table: tuple(records.ids)
            for model, records in records_by_model.items()
            if records
        }
        env.flush_all()

    def find_links(self) -> dict[str, list[list[int]]]:
        """Return the many2many links the records have now, by name of the column."""
        return {
            key.name: links
            for key in self._get_foreign_keys()
            if key.is_relation and (links := self._get_links(key))
        }

    def find_uses(
        self, known_links: dict[str, list[list[int]]], ignored_tables: Collection[str] = ()
    ) -> list[Use]:
        """Return what hangs on the records.

        :param known_links: links that are the records' own, as :meth:`find_links` returned them
        :param ignored_tables: tables whose rows may go with the records
        """
        uses = []
        for key in self._get_foreign_keys():
            if key.table in ignored_tables:
                continue
            if key.is_relation:
                user = self._get_other_column(key).target
                counts = self._count_links(key, known_links.get(key.name, []))
            else:
                user, counts = key.table, self._count_rows(key)
            if counts:
                uses.append(Use(key.target, user, sum(counts.values()), tuple(sorted(counts))))
        return uses

    def _get_foreign_keys(self) -> list[ForeignKey]:
        """Return the columns that point to the tables of the records."""
        tables = list(self.ids_by_table)
        return self._find_foreign_keys(SQL('con.confrelid = ANY(%s::regclass[])', tables))

    def _get_other_column(self, key: ForeignKey) -> ForeignKey:
        """Return the other column of a many2many table."""
        columns = self._find_foreign_keys(SQL('con.conrelid = %s::regclass', key.table))
        return next((column for column in columns if column.column != key.column), key)

    def _find_foreign_keys(self, condition: SQL) -> list[ForeignKey]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT con.confrelid::regclass::text, con.conrelid::regclass::text, att.attname,
                       NOT EXISTS (SELECT FROM pg_attribute
                                    WHERE attrelid = con.conrelid AND attname = 'create_date')
                  FROM pg_constraint con
                  JOIN pg_attribute att
                    ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
                 WHERE con.contype = 'f' AND %s
                 ORDER BY 1, 2, 3
                """,
                condition,
            )
        )
        return [ForeignKey(*row) for row in rows]

    def _get_links(self, key: ForeignKey) -> list[list[int]]:
        """Return the links as pairs: the record's id, and the id on the other side."""
        column, other = SQL.identifier(key.column), self._get_other_column(key)
        rows = self.env.execute_query(
            SQL(
                'SELECT %s, %s FROM %s WHERE %s IN %s',
                column,
                SQL.identifier(other.column),
                SQL.identifier(key.table),
                column,
                self.ids_by_table[key.target],
            )
        )
        return [list(row) for row in rows]

    def _count_links(self, key: ForeignKey, known: list[list[int]]) -> dict[int, int]:
        """Count by record the links that are neither known nor between two of the records."""
        inside = set(self.ids_by_table.get(self._get_other_column(key).target, ()))
        return Counter(
            link[0] for link in self._get_links(key) if link not in known and link[1] not in inside
        )

    def _count_rows(self, key: ForeignKey) -> dict[int, int]:
        """Count by record the rows that point to it and are not part of the records.

        What was made in the same transaction as the record is part of it, as its lines.
        """
        rows = self.env.execute_query(
            SQL(
                'SELECT made.id, count(*) FROM %s AS use JOIN %s AS made ON made.id = %s'
                ' WHERE made.id IN %s AND use.id <> ALL(%s)'
                ' AND use.create_date IS DISTINCT FROM made.create_date GROUP BY made.id',
                SQL.identifier(key.table),
                SQL.identifier(key.target),
                SQL.identifier('use', key.column),
                self.ids_by_table[key.target],
                list(self.ids_by_table.get(key.table, ())),
            )
        )
        return dict(rows)
