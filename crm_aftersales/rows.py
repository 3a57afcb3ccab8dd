"""Many rows in one statement: what an INSERT or UPDATE of any number of rows reads from."""

import json
from collections.abc import Iterable

from odoo.tools import SQL
from odoo.tools.json import json_default


def rows_sql(model, rows: list[dict], names: Iterable[str]) -> SQL:
    """Return an SQL table ``data`` with these rows, typed like the columns of a model.

    :param model: whose columns they are
    :param rows: values as the database stores them
    :param names: the columns
    """
    columns = SQL(', ').join(
        # a type the field itself names
        SQL('%s %s', SQL.identifier(name), SQL(_get_type(model, name)))  # pylint: disable=sql-injection
        for name in names
    )
    values = json.dumps(rows, default=json_default)
    return SQL('jsonb_to_recordset(%s::jsonb) AS data(%s)', values, columns)


def _get_type(model, name: str) -> str:
    return 'integer' if name == 'id' else model._fields[name].column_type[1]


def update_rows(model, rows: list[dict], names: Iterable[str]) -> None:
    """Write columns of many rows in one statement, past computed fields and rights.

    :param model: of the rows
    :param rows: values as the database stores them, with their ``id``
    :param names: the columns
    """
    if not rows:
        return
    names = [*names]
    model.env.execute_query(
        SQL(
            'UPDATE %(table)s SET %(sets)s FROM %(rows)s WHERE %(table)s.id = data.id'
            ' RETURNING %(table)s.id',
            table=SQL.identifier(model._table),
            sets=SQL(', ').join(
                SQL('%s = %s', SQL.identifier(name), SQL.identifier('data', name)) for name in names
            ),
            rows=rows_sql(model, rows, ['id', *names]),
        )
    )
    model.browse(row['id'] for row in rows).invalidate_recordset(names, flush=False)


def insert_rows(model, rows: list[dict]) -> None:
    """Insert many rows in one statement, past ``create``, rights and computed fields.

    :param model: of the rows
    :param rows: values as the database stores them, all of the same columns
    """
    if not rows:
        return
    uid, now = model.env.uid, model.env.cr.now()
    audit = {'create_uid': uid, 'create_date': now, 'write_uid': uid, 'write_date': now}
    rows = [{**row, **audit} for row in rows]
    names = [*rows[0]]
    model.env.execute_query(
        SQL(
            'INSERT INTO %s (%s) SELECT %s FROM %s RETURNING id',
            SQL.identifier(model._table),
            SQL(', ').join(map(SQL.identifier, names)),
            SQL(', ').join(SQL.identifier('data', name) for name in names),
            rows_sql(model, rows, names),
        )
    )
    model.invalidate_model(flush=False)


def without_deleted(model, rows: list[dict], names: Iterable[str]) -> list[dict]:
    """Return rows that point to no record that was deleted since.

    :param model: of the rows
    :param rows: values as the database stores them
    :param names: columns with ids of other records
    """
    for name in names:
        ids = {row[name] for row in rows if row[name]}
        records = model.env[model._fields[name].comodel_name].browse(ids)
        gone = ids.difference(records.exists().ids)
        rows = [{**row, name: None} if row[name] in gone else row for row in rows]
    return rows
