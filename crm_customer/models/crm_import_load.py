from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg2
from psycopg2.extras import execute_values

from odoo import api, models
from odoo.exceptions import UserError
from odoo.models import fix_import_export_id_paths
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..importing import ImportTemplate, ValueReader
from .crm_import_mixin import EXISTING, ImportTally

CHUNK = 200
ROW_LIMIT = 2000
EXTERNAL_ID_PREFIX = '__import__.'
NATURAL = '='  # begins a key that is no external id
#: what refuses values, and not the work
REFUSALS = (UserError, ValueError, psycopg2.IntegrityError, psycopg2.DataError)


@dataclass
class ImportRecord:
    """A record of the file: its rows, and what became of it."""

    number: int
    key: str
    rows: list[list[str]]
    state: str = ''
    reason: str = ''
    res_id: int | None = None
    #: number of the database, when the record is there already
    existing_id: int | None = None
    #: values of further columns, by path, for the first row
    extra: dict[str, str] = field(default_factory=dict)
    #: positions of cells that say something that cannot be read
    unread: set[int] = field(default_factory=set)

    @property
    def cells(self) -> list[str]:
        """The first row, with what the record itself has."""
        return self.rows[0]

    def refuse(self, reason: str) -> None:
        """Leave the record out.

        :param reason: translated, beside others; what the file does not say is not said there
            either
        """
        known = self.reason.splitlines()
        self.state = 'bad'
        lines = reason.replace(EXTERNAL_ID_PREFIX, '').splitlines()
        self.reason = "\n".join(dict.fromkeys([*known, *lines]))


@dataclass
class LoadTarget:
    """Where records go."""

    model: str
    #: field of each cell, empty for one that ``load()`` does not get
    paths: list[str]
    #: ``update``, ``fill`` or ``skip`` what is there already
    existing: str
    loader: str = 'load'
    context: dict = field(default_factory=dict)


