from __future__ import annotations

from dataclasses import dataclass, field

import psycopg2

from odoo import models
from odoo.api import ValuesType
from odoo.fields import Command, Field
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

#: context key of an import by ``crm.import``: ``update``, ``fill`` or ``skip``
EXISTING = 'crm_import_existing'


@dataclass(eq=False)
class ImportTally:
    """The records a ``load()`` found, and those of them it changed; in the context.

    No two are equal: Odoo gives an environment again whose context is equal, and with it would
    come the tally of another ``load()``.
    """

    found: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)


class CrmImportMixin(models.AbstractModel):
    """What ``load()`` does with records that are there already, when ``crm.import`` calls it.

    Every model of a template inherits it.  Not ``base``: Odoo checks the tables of all models that
    extend what an addon extends, and would tighten foreign keys of core's own.
    """

    _name = 'crm.import.mixin'
    _description = 'Records Brought In by Files'

    def _load_records_write(self, values: ValuesType) -> None:
        existing = self.env.context.get(EXISTING)
        if not existing:
            return super()._load_records_write(values)
        tally = self.env.context['crm_import_tally']
        tally.found.add(self.id)
        values = get_changes(self, values, existing)
        if not values:
            return None
        tally.changed.add(self.id)
        return super()._load_records_write(values)

    def _sql_error_to_message(self, exc: psycopg2.Error) -> str:
        # load() would report it as a wrong value; the job tries the rows again
        if EXISTING in self.env.context and isinstance(exc, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            raise exc
        return super()._sql_error_to_message(exc)


def get_changes(
    record: models.BaseModel, values: ValuesType, existing: str = 'update'
) -> ValuesType:
    """Return what to write: nothing when the record is as the file says.

    An empty value empties nothing. Computed fields go along with what differs: a price would be
    computed anew from a quantity that is written alone.

    :param values: as ``load()`` converted them
    :param existing: ``update``; ``fill`` keeps what is there, ``skip`` keeps everything
    """
    given = {}
    differs = False
    for name, value in values.items():
        field_ = record._fields.get(name)
        if field_ is None or existing == 'skip' or (existing == 'fill' and record[name]):
            continue
        if field_.type == 'one2many':
            value = get_line_changes(record[name], value or [])
            same = not value
        elif value is False and field_.type != 'boolean':
            continue
        else:
            same = is_same(record, field_, value)
        differs = differs or not same
        if field_.compute or not same:
            given[name] = value
    return given if differs else {}


def get_line_changes(lines: models.BaseModel, commands: list) -> list:
    """Return the commands on the lines of a record that change something."""
    changes = []
    for command in commands:
        operation, line_id, values = (*command, None)[:3]
        if operation == Command.UPDATE:
            values = get_changes(lines.browse(line_id), values)
            if values:
                changes.append(Command.update(line_id, values))
        elif operation != Command.LINK or line_id not in lines.ids:
            changes.append(command)
    return changes


def is_same(record: models.BaseModel, field_: Field, value) -> bool:
    """Return whether a value that ``load()`` converted is the one the record has."""
    if field_.type == 'many2many':
        ids = {
            id_
            for command in value
            for id_ in (command[2] if command[0] == Command.SET else [command[1]])
        }
        return set(record[field_.name].ids) == ids
    if field_.type in ('properties', 'reference'):
        return False
    new = field_.convert_to_cache(value, record, validate=False)
    return new == field_.convert_to_cache(record[field_.name], record, validate=False)
