"""Files of a time line, written line by line: as long as the history is, memory stays the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

import xlsxwriter

# A sheet has no more rows.
XLSX_MAX_ROWS = 2**20
# Spreadsheets take a text that begins so for a formula.
_FORMULA_STARTS = ('=', '+', '-', '@', '\t', '\r')


def write_csv(file: BinaryIO, lines: Iterable[list[str]]) -> None:
    """Write lines as CSV in UTF-8, with the mark that spreadsheets know it by."""
    text = io.TextIOWrapper(file, encoding='utf-8-sig', newline='')
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    for line in lines:
        writer.writerow([_defuse(cell) for cell in line])
    text.flush()
    text.detach()


def write_xlsx(file: BinaryIO, lines: Iterable[list[str]]) -> None:
    """Write lines as the only sheet of an Excel file; what a sheet cannot hold is left out."""
    # Rows go to a temporary file as they come.
    with xlsxwriter.Workbook(file, {'constant_memory': True}) as workbook:
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({'bold': True})
        sheet.freeze_panes(1, 0)
        for column, width in enumerate((19, 18, 40, 60, 18)):
            sheet.set_column(column, column, width)
        for row, line in enumerate(lines):
            if row == XLSX_MAX_ROWS:
                break
            for column, cell in enumerate(line):
                # never as a formula or a link, whatever it begins with
                sheet.write_string(row, column, cell, bold if row == 0 else None)


def _defuse(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


#: file extension -> content type, writer
WRITERS = {
    'csv': ('text/csv;charset=utf-8', write_csv),
    'xlsx': ('application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', write_xlsx),
}
