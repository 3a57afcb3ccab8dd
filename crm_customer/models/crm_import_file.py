from __future__ import annotations

import base64
import contextlib
import difflib
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator

import xlsxwriter
from psycopg2.extras import Json, execute_values

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..importing import ImportFile, ImportTemplate, UnreadableFileError
from .crm_import_load import NATURAL

PAGE = 1000
XLSX_OPTIONS = {'in_memory': True, 'constant_memory': True, 'strings_to_formulas': False}


class CrmImport(models.Model):
    """Files of an import: the headers, the rows, the templates, the rows left out."""

    _inherit = 'crm.import'

    # ------------------------------------------------------------
    # HEADERS
    # ------------------------------------------------------------

    def _read_columns(self) -> list[dict]:
        """Return header and field path of each column; the path is False for one left out.

        :raise UserError: the file cannot be read, or its columns are not those of the template
        """
        paths = self._get_known_headers()
        with self._explain_unreadable():
            file = self._open_file(paths)
            header = file.read_header()
        columns = [{'header': text, 'path': paths.get(text.casefold(), False)} for text in header]
        self._ensure_columns_known(columns, paths)
        self._ensure_columns_complete(columns)
        with self._explain_unreadable():
            file.ensure_rows()
        return columns

    def _open_file(self, headers: Iterable[str]) -> ImportFile:
        """Open the file.

        :param headers: known headers, in small letters
        """
        content = base64.b64decode(self.with_context(bin_size=False).file)
        known = set(headers)
        return ImportFile(content, lambda text: text.casefold() in known, self.encoding or '')

    @contextlib.contextmanager
    def _explain_unreadable(self) -> Iterator[None]:
        """Turn what is wrong with a file into words for its owner."""
        try:
            yield
        except UnreadableFileError as error:
            raise UserError(self._get_unreadable_text(error.reason)) from error

    @api.model
    def _get_unreadable_text(self, reason: str) -> str:
        return {
            'old_excel': self.env._(
                "This is a file of an old Excel. Save it as an Excel workbook (.xlsx)."
            ),
            'damaged': self.env._("The file is damaged or is neither an Excel nor a text file."),
            'encoding': self.env._("The text of the file cannot be read; choose its encoding."),
            'empty': self.env._("The file is empty."),
            'no_rows': self.env._("The file has headers, but no rows."),
        }[reason]

    def _get_known_headers(self) -> dict[str, str]:
        """Return the field path of each header understood, in small letters.

        A header is the technical path, or the label in any installed language, of a column of the
        template, else of a field of the model.
        """
        paths = {}
        for lang in self._get_header_languages():
            record = self.with_context(lang=lang)
            template = record._get_template()
            for column in template.columns:
                for text in (column.path, column.label, *column.aliases):
                    paths.setdefault(text.casefold(), column.path)
        for lang in self._get_header_languages():
            for text, path in self.with_context(lang=lang)._iter_field_headers(template.model):
                paths.setdefault(text, path)
        for text in self._get_error_headers():
            paths.setdefault(text.casefold(), '')
        return paths

    def _get_header_languages(self) -> list[str]:
        installed = [code for code, _name in self.env['res.lang'].get_installed()]
        return list(dict.fromkeys(filter(None, [self.env.lang, 'en_US', *installed])))

    @api.model
    def _iter_field_headers(self, model: str) -> Iterator[tuple[str, str]]:
        """Yield headers, in small letters, and paths of the fields core's import offers."""

        def walk(tree, labels=(), names=()):
            for node in tree:
                label, name = (*labels, node['string']), (*names, node['name'])
                yield '/'.join(label).casefold(), '/'.join(name)
                yield '/'.join(name).casefold(), '/'.join(name)
                yield from walk(node['fields'], label, name)

        yield from walk(self.env['base_import.import'].get_fields_tree(model, depth=2))

    @api.model
    def _get_error_headers(self) -> set[str]:
        """Return the headers of the two columns that the file of rows left out has more."""
        texts = set()
        for code, _name in self.env['res.lang'].get_installed():
            texts.update(self.with_context(lang=code)._get_error_labels())
        return texts

    @api.model
    def _get_error_labels(self) -> tuple[str, str]:
        return self.env._("Line"), self.env._("Reason")

    def _ensure_columns_known(self, columns: list[dict], paths: dict[str, str]) -> None:
        unknown = [column['header'] for column in columns if column['path'] is False]
        if not unknown or self.ignore_unknown:
            return
        labels = [column.label for column in self._get_template().columns]
        hints = [self._get_header_hint(header, labels) for header in unknown if header]
        if hints:
            raise UserError(
                self.env._(
                    "These columns are not known: %(unknown)s.\n"
                    "Known columns: %(known)s.\n"
                    "Rename them in the file, or choose to leave out unknown columns.",
                    unknown=hints,
                    known=labels,
                )
            )

    @api.model
    def _get_header_hint(self, header: str, labels: list[str]) -> str:
        near = difflib.get_close_matches(header, labels, 1)
        if not near:
            return header
        return self.env._("%(header)s (is it %(label)s?)", header=header, label=near[0])

    def _ensure_columns_complete(self, columns: list[dict]) -> None:
        template = self._get_template()
        paths = [column['path'] for column in columns if column['path']]
        missing = [c.label for c in template.columns if c.required and c.path not in paths]
        if missing:
            raise UserError(
                self.env._(
                    "The first row of the file must hold the headers; these are missing:"
                    " %(missing)s.\nDownload the template to see how a file looks.",
                    missing=missing,
                )
            )
        double = sorted({path for path in paths if paths.count(path) > 1})
        if double:
            headers = [column['header'] for column in columns if column['path'] in double]
            raise UserError(
                self.env._("These columns mean the same: %(headers)s.", headers=headers)
            )

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def _stage_rows(self) -> int:
        """Copy the rows of the file to the database and mark those that stand there twice.

        :return: number of records in the file
        """
        with self._explain_unreadable():
            rows = iter(self._open_file(self._get_known_headers()))
            next(rows)
            staged = self._group_rows(rows)
            while page := list(itertools.islice(staged, PAGE)):
                execute_values(
                    self.env.cr._obj,
                    'INSERT INTO crm_import_row'
                    ' (import_id, number, record_number, key, match_key, state, cells) VALUES %s',
                    page,
                    page_size=PAGE,
                )
        self._mark_doubles()
        [(total,)] = self.env.execute_query(
            SQL(
                'SELECT count(*) FROM crm_import_row'
                ' WHERE import_id = %s AND number = record_number',
                self.id,
            )
        )
        return total

    def _group_rows(self, rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple]:
        """Yield what is stored of each row.

        A row belongs to the record above when it fills, of all columns, only those of its lines,
        or repeats the rest.
        """
        template = self._get_template()
        paths = [column['path'] for column in self.columns]
        is_line = [self._is_line_path(template.model, path) for path in paths]
        to_key = self._get_key_reader(template, paths)
        to_match = self._get_match_reader(template, paths)
        head, head_number = None, 0
        for number, row in rows:
            cells = [*row[: len(paths)], *[''] * (len(paths) - len(row))]
            main = [cell for cell, line in zip(cells, is_line, strict=True) if not line]
            if head and any(is_line) and (not any(main) or (main == head and main[0])):
                yield self.id, number, head_number, None, None, 'part', Json(cells)
                continue
            head, head_number = main, number
            yield (
                self.id, number, number, to_key(cells), to_match(cells), 'waiting', Json(cells)
            )  # fmt: skip

    @api.model
    def _is_line_path(self, model: str, path: str | bool) -> bool:
        """Say whether a column holds the lines of a record."""
        field = self.env[model]._fields.get((path or '').partition('/')[0])
        return bool(field) and field.type == 'one2many'

    def _get_key_reader(self, template: ImportTemplate, paths: list):
        """Return the function that gives the key of a record: its external id.

        Without one in the file, and without a key of its own, the external id follows from the
        content, so that the same row is known again.
        """
        position = paths.index('id') if 'id' in paths else None
        used = [index for index, path in enumerate(paths) if path]
        natural = [paths.index(path) for path in template.key if path in paths]
        if len(natural) < len(template.key):
            natural = []

        def read(cells):
            if position is not None and cells[position]:
                return self._to_external_id(cells[position])
            if natural and all(cells[index] for index in natural):
                return NATURAL + '|'.join(cells[index] for index in natural)
            content = '\0'.join(cells[index] for index in used).encode()
            digest = hashlib.sha256(content).hexdigest()[:24]
            return f'__import__.{template.code}_row_{digest}'

        return read

    def _mark_doubles(self) -> None:
        """Leave out the records that stand above in the file already."""
        for column, reason in self._get_double_reasons():
            self.env.execute_query(
                SQL(
                    """
                    UPDATE crm_import_row AS row
                       SET state = 'bad', reason = replace(%(reason)s, '#', first::text)
                      FROM (
                        SELECT id, first_value(number) OVER (
                                   PARTITION BY %(column)s ORDER BY number) AS first
                          FROM crm_import_row
                         WHERE import_id = %(import_id)s AND state = 'waiting'
                           AND %(column)s IS NOT NULL
                      ) AS double
                     WHERE row.id = double.id AND double.first <> row.number RETURNING 1
                    """,
                    reason=reason,
                    column=SQL.identifier(column),
                    import_id=self.id,
                )
            )
        self.env['crm.import.row'].invalidate_model()

    def _get_double_reasons(self) -> list[tuple[str, str]]:
        """Return column and reason for each kind of double; ``#`` is the line of the first."""
        return [
            ('key', self.env._("Line # has the same External ID or says the same.")),
            (
                'match_key',
                self.env._(
                    "Line # has the same tax number, e-mail or phone number; if they are two"
                    " customers, do not look for customers by it."
                ),
            ),
        ]

    # ------------------------------------------------------------
    # FILES TO DOWNLOAD
    # ------------------------------------------------------------

    @api.model
    def _build_template_file(self, template: ImportTemplate) -> bytes:
        """Return a spreadsheet with the headers, the examples, and a sheet that explains them."""
        explained = [
            (column.label, self.env._("required") if column.required else '', column.help)
            for column in template.columns
        ]
        return self._build_workbook(
            [
                (template.name, [column.label for column in template.columns], template.examples),
                (
                    self.env._("Columns"),
                    [self.env._("Column"), '', self.env._("What to put in")],
                    explained,
                ),
            ]
        )

    def _build_error_file(self) -> bytes:
        """Return a spreadsheet of the rows left out, ready to correct and bring in again."""
        header = [column['header'] for column in self.columns or ()]
        position = [i for i, column in enumerate(self.columns or ()) if column['path'] != '']
        header = [header[i] for i in position]
        rows = (
            (*(cells[i] for i in position), number, reason or '')
            for number, cells, reason in self._iter_bad_rows()
        )
        header = [*header, *self._get_error_labels()]
        return self._build_workbook([(self.env._("Lines Left Out"), header, rows)])

    def _iter_bad_rows(self) -> Iterator[tuple]:
        """Yield line, cells and reason of each row of the records left out."""
        last = 0
        while True:
            page = self.env.execute_query(
                SQL(
                    """
                    SELECT row.number, row.cells, row.reason
                      FROM crm_import_row row
                      JOIN crm_import_row head
                        ON head.import_id = row.import_id AND head.number = row.record_number
                       AND head.state = 'bad'
                     WHERE row.import_id = %s AND row.number > %s
                       -- those of an erased customer are empty
                       AND jsonb_array_length(row.cells) > 0
                  ORDER BY row.number LIMIT %s
                    """,
                    self.id, last, PAGE,
                )
            )  # fmt: skip
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1][0]

    @api.model
    def _build_workbook(self, sheets: list[tuple]) -> bytes:
        """Return a spreadsheet.

        :param sheets: name, header and rows of each
        """
        output = io.BytesIO()
        with xlsxwriter.Workbook(output, XLSX_OPTIONS) as book:
            bold = book.add_format({'bold': True, 'bg_color': '#e9ecef'})
            text = book.add_format({'num_format': '@'})
            for name, header, rows in sheets:
                sheet = book.add_worksheet(name[:31])
                sheet.set_column(0, max(len(header) - 1, 0), 22, text)
                sheet.freeze_panes(1, 0)
                sheet.write_row(0, 0, header, bold)
                for index, row in enumerate(rows, start=1):
                    sheet.write_row(index, 0, row)
        return output.getvalue()
