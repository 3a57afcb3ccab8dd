from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time

DATE_ORDERS = ('ymd', 'dmy', 'mdy')
NOON = time(12)
YES = {'1', 'true', 'yes', 'y', '是', '√', '有'}
NO = {'0', 'false', 'no', 'n', '否', '×', '无', '無'}

_DATE = re.compile(r'(\d{1,4})[-/. 年](\d{1,2})[-/. 月](\d{1,4})[日号號]?$')
_COMPACT_DATE = re.compile(r'(\d{4})(\d\d)(\d\d)$')
_TIME = re.compile(
    r'(.*\S)(?:T|\s+)(\d{1,2})[:时時點点](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?)?[分秒Z]?$'
)
_MONEY = re.compile(r'^(CNY|RMB|USD|EUR|TWD|HKD|NT\$|[¥$€£])\s*|\s*(CNY|RMB|USD|EUR|元|[¥$€£])$')
_GROUPED = {
    ',': re.compile(r'[-+]?\d{1,3}(,\d{3})+(\.\d*)?$'),
    '.': re.compile(r'[-+]?\d{1,3}(\.\d{3})+(,\d*)?$'),
}
_SHORTENED = re.compile(r'\d(?:\.\d+)?E\+\d+$', re.IGNORECASE)


class ValueReader:
    """Turns what people type into what ``load()`` understands.

    :param date_order: order of a date whose year does not stand first: ``dmy`` or ``mdy``
    :param decimal_sign: ``.`` or ``,``, where a number does not have both
    """

    def __init__(self, date_order: str = 'ymd', decimal_sign: str = '.'):
        self._day_first = date_order == 'dmy'
        self._decimal_sign = decimal_sign

    def get_converter(self, field_type: str, path: str = '') -> Callable[[str], str] | None:
        """Return the function that reads cells of a field; it raises ValueError.

        :param field_type: type of the field, as ``monetary``
        :param path: of the field; numbers of phones get a check
        """
        if path.rpartition('/')[2] in ('phone', 'mobile'):
            return self.to_phone
        return {
            'date': self.to_date,
            'datetime': self.to_datetime,
            'integer': self.to_number,
            'float': self.to_number,
            'monetary': self.to_number,
            'boolean': self.to_boolean,
        }.get(field_type)

    def to_date(self, text: str) -> str:
        """Read a day, ``2025年3月14日`` as well as ``14.03.2025``; a time behind it is dropped."""
        return self._parse_date(self._split_time(text)[0]).isoformat()

    def to_datetime(self, text: str) -> str:
        """Read a moment; a day alone means noon, midnight is another day further west."""
        day, moment = self._split_time(text)
        return f'{self._parse_date(day)} {moment or NOON}'

    def to_number(self, text: str) -> str:
        """Read a number or an amount with its currency; parentheses mean negative."""
        plain = unicodedata.normalize('NFKC', text).strip()
        negative = plain.startswith('(') and plain.endswith(')')
        plain = _MONEY.sub('', plain.strip('()').strip())
        plain = self._drop_thousands(plain.replace('\N{MINUS SIGN}', '-'))
        if not math.isfinite(float(plain)):
            raise ValueError(text)
        return f'-{plain}' if negative else plain

    def to_boolean(self, text: str) -> str:
        """Read yes or no; other words are left to ``load()``, which knows translations."""
        word = text.casefold()
        if word in YES:
            return '1'
        return '0' if word in NO else text

    def to_phone(self, text: str) -> str:
        """Refuse a number that a spreadsheet has shortened, its last digits are lost."""
        if _SHORTENED.match(text):
            raise ValueError(text)
        return text

    def _split_time(self, text: str) -> tuple[str, time | None]:
        text = unicodedata.normalize('NFKC', text).strip()
        match = _TIME.match(text)
        if not match:
            return text, None
        day, hour, minute, second = match.groups()
        return day, time(int(hour), int(minute), int(second or 0))

    def _parse_date(self, text: str) -> date:
        match = _COMPACT_DATE.match(text) or _DATE.match(text)
        if not match:
            raise ValueError(text)
        first, second, third = match.groups()
        if len(first) == 4:
            return date(int(first), int(second), int(third))
        if len(third) != 4:
            raise ValueError(text)
        # only days come before a point
        day_first = self._day_first or '.' in text
        day, month = (first, second) if day_first else (second, first)
        return date(int(third), int(month), int(day))

    def _drop_thousands(self, text: str) -> str:
        text = text.replace(' ', '').replace("'", '')
        both = '.' in text and ',' in text
        decimal = max('.,', key=text.rfind) if both else self._decimal_sign
        grouping = ',' if decimal == '.' else '.'
        if grouping in text and not _GROUPED[grouping].match(text):
            raise ValueError(text)
        return text.replace(grouping, '').replace(decimal, '.')


def to_text(value: object) -> str:
    """Return a cell of a spreadsheet as its text.

    :param value: as openpyxl gives it
    """
    if value is None:
        return ''
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value.replace(microsecond=0))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bool):
        return '1' if value else '0'
    return str(value).strip()
