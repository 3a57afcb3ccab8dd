"""Tables that the database itself keeps from being changed, whoever tries."""

from collections.abc import Iterable

from odoo.models import BaseModel
from odoo.sql_db import BaseCursor
from odoo.tools import SQL


def refuse_changes(
    model: BaseModel,
    columns: Iterable[str],
    *,
    deletion: bool = False,
    unless: str | None = None,
) -> None:
    """Let PostgreSQL raise an exception where a fact of a table is changed; call it in ``init``.

    The function behind it stays when the table goes: call :func:`drop_refusal` in the
    ``uninstall_hook``.

    :param model: the model whose rows are added and never changed
    :param columns: the facts; other columns can be written
    :param deletion: rows cannot be deleted either
    :param unless: a setting of PostgreSQL (``addon.name``); a transaction in which it is
        ``'on'`` may update
    """
    table, name = model._table, _get_name(model._table)
    model.env.cr.execute(
        SQL(
            """
            CREATE OR REPLACE FUNCTION %(name)s() RETURNS trigger AS $$
            BEGIN
                IF current_setting(%(unless)s, true) = 'on' AND TG_OP = 'UPDATE' THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME;
            END $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS %(name)s ON %(table)s;
            CREATE TRIGGER %(name)s BEFORE %(events)s OF %(columns)s ON %(table)s
            FOR EACH ROW EXECUTE FUNCTION %(name)s()
            """,
            name=name,
            table=SQL.identifier(table),
            events=SQL('DELETE OR UPDATE') if deletion else SQL('UPDATE'),
            columns=SQL(', ').join(map(SQL.identifier, columns)),
            unless=unless,
        )
    )


def drop_refusal(cr: BaseCursor, table: str) -> None:
    """Take the function of :func:`refuse_changes` away, and its trigger with it."""
    cr.execute(SQL('DROP FUNCTION IF EXISTS %s() CASCADE', _get_name(table)))


def _get_name(table):
    return SQL.identifier(f'{table}_refuse')
