"""Days as people enter them: other systems write "for ever" as 31 December 9999."""

from __future__ import annotations

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo.exceptions import ValidationError
from odoo.tools import format_date

#: no product of a customer was delivered before, and none is sold for so long
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


def add_to_day(day: date, delta: timedelta | relativedelta) -> date:
    """Return a later day; where the calendar ends its last one, as forms compute as one types."""
    try:
        return day + delta
    except (OverflowError, ValueError):
        return date.max


def check_days(records, *names: str) -> None:
    """Refuse days that nobody can mean.

    :param names: of date fields of the records
    :raise ValidationError: names the field and the day
    """
    for record in records:
        for name in names:
            day = record[name]
            if day and not FIRST_DAY <= day <= LAST_DAY:
                raise ValidationError(
                    records.env._(
                        "%(field)s: %(day)s cannot be right. Enter a day from %(first)s to"
                        " %(last)s, or leave it empty.",
                        field=records._fields[name]._description_string(records.env),
                        day=format_date(records.env, day),
                        first=FIRST_DAY.year,
                        last=LAST_DAY.year,
                    )
                )
