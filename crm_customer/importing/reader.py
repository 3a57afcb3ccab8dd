from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterator

from openpyxl import load_workbook

from .value import to_text

SEPARATORS = (',', ';', '\t', '|', '，')
BOMS = (
    (codecs.BOM_UTF8, 'utf-8-sig'),
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
)
# What a spreadsheet writes where its language is spoken; the first one whose headers are known.
ENCODINGS = ('gb18030', 'big5hkscs', 'cp1252', 'latin-1')
OLD_EXCEL = b'\xd0\xcf\x11\xe0'
CELL_LIMIT = 1 << 20
BINARY_LOOK = 1 << 10


class UnreadableFileError(Exception):
    """``reason`` why a file cannot be read: old_excel, damaged, encoding, empty or no_rows."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class ImportFile:
    """A spreadsheet or a text file, row by row, never whole.

    :param content: of the file
    :param is_known: whether this text is the header of a known column; encoding and separator
        are those that make most headers known
    :param encoding: of a text file; found out when empty
    """

    def __init__(
        self, content: bytes, is_known: Callable[[str], bool] | None = None, encoding: str = ''
    ):
        self._content = content
        self._is_known = is_known or (lambda _header: False)
        self._encoding = encoding
        self._separator = ','
        if content.startswith(OLD_EXCEL):
            raise UnreadableFileError('old_excel')
        self.is_spreadsheet = content.startswith(b'PK')
        if not self.is_spreadsheet:
            self._encoding, self._separator = self._find_format()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield number and cells of each row that is not empty; the first row has number 1."""
        rows = self._read_spreadsheet() if self.is_spreadsheet else self._read_text()
        for number, row in enumerate(rows, start=1):
            if any(row):
                yield number, row

    def read_header(self) -> list[str]:
        """Return the cells of the first row that is not empty.

        :raise UnreadableFileError: there is none
        """
        for _number, row in self:
            while row and not row[-1]:
                row.pop()
            return row
        raise UnreadableFileError('empty')

    def ensure_rows(self) -> None:
        """Make sure that something follows the headers.

        :raise UnreadableFileError: nothing does
        """
        if len(list(itertools.islice(self, 2))) < 2:
            raise UnreadableFileError('no_rows')

    # ------------------------------------------------------------
    # SPREADSHEET
    # ------------------------------------------------------------

    def _read_spreadsheet(self) -> Iterator[list[str]]:
        try:
            book = load_workbook(io.BytesIO(self._content), read_only=True, data_only=True)
            for row in book.worksheets[0].iter_rows(values_only=True):
                yield [to_text(value) for value in row]
        except Exception as error:  # a broken file raises nearly everything there is
            raise UnreadableFileError('damaged') from error

    # ------------------------------------------------------------
    # TEXT
    # ------------------------------------------------------------

    def _read_text(self) -> Iterator[list[str]]:
        text = io.TextIOWrapper(io.BytesIO(self._content), self._encoding, newline='')
        csv.field_size_limit(CELL_LIMIT)
        try:
            for row in csv.reader(text, delimiter=self._separator):
                # what other systems fill fields up with, and no database stores
                yield [cell.replace('\0', '').strip() for cell in row]
        except UnicodeDecodeError as error:
            raise UnreadableFileError('encoding') from error
        except csv.Error as error:
            raise UnreadableFileError('damaged') from error

    def _find_format(self) -> tuple[str, str]:
        """Return encoding and separator."""
        encodings = [self._encoding] if self._encoding else self._get_encodings()
        choices = [(encoding, sign) for encoding in encodings for sign in SEPARATORS]
        ranked = [(self._rate(*choice), choice) for choice in choices]
        best, choice = max(ranked, key=lambda item: item[0], default=((-1, 0), None))
        if choice is None or best[0] < 0:
            raise UnreadableFileError('encoding')
        return choice

    def _get_encodings(self) -> list[str]:
        """Return the encodings in which the whole file can be read, the likeliest first."""
        for bom, encoding in BOMS:
            if self._content.startswith(bom):
                return [encoding]
        if self._can_decode('utf-8'):
            return ['utf-8']
        if b'\0' in self._content[:BINARY_LOOK]:  # a picture, which many an encoding can read
            raise UnreadableFileError('damaged')
        return [encoding for encoding in ENCODINGS if self._can_decode(encoding)]

    def _can_decode(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        view = memoryview(self._content)
        try:
            for start in range(0, len(view), 1 << 20):
                decoder.decode(view[start : start + (1 << 20)])
            decoder.decode(b'', final=True)
        except UnicodeDecodeError:
            return False
        return True

    def _rate(self, encoding: str, separator: str) -> tuple[int, int]:
        """Return how many headers are known, then how many columns there are."""
        self._encoding, self._separator = encoding, separator
        try:
            header = self.read_header()
        except UnreadableFileError as error:
            if error.reason == 'empty':
                raise
            return (-1, 0)
        return (sum(map(self._is_known, header)), len(header))
