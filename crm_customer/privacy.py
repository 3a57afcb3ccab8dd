"""Personal data of customers: what addons hold of it, to be given out and to be erased.

Each addon names its own with ``res.partner._get_personal_data_sources``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from markupsafe import escape

from odoo.api import Environment
from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import SQL

#: what stands where a name or an address stood
BLANK = '…'
TEXT_TYPES = ('char', 'text', 'html')


@dataclass(frozen=True)
class PersonalData:
    """One kind of records with personal data of contacts.

    Example, on ``res.partner``, where ``self`` are the contacts::

        def _get_personal_data_sources(self):
            return [
                *super()._get_personal_data_sources(),
                PersonalData(
                    key='aftersales.request',
                    label=self.env._("Service Requests"),
                    model='aftersales.request',
                    domain=Domain('partner_id', 'in', self.ids),
                    fields=('number', 'name', 'description'),
                    on_erase='anonymise',
                    values={'name': BLANK, 'description': False},
                    reason=self.env._("What was repaired belongs to the product's history."),
                ),
            ]
    """

    #: stable and unique
    key: str
    #: translated, shown to who gives out or erases
    label: str
    model: str
    #: records of the contacts
    domain: Domain
    #: fields given out
    fields: tuple[str, ...]
    #: 'delete', 'anonymise' (texts go), 'keep' (only names and addresses in texts go)
    on_erase: str
    #: translated: why it is not deleted
    reason: str = ''
    #: written when it is anonymised
    values: dict[str, Any] = field(default_factory=dict)
    #: called with the records and the :class:`Redactor` in place of the usual way
    erase: Callable[[BaseModel, Redactor], None] | None = None
    #: path of the company of a record, or of all whose people share it; '' when all companies do
    company: str = 'company_id'
    #: in place of a path: returns the domain of the records of companies, given their ids
    in_companies: Callable[[list[int]], Domain] | None = None

    def get_companies_domain(self, company_ids: list[int]) -> Domain:
        """Return the records that are of these companies or of none."""
        if self.in_companies:
            return self.in_companies(company_ids)
        if not self.company:
            return Domain.TRUE
        steps = self.company.split('.')
        paths = ['.'.join(steps[: end + 1]) for end in range(len(steps))]
        of_none = Domain.OR(Domain(path, '=', False) for path in paths)
        return Domain(self.company, 'in', company_ids) | of_none


class Redactor:
    """Takes names and addresses out of texts that stay.

    :param env: environment
    :param terms: texts to take out; very short ones are left out
    """

    def __init__(self, env: Environment, terms: Iterable[str]):
        self.env = env
        spellings = {
            str(form) for term in terms if term for form in (term, escape(term), quote(term))
        }
        # long ones first, or the short one leaves the rest of the long one behind
        self.terms = sorted((term for term in spellings if len(term) > 1), key=len, reverse=True)
        self.pattern = '|'.join(map(self._get_pattern, self.terms))

    def _get_pattern(self, term: str) -> str:
        """Return the pattern of a term; words of Latin letters are found as whole words only.

        An address is found as a whole address: ``na.li@`` and ``.cn.org`` are those of others.
        """
        if '@' in term or quote('@') in term:
            start, end = r'(?<![a-zA-Z0-9][._+-]*)', r'(?![a-zA-Z0-9]|[._-]+[a-zA-Z0-9])'
            return f'{start}{re.escape(term)}{end}'
        start = r'(?<![a-zA-Z0-9])' if re.match(r'[a-zA-Z0-9]', term) else ''
        end = r'(?![a-zA-Z0-9])' if re.search(r'[a-zA-Z0-9]$', term) else ''
        return f'{start}{re.escape(term)}{end}'

    def redact(self, records: BaseModel, names: Iterable[str] | None = None) -> None:
        """Take the terms out of texts of records.

        :param records: records of one model
        :param names: the fields; all texts when None
        """
        if records:
            condition = SQL('id IN %s', tuple(records.ids))
            self.redact_where(records.browse(), condition, names)

    def redact_where(
        self, model: BaseModel, condition: SQL, names: Iterable[str] | None = None
    ) -> None:
        """Take the terms out of texts of the rows that meet a condition.

        :param model: empty recordset
        :param condition: SQL on the columns of its table
        :param names: the fields; all texts when None
        """
        columns = self.get_text_columns(model) if names is None else [*names]
        if not columns or not self.pattern:
            return
        model.flush_model()
        sets = [self._get_blank_sql(model, name) for name in columns]
        found = SQL(' OR ').join(self.get_match_sql(SQL.identifier(name)) for name in columns)
        self.env.cr.execute(
            SQL(
                'UPDATE %s SET %s WHERE (%s) AND (%s)',
                SQL.identifier(model._table),
                SQL(', ').join(sets),
                condition,
                found,
            )
        )
        model.invalidate_model(flush=False)

    def get_match_sql(self, text: SQL) -> SQL:
        """Return the condition that a text names the customer; without terms none does.

        :param text: expression of any type that can be read as text
        """
        return SQL('%s::text ~* %s', text, self.pattern) if self.pattern else SQL('FALSE')

    def _get_blank_sql(self, model: BaseModel, name: str) -> SQL:
        """Return the assignment that takes the customer out of a column."""
        column_type = model._fields[name].column_type[1].split('(')[0]
        return SQL(
            "%(column)s = regexp_replace(%(column)s::text, %(pattern)s, %(blank)s, 'gi')::%(type)s",
            column=SQL.identifier(name),
            pattern=self.pattern,
            blank=BLANK,
            # a type the field itself names
            type=SQL(column_type),  # pylint: disable=sql-injection
        )

    def get_text_columns(self, model: BaseModel) -> list[str]:
        """Return the names of the columns of a model in which texts stand."""
        return [
            name
            for name, field_ in model._fields.items()
            if field_.type in TEXT_TYPES
            and field_.store
            and field_.column_type
            and not field_.company_dependent
        ]