class CrmImport(models.Model):
    """Bringing rows in, a chunk at a time, through the model's own ``load()``."""

    _inherit = 'crm.import'

    @api.model
    def _run_chunk(self, job) -> bool:
        """Do one chunk of an import: first copy the rows to the database, then records."""
        record = self.browse(job.params['import_id'])
        record._ensure_can_go_on()
        cursor = job.cursor or {}
        if not cursor.get('staged'):
            record._stage(job)
            return True
        records = record._next_records()
        if records:
            record._do_chunk(records, job)
            return True
        if not cursor.get('second') and record._begin_second_turn():
            job._advance(cursor={**cursor, 'second': True})
            return True
        job._advance(result=record._get_result_text())
        return False

    def _ensure_can_go_on(self) -> None:
        """Ask for the rights again: they, and what is to be brought in, may have changed."""
        self._ensure_template()
        self._ensure_rights(self._get_template())

    def _stage(self, job) -> None:
        """Take the file apart; the rows have all that is needed to bring it in."""
        total = self._stage_rows()
        bad = self._count_bad()
        self.sudo().bad_count = bad
        if not job.params['dry_run']:
            self._forget_file()
        job._advance(failed=bad, total=total, cursor={'staged': True})

    def _do_chunk(self, records: list[ImportRecord], job) -> None:
        """Bring records in, or look what would come of it, and note that."""
        if job.params['dry_run']:
            with self._keep_nothing():
                self._load_chunk(records, dry_run=True)
        else:
            self._load_chunk(records, dry_run=False)
            self._put_off(records, job)
        self._write_outcome(records, job.params['dry_run'])
        waiting = sum(record.state == 'later' for record in records)
        bad = sum(record.state == 'bad' for record in records)
        job._advance(done=len(records) - bad - waiting, failed=bad)

    @contextlib.contextmanager
    def _keep_nothing(self) -> Iterator[None]:
        """Take back what is done in a block, and what the caches learned of it."""
        savepoint = self.env.cr.savepoint()
        yield
        savepoint.close(rollback=True)
        self.env.registry.clear_all_caches()
        self.env.registry.reset_changes()

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def _next_records(self) -> list[ImportRecord]:
        """Return the next records to bring in, with all their rows."""
        heads = self.env.execute_query(
            SQL(
                "SELECT number, key FROM crm_import_row"
                " WHERE import_id = %s AND state = 'waiting' ORDER BY number LIMIT %s",
                self.id,
                CHUNK,
            )
        )
        if not heads:
            return []
        records = {number: ImportRecord(number, key, []) for number, key in heads}
        rows = self.env.execute_query(
            SQL(
                'SELECT record_number, cells FROM crm_import_row'
                ' WHERE import_id = %s AND record_number IN %s ORDER BY number LIMIT %s',
                self.id,
                tuple(records),
                ROW_LIMIT + 1,
            )
        )
        for number, cells in rows:
            if cells:  # else the customer of this line was erased
                records[number].rows.append(cells)
        found = list(records.values())
        # the last one may lack rows when there are very many
        return found if len(rows) <= ROW_LIMIT else self._complete(found)

    def _complete(self, records: list[ImportRecord]) -> list[ImportRecord]:
        """Return the records whose rows were all read; one with very many comes alone."""
        full = [record for record in records if record.rows][:-1]
        if full:
            return full
        first = records[0]
        rows = self.env.execute_query(
            SQL(
                'SELECT cells FROM crm_import_row'
                ' WHERE import_id = %s AND record_number = %s ORDER BY number',
                self.id,
                first.number,
            )
        )
        first.rows = [cells for (cells,) in rows]
        return [first]

    def _write_outcome(self, records: list[ImportRecord], dry_run: bool) -> None:
        """Note what became of records; the cells of those that came in are not kept."""
        execute_values(
            self.env.cr._obj,
            'UPDATE crm_import_row AS row SET state = data.state, reason = data.reason,'
            ' res_id = data.res_id FROM (VALUES %s) AS data (number, state, reason, res_id)'
            f' WHERE row.import_id = {int(self.id)} AND row.number = data.number',
            [(r.number, r.state, r.reason or None, r.res_id) for r in records],
            template='(%s, %s, %s, %s::int)',
        )
        good = [record.number for record in records if record.state not in ('bad', 'later')]
        if good and not dry_run:
            self.env.execute_query(
                SQL(
                    'UPDATE crm_import_row SET cells = NULL'
                    ' WHERE import_id = %s AND record_number IN %s RETURNING 1',
                    self.id,
                    tuple(good),
                )
            )
        self.env['crm.import.row'].invalidate_model()
        counts = {name: self[name] for name in self._get_counters()}
        for record in records:
            if record.state != 'later':
                counts[f'{record.state}_count'] += 1
        self.sudo().write(counts)

    def _count_bad(self) -> int:
        return (
            self.env['crm.import.row']
            .sudo()
            .search_count([('import_id', '=', self.id), ('state', '=', 'bad')])
        )

    def _get_result_text(self) -> str:
        values = {name: self[name] for name in self._get_counters()}
        if self.dry_run:
            return self.env._(
                "Nothing was written. %(created_count)s would be created, %(updated_count)s"
                " updated, %(unchanged_count)s are unchanged, %(bad_count)s would be left out.",
                **values,
            )
        return self.env._(
            "%(created_count)s created, %(updated_count)s updated, %(unchanged_count)s unchanged,"
            " %(bad_count)s left out.",
            **values,
        )

    # ------------------------------------------------------------
    # REFERENCES INSIDE THE FILE
    # ------------------------------------------------------------

    def _get_reference_positions(self, template: ImportTemplate) -> list[int]:
        """Return the columns that name another record of the same file, as a parent company."""
        model_fields = self.env[template.model]._fields
        positions = []
        for index, column in enumerate(self.columns):
            name, _slash, rest = (column['path'] or '').partition('/')
            comodel = rest == 'id' and name in model_fields and model_fields[name].comodel_name
            if comodel == template.model and model_fields[name].type == 'many2one':
                positions.append(index)
        return positions

    def _get_references(self, records: list[ImportRecord]) -> dict[int, set[str]]:
        """Return the external ids of the file that each record names, by its number."""
        positions = self._get_reference_positions(self._get_template())
        named = {
            record.number: {
                self._to_external_id(record.cells[index])
                for index in positions
                if record.cells[index]
            }
            for record in records
        }
        keys = tuple(set().union(*named.values()))
        if not keys:
            return {}
        found = {
            key
            for (key,) in self.env.execute_query(
                SQL(
                    'SELECT DISTINCT key FROM crm_import_row'
                    " WHERE import_id = %s AND key IN %s AND state IN"
                    " ('waiting', 'later', 'created', 'updated', 'unchanged')",
                    self.id,
                    keys,
                )
            )
        }
        return {number: keys & found for number, keys in named.items() if keys & found}

    def _blank_references(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Forget whom records name of the same file: he may not be there yet, or ever."""
        references = self._get_references(records)
        positions = self._get_reference_positions(template) if references else []
        for record in records:
            if references.get(record.number):
                for index in positions:
                    record.cells[index] = ''

    def _put_off(self, records: list[ImportRecord], job) -> None:
        """Let records wait that failed while another row of the file that they name waits."""
        if (job.cursor or {}).get('second'):
            return
        references = self._get_references([r for r in records if r.state == 'bad'])
        for record in records:
            if references.get(record.number):
                record.state = 'later'

    def _begin_second_turn(self) -> bool:
        """Try the records again that waited for others; return whether there are any."""
        return bool(
            self.env.execute_query(
                SQL(
                    "UPDATE crm_import_row SET state = 'waiting', reason = NULL"
                    " WHERE import_id = %s AND state = 'later' RETURNING 1",
                    self.id,
                )
            )
        )

    # ------------------------------------------------------------
    # LOAD
    # ------------------------------------------------------------

    def _load_chunk(self, records: list[ImportRecord], *, dry_run: bool) -> None:
        """Bring records in; each gets its state, and its reason when it is left out."""
        template = self._get_template()
        self._find_existing(template, records)
        if dry_run:
            self._blank_references(template, records)
        self._read_values(template, records)
        wrong = [record for record in records if record.state]
        self._find_customers(template, [r for r in records if not r.state])
        self._blame_customers(template, wrong)
        target = self._get_target(template)
        refused = [record for record in records if record.state]
        self._blank_references(template, refused)
        self._blame_values(target, refused)
        self._load_apart(target, [r for r in records if not r.state])

    def _get_target(self, template: ImportTemplate) -> LoadTarget:
        paths = [column['path'] or '' for column in self.columns]
        behind = f'{template.customer}/' if template.customer else None
        return LoadTarget(
            model=template.model,
            paths=[
                '' if path == 'id' or (behind and path.startswith(behind)) else path
                for path in paths
            ],
            existing=self.existing,
            loader=template.loader,
            context=template.context,
        )

    def _find_existing(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Find the records that are there already, by external id."""
        keys = [record.key for record in records if not record.key.startswith(NATURAL)]
        model = self.env[template.model]
        found = self.env['ir.model.data'].sudo()._lookup_xmlids(keys, model)
        by_key = {
            f'{module}.{name}': res_id
            for _id, module, name, model_name, res_id, _noupdate, alive in found
            if alive and model_name == template.model
        }
        for record in records:
            record.existing_id = by_key.get(record.key)

    @api.model
    def _to_external_id(self, text: str) -> str:
        """Return a cell as an external id: blanks are not allowed in one."""
        name = '_'.join(text.split())
        return name if '.' in name else EXTERNAL_ID_PREFIX + name

    def _read_values(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Turn cells into what ``load()`` understands; a record with a wrong one is left out."""
        converters = self._get_converters(template)
        required = [
            index
            for index, column in enumerate(self.columns)
            if (known := template.get_column(column['path'] or '')) and known.required
        ]
        for record in records:
            problems = [
                self.env._("“%s” is empty.", self.columns[index]['header'])
                for index in required
                if not record.cells[index]
            ]
            for cells in record.rows:
                for index, convert in converters.items():
                    try:
                        cells[index] = cells[index] and convert(cells[index])
                    except ValueError:
                        problems.append(self._get_value_problem(index, cells[index]))
                        cells[index] = ''  # the rest of the line is looked at as well
                        record.unread.add(index)
            if problems:
                record.refuse("\n".join(problems))

    def _get_converters(self, template: ImportTemplate) -> dict:
        """Return the function that reads a cell, by position of its column."""
        reader = ValueReader(self.date_order, self._get_decimal_sign())
        converters = {}
        for index, column in enumerate(self.columns):
            field_type = self._get_field_type(template.model, column['path'] or '')
            convert = field_type and reader.get_converter(field_type, column['path'])
            if convert:
                converters[index] = convert
            elif field_type == 'id':
                converters[index] = self._to_external_id
        return converters

    def _get_decimal_sign(self) -> str:
        # a spreadsheet hands numbers over as numbers
        return '.' if (self.file_name or '').lower().endswith('.xlsx') else self.decimal_sign

    def _get_field_type(self, model: str, path: str) -> str:
        """Return the type of the field at the end of a path; ``id`` for an external id."""
        field_type = ''
        for name in filter(None, path.split('/')):
            if name == 'id':
                return 'id'
            model_field = self.env[model]._fields.get(name) if model else None
            if model_field is None:
                return ''
            field_type, model = model_field.type, model_field.comodel_name
        return field_type

    def _get_value_problem(self, index: int, cell: str) -> str:
        column = self.columns[index]
        field_type = self._get_field_type(self._get_template().model, column['path'])
        text = {
            'date': self.env._("“%(value)s” in “%(column)s” is not a date."),
            'datetime': self.env._("“%(value)s” in “%(column)s” is not a date and time."),
            'char': self.env._(
                "“%(value)s” in “%(column)s” is shortened: the last digits are lost. Give the"
                " column the format Text in the spreadsheet and fill it in again."
            ),
        }.get(field_type) or self.env._("“%(value)s” in “%(column)s” is not a number.")
        return text % {'value': cell, 'column': column['header']}

    # ------------------------------------------------------------
    # LOAD, WITHOUT THE BAD ONES
    # ------------------------------------------------------------

    def _load_apart(self, target: LoadTarget, records: list[ImportRecord]) -> None:
        """Load records; those that are refused are left out, halving until they are found.

        ``load()`` takes all or nothing, and blames the wrong row when a check on several fails.
        """
        if not records:
            return
        messages = self._try_load(target, records)
        if not messages:
            return
        blamed = self._get_blamed(records, messages)
        for index, reason in blamed.items():
            records[index].refuse(reason)
        if blamed:
            self._load_apart(target, [record for record in records if not record.state])
        elif len(records) == 1:
            records[0].refuse(self._get_reason(messages))
        else:
            middle = len(records) // 2
            self._load_apart(target, records[:middle])
            self._load_apart(target, records[middle:])

    def _try_load(self, target: LoadTarget, records: list[ImportRecord]) -> list[dict]:
        """Load records in one go, and note what became of them.

        :return: what is wrong, in the messages of ``load()``; then nothing was done
        """
        tally = ImportTally()
        paths, rows = self._prepare_matrix(target, records)
        model = self._get_target_model(target, tally)
        try:
            with self.env.cr.savepoint() as savepoint:
                result = getattr(model, target.loader)(paths, rows)
                if not result['ids']:
                    savepoint.rollback()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except REFUSALS as error:
            return [{'message': str(error)}]
        if not result['ids']:
            return [m for m in result['messages'] if m['type'] == 'error']
        for record, res_id in zip(records, result['ids'], strict=True):
            record.res_id = res_id
            if res_id not in tally.found:
                record.state = 'created'
            else:
                record.state = 'updated' if res_id in tally.changed else 'unchanged'
        return []

    def _get_target_model(self, target: LoadTarget, tally: ImportTally) -> models.BaseModel:
        """Return the model to load into.

        :param tally: notes the records that were there already
        """
        return self.env[target.model].with_context(
            **{EXISTING: target.existing},
            crm_import_tally=tally,
            import_file=True,
            tracking_disable=True,
            **target.context,
        )

    def _prepare_matrix(self, target: LoadTarget, records: list[ImportRecord]) -> tuple:
        """Return paths and rows for ``load()``."""
        used = [index for index, path in enumerate(target.paths) if path]
        is_line = {index: self._is_line_path(target.model, target.paths[index]) for index in used}
        extra = sorted({path for record in records for path in record.extra})
        lines = self._get_line_field(target)
        rows = []
        for record in records:
            for position, cells in enumerate(record.rows):
                row = [cells[i] if is_line[i] or not position else '' for i in used]
                row += [record.extra.get(path, '') if not position else '' for path in extra]
                if lines:
                    row.append(f'{record.key}_line_{position + 1}')
                rows.append(row)
        header = [target.paths[index] for index in used]
        return [*header, *extra, *([f'{lines}/id'] if lines else [])], rows

    def _get_line_field(self, target: LoadTarget) -> str:
        """Return the field of lines that have no external id of their own: they are numbered."""
        names = {
            path.partition('/')[0]
            for path in target.paths
            if self._is_line_path(target.model, path)
        }
        return next((name for name in sorted(names) if f'{name}/id' not in target.paths), '')

    def _blame_values(self, target: LoadTarget, records: list[ImportRecord]) -> None:
        """Say of records left out already what else ``load()`` could not read: all at once.

        Where that cannot be found out, what is known is enough.
        """
        if not records or target.loader != 'load':
            return
        try:
            messages = self._try_convert(target, records)
        except REFUSALS:
            return
        errors = [message for message in messages if message['type'] == 'error']
        for index, reason in self._get_blamed(records, errors).items():
            records[index].refuse(reason)

    def _try_convert(self, target: LoadTarget, records: list[ImportRecord]) -> list[dict]:
        """Read values as ``load()`` does, in a savepoint; return its messages."""
        messages: list[dict] = []
        paths, rows = self._prepare_matrix(target, records)
        model = self._get_target_model(target, ImportTally())
        with self.env.cr.savepoint() as savepoint:
            extracted = model._extract_records(
                [fix_import_export_id_paths(path) for path in paths], rows, log=messages.append
            )
            for _record in model._convert_records(
                extracted, log=messages.append, savepoint=savepoint
            ):
                pass
        return messages

    def _get_blamed(self, records: list[ImportRecord], messages: list[dict]) -> dict[int, str]:
        """Return the reasons by position of the record, of values that could not be converted.

        Only these are sure to name the right row.
        """
        if not all(message.get('field') and message.get('rows') for message in messages):
            return {}
        ends = list(itertools.accumulate(len(record.rows) for record in records))
        blamed = {}
        for message in messages:
            row = message['rows']['from']
            index = next(i for i, end in enumerate(ends) if row < end)
            blamed.setdefault(index, []).append(message)
        return {index: self._get_reason(said) for index, said in blamed.items()}

    def _get_reason(self, messages: list[dict]) -> str:
        """Return what is wrong with one record: what follows from a value not read says no more."""
        messages = [message for message in messages if message.get('field_name')] or messages
        return "\n".join(dict.fromkeys(message['message'] for message in messages))
