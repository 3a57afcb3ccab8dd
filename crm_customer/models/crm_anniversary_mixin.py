from __future__ import annotations

from collections.abc import Collection
from datetime import date
from operator import ge, gt, le, lt

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..anniversary import Anniversary, DayOfYear, Occurrence, get_days_between, get_next_dates

_COMPARE = {'<': lt, '<=': le, '>': gt, '>=': ge}

#: a day of the year as one number, to look for many at once: 32 to a month, the lunar calendar
#: above the solar one, leap months above the others
_MONTH, _LUNAR, _LEAP = 32, 512, 1024


class CrmAnniversaryMixin(models.AbstractModel):
    """Records with a day that comes back every year, in the solar or the lunar calendar.

    A model says in ``_anniversary_fields`` which of its fields hold the parts of the date.  There
    are some thousand days of the year, so that a search finds out which of them it means and asks
    the database for these: exact for every operator, in one scan, for any number of records.
    """

    _name = 'crm.anniversary.mixin'
    _description = 'Day That Comes Back Every Year'

    _anniversary_fields = {
        'month': 'month',
        'day': 'day',
        'year': 'year',
        'calendar': 'calendar',
        'leap': 'leap_month',
    }

    # ------------------------------------------------------------
    # ONE RECORD
    # ------------------------------------------------------------

    def _get_anniversary(self) -> Anniversary | None:
        """Return the day, None when it is unknown or wrong."""
        anniversary = self._read_anniversary()
        if not anniversary.month or not anniversary.day or anniversary.get_error():
            return None
        return anniversary

    def _read_anniversary(self) -> Anniversary:
        """Return what the fields say, right or wrong."""
        self.ensure_one()
        parts = {part: self[name] for part, name in self._anniversary_fields.items()}
        parts['year'] = parts['year'] or None
        parts['calendar'] = parts['calendar'] or 'solar'
        return Anniversary(**parts)

    def _get_next_anniversary_date(self) -> date | None:
        """Return when the day is kept next, today included."""
        anniversary = self._get_anniversary()
        return self._get_next_anniversary_dates().get(anniversary and anniversary.day_of_year)

    def _get_anniversary_dates(self, date_from: date, date_to: date) -> dict[int, list[Occurrence]]:
        """Return the returns that fall in a span of days, by id of the records that have any.

        :param date_from: first day
        :param date_to: last day
        """
        policies = self._get_anniversary_policies()
        result = {}
        for record in self:
            anniversary = record._get_anniversary()
            if anniversary and (found := anniversary.occurrences(date_from, date_to, *policies)):
                result[record.id] = found
        return result

    # ------------------------------------------------------------
    # ALL RECORDS
    # ------------------------------------------------------------

    @api.model
    def _get_anniversary_domain(self, date_from: date, date_to: date) -> Domain:
        """Return the records whose day falls in a span of days.

        :param date_from: first day
        :param date_to: last day
        """
        days = get_days_between(date_from, date_to, *self._get_anniversary_policies())
        return self._get_domain_of_days(days)

    @api.model
    def _search_next_anniversary(self, operator, value):
        """Search method of a date field computed by :meth:`_get_next_anniversary_date`."""
        next_dates = self._get_next_anniversary_dates()
        if operator == 'in':
            domain = self._get_domain_of_days(
                [day for day, next_date in next_dates.items() if next_date in value]
            )
            return domain | ~self._get_domain_of_days(next_dates) if False in value else domain
        if operator not in _COMPARE:
            return NotImplemented
        compare = _COMPARE[operator]
        return self._get_domain_of_days(
            [day for day, next_date in next_dates.items() if compare(next_date, value)]
        )

    @api.model
    def _get_domain_of_days(self, days: Collection[DayOfYear]) -> Domain:
        """Return the records of some days of the year.

        :param days: as :attr:`Anniversary.day_of_year`
        """
        if not days:
            return Domain.FALSE
        codes = frozenset(self._encode_day_of_year(*day) for day in days)

        def to_sql(model, alias, query):
            code = model._get_day_of_year_sql(alias, query)
            return SQL('%s = ANY(%s)', code, sorted(codes))

        def predicate(record):
            anniversary = record._get_anniversary()
            return (
                bool(anniversary) and record._encode_day_of_year(*anniversary.day_of_year) in codes
            )

        return Domain.custom(to_sql=to_sql, predicate=predicate)

    @api.model
    def _encode_day_of_year(self, calendar: str, month: int, day: int, leap: bool) -> int:
        base = _LUNAR + _LEAP * leap if calendar == 'lunar' else 0
        return base + month * _MONTH + day

    @api.model
    def _get_day_of_year_sql(self, alias, query) -> SQL:
        """Return the number of :meth:`_encode_day_of_year` as an expression."""
        parts = {
            part: self._field_to_sql(alias, name, query)
            for part, name in self._anniversary_fields.items()
        }
        return SQL(
            'COALESCE(%(month)s, 0) * %(step)s + COALESCE(%(day)s, 0)'
            " + CASE WHEN %(calendar)s = 'lunar' THEN %(lunar)s"
            ' + CASE WHEN %(leap)s THEN %(leap_step)s ELSE 0 END ELSE 0 END',
            **parts,
            step=_MONTH,
            lunar=_LUNAR,
            leap_step=_LEAP,
        )

    @api.model
    def _get_next_anniversary_dates(self):
        today = fields.Date.context_today(self)
        return get_next_dates(today, *self._get_anniversary_policies())

    @api.model
    def _get_anniversary_policies(self) -> tuple[str, str]:
        """Return what the company does with 29 February and with leap months."""
        company = self.env.company.sudo()
        return (company.crm_anniversary_feb29, company.crm_anniversary_leap_month)
