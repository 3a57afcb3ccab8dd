from __future__ import annotations

from dataclasses import dataclass, field

import psycopg2

from odoo import models
from odoo.api import ValuesType
from odoo.fields import Command
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

#: context key of an import by ``crm.import``: ``update``, ``fill`` or ``skip``
EXISTING = 'crm_import_existing'


@dataclass
class ImportTally:
    """The records a ``load()`` found, and those of them it changed; in the context."""

    found: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)


class Base(models.AbstractModel):
    """What ``load()`` does with records that are there already, when ``crm.import`` calls it."""

    _inherit = 'base'

    def _load_records_write(self, values: ValuesType) -> None:
        existing = self.env.context.get(EXISTING)
        if not existing:
            return super()._load_records_write(values)
        tally = self.env.context['crm_import_tally']
        tally.found.add(self.id)
        values = self._prepare_import_changes(values, existing)
        if not values:
            return None
        tally.changed.add(self.id)
        return super()._load_records_write(values)

    def _prepare_import_changes(self, values: ValuesType, existing: str = 'update') -> ValuesType:
        """Return what to write: nothing when the record is as the file says.

        An empty value empties nothing. Computed fields go along with what differs: a price would
        be computed anew from a quantity that is written alone.

        :param values: as ``load()`` converted them
        :param existing: ``update``; ``fill`` keeps what is there, ``skip`` keeps everything
        """
        given = {}
        differs = False
        for name, value in values.items():
            field = self._fields.get(name)
            if field is None or existing == 'skip' or (existing == 'fill' and self[name]):
                continue
            if field.type == 'one2many':
                value = self._prepare_import_line_changes(name, value or [])
                same = not value
            elif value is False and field.type != 'boolean':
                continue
            else:
                same = self._is_import_value_same(field, value)
            differs = differs or not same
            if field.compute or not same:
                given[name] = value
        return given if differs else {}

    def _prepare_import_line_changes(self, name: str, commands: list) -> list:
        """Return the commands on the lines of a record that change something."""
        lines = self[name]
        changes = []
        for command in commands:
            operation, line_id, values = (*command, None)[:3]
            if operation == Command.UPDATE:
                line = lines.browse(line_id)
                values = line._prepare_import_changes(values)
                if values:
                    changes.append(Command.update(line_id, values))
            elif operation != Command.LINK or line_id not in lines.ids:
                changes.append(command)
        return changes

    def _is_import_value_same(self, field, value) -> bool:
        if field.type == 'many2many':
            ids = [id_ for command in value for id_ in self._get_import_linked_ids(command)]
            return set(self[field.name].ids) == set(ids)
        if field.type in ('properties', 'reference'):
            return False
        new = field.convert_to_cache(value, self, validate=False)
        return new == field.convert_to_cache(self[field.name], self, validate=False)

    def _get_import_linked_ids(self, command: tuple) -> list[int]:
        return command[2] if command[0] == Command.SET else [command[1]]

    def _sql_error_to_message(self, exc: psycopg2.Error) -> str:
        # load() would report it as a wrong value; the job tries the rows again
        if EXISTING in self.env.context and isinstance(exc, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            raise exc
        return super()._sql_error_to_message(exc)
