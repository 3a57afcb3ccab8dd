from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ImportColumn:
    """A column of a template.

    Beside the columns of its template a file may have any other field of the model, under its
    label or technical name.
    """

    #: field as ``load()`` knows it: ``name``, ``parent_id/id``, ``order_line/price_unit``; behind
    #: the template's ``customer``, a field of the customer to find: ``partner_id/phone``
    path: str
    #: translated header
    label: str
    #: a row without it is left out
    required: bool = False
    #: other headers understood, as other systems write them
    aliases: tuple[str, ...] = ()
    #: translated: what to put in
    help: str = ''


@dataclass(frozen=True)
class ImportTemplate:
    """A kind of file; registered by ``crm.import._get_import_templates``."""

    #: stable and unique, as ``customers``
    code: str
    #: translated
    name: str
    model: str
    columns: tuple[ImportColumn, ...]
    #: rows of the file to download, in the order of the columns
    examples: tuple[tuple[str, ...], ...] = ()
    #: where the customer stands who is found by tax number, e-mail or phone: ``''`` the record
    #: itself, ``'partner_id'`` that link; None: nobody is looked for
    customer: str | None = None
    #: paths of the columns by which the model itself finds a record again, where it has no
    #: external id
    key: tuple[str, ...] = ()
    #: method of the model that takes and returns what ``load`` does
    loader: str = 'load'
    #: who may bring it in, when that is not who may create records of the model
    group: str = ''
    #: added to the context of the loader
    context: dict = field(default_factory=dict)

    def get_column(self, path: str) -> ImportColumn | None:
        """Return the column of a path; None when the path is not the template's.

        :param path: as ``ImportColumn.path``
        """
        return next((column for column in self.columns if column.path == path), None)
