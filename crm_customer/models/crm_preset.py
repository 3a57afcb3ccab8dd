from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, convert_file
from odoo.tools.misc import file_path
from odoo.tools.translate import TranslationImporter, get_po_paths


class ForeignKey(NamedTuple):
    """A column that points to the table of a preset's record."""

    target: str
    table: str
    column: str
    is_relation: bool  # table of a many2many: rows without a date


class CrmPreset(models.Model):
    """Settings for one kind of business; each addon ships its part in ``presets/<code>.xml``.

    A part is an ordinary data file.  It is loaded once, its records are not touched by updates,
    and they can be taken back while nothing was built on them.
    """

    _name = 'crm.preset'
    _description = 'Business Preset'
    _inherit = ['crm.version.mixin']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True, readonly=True, help="Name of the file in the folder presets of an addon."
    )
    sequence = fields.Integer(default=10)
    description = fields.Text(translate=True)
    loaded = fields.Json(
        readonly=True, help="Addons whose part was loaded, each with the records it made."
    )
    state = fields.Selection(
        selection=[('new', "Not loaded"), ('partial', "New parts to load"), ('loaded', "Loaded")],
        compute='_compute_state',
    )
    record_count = fields.Integer(string="Records", compute='_compute_state')
    date = fields.Datetime(string="Loaded on", readonly=True)

    _code_unique = models.UniqueIndex('(code)', "There is one preset for each code.")

    @api.depends('code', 'loaded')
    def _compute_state(self):
        for preset in self:
            loaded = preset.loaded or {}
            preset.record_count = sum(map(len, loaded.values()))
            if not loaded:
                preset.state = 'new'
            elif set(preset._get_files()) - set(loaded):
                preset.state = 'partial'
            else:
                preset.state = 'loaded'

    # ------------------------------------------------------------
    # LOAD
    # ------------------------------------------------------------

    def action_load(self) -> bool:
        """Load the parts of all installed addons that were not loaded yet."""
        self._ensure_manager()
        for preset in self.sudo():
            preset._load()
        return True

    def _load(self) -> None:
        self._bump_version()
        loaded = dict(self.loaded or {})
        for module, filename in self._get_files().items():
            if module not in loaded:
                loaded[module] = self._load_file(module, filename)
        self.write({'loaded': loaded, 'date': fields.Datetime.now()})

    def _load_file(self, module: str, filename: str) -> list[str]:
        """Load one file.

        :return: names of the records it made, in the order they were made
        """
        before = self._get_last_data_id()
        convert_file(self.env, module, filename, {}, mode='init', noupdate=True)
        data = self.env['ir.model.data'].search(
            [('id', '>', before), ('module', '=', module)], order='id'
        )
        names = data.mapped('name')
        self._load_translations(module, filename, names)
        return names

    @api.model
    def _load_translations(
        self,
        module: str,
        filename: str,
        names: list[str],
        langs: Collection[str] | None = None,
    ) -> None:
        """Translate what a file made: from the addon's po files and from the file itself.

        A file says ``<field name="name@zh_CN">`` beside ``<field name="name">``.
        """
        if langs is None:
            langs = [code for code, _name in self.env['res.lang'].get_installed()]
        xmlids = {f'{module}.{name}' for name in names}
        importer = TranslationImporter(self.env.cr, verbose=False)
        for lang in set(langs) - {'en_US'} if xmlids else ():
            for po_path in get_po_paths(module, lang):
                importer.load_file(po_path, lang, xmlids=xmlids)
            importer.load_file(f'{module}/{filename}', lang, xmlids=xmlids, module=module)
        importer.save(overwrite=False)

    @api.model
    def _load_module_translations(self, modules: Collection[str], langs: Collection[str]) -> None:
        """Translate loaded presets into languages that were installed later."""
        for preset in self.search([('date', '!=', False)]):
            files = preset._get_files()
            for module, names in (preset.loaded or {}).items():
                if module in modules and module in files:
                    self._load_translations(module, files[module], names, langs)

    def _get_files(self) -> dict[str, str]:
        """Return the file of each installed addon that has a part, in order of dependency."""
        filename = f'presets/{self.code}.xml'
        files = {}
        for module in self.env['ir.module.module']._get_crm_suite_names():
            with contextlib.suppress(FileNotFoundError):
                file_path(f'{module}/{filename}')
                files[module] = filename
        return files

    @api.model
    def _get_last_data_id(self) -> int:
        return self.env['ir.model.data'].search([], order='id desc', limit=1).id

    # ------------------------------------------------------------
    # UNDO
    # ------------------------------------------------------------

    def action_undo(self) -> bool:
        """Delete what the preset made, as long as nothing was built on it."""
        self._ensure_manager()
        for preset in self.sudo():
            preset._undo()
        return True

    def _undo(self) -> None:
        self._bump_version()
        records_by_model = self._get_records()
        uses = self._get_uses(records_by_model)
        if uses:
            raise UserError(
                self.env._(
                    "The preset is in use and cannot be taken back:\n%(uses)s",
                    uses='\n'.join(f'- {use}' for use in uses),
                )
            )
        try:
            with self.env.cr.savepoint():
                for records in reversed(records_by_model.values()):
                    records.unlink()
        except psycopg2.IntegrityError as error:
            raise UserError(self.env._("The preset is in use and cannot be taken back.")) from error
        self.write({'loaded': False, 'date': False})

    def _get_records(self) -> dict[str, models.BaseModel]:
        """Return what the preset made and still exists, by model in the order they were made."""
        data = self.env['ir.model.data'].search(
            Domain.OR(
                Domain('module', '=', module) & Domain('name', 'in', names)
                for module, names in (self.loaded or {}).items()
            ),
            order='id',
        )
        ids_by_model = defaultdict(list)
        for row in data:
            ids_by_model[row.model].append(row.res_id)
        return {
            model: self.env[model].with_context(active_test=False).browse(ids).exists()
            for model, ids in ids_by_model.items()
            if model in self.env
        }

    def _get_uses(self, records_by_model: dict[str, models.BaseModel]) -> list[str]:
        """Return a sentence for each table that has rows hanging on the preset's records."""
        self.env.flush_all()
        own_ids = {
            self.env[model]._table: tuple(records.ids)
            for model, records in records_by_model.items()
            if records
        }
        uses = []
        for table in own_ids:
            for foreign_key in self._get_foreign_keys(table):
                count = self._count_uses(foreign_key, own_ids)
                if count:
                    uses.append(self._describe_use(foreign_key, count))
        return uses

    @api.model
    def _get_foreign_keys(self, table: str) -> list[ForeignKey]:
        """Return the columns that point to a table."""
        return self._find_foreign_keys(SQL('con.confrelid = %s::regclass', table))

    @api.model
    def _find_foreign_keys(self, condition: SQL) -> list[ForeignKey]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT con.confrelid::regclass::text, con.conrelid::regclass::text, att.attname,
                       NOT EXISTS (SELECT FROM pg_attribute
                                    WHERE attrelid = con.conrelid AND attname = 'create_date')
                  FROM pg_constraint con
                  JOIN pg_attribute att
                    ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
                 WHERE con.contype = 'f' AND %s
                """,
                condition,
            )
        )
        return [ForeignKey(*row) for row in rows]

    def _count_uses(self, key: ForeignKey, own_ids: dict[str, tuple[int, ...]]) -> int:
        """Count the rows that point to the preset's records and are not the preset's own."""
        conditions = [SQL('%s IN %s', SQL.identifier('use', key.column), own_ids[key.target])]
        if key.is_relation:
            conditions.extend(self._get_other_side_conditions(key, own_ids))
        else:
            # what was made in the same transaction is part of the record, as its lines
            conditions.append(SQL('use.create_date IS DISTINCT FROM made.create_date'))
        if key.table in own_ids:
            conditions.append(SQL('use.id NOT IN %s', own_ids[key.table]))
        [(count,)] = self.env.execute_query(
            SQL(
                'SELECT count(*) FROM %s AS use JOIN %s AS made ON made.id = %s WHERE %s',
                SQL.identifier(key.table),
                SQL.identifier(key.target),
                SQL.identifier('use', key.column),
                SQL(' AND ').join(conditions),
            )
        )
        return count

    @api.model
    def _get_other_side_conditions(
        self, key: ForeignKey, own_ids: dict[str, tuple[int, ...]]
    ) -> list[SQL]:
        """Return the conditions that leave out links between two records of the preset."""
        return [
            SQL('%s NOT IN %s', SQL.identifier('use', other.column), own_ids[other.target])
            for other in self._find_foreign_keys(SQL('con.conrelid = %s::regclass', key.table))
            if other.column != key.column and other.target in own_ids
        ]

    def _describe_use(self, key: ForeignKey, count: int) -> str:
        user = key.table
        if key.is_relation:
            others = self._find_foreign_keys(SQL('con.conrelid = %s::regclass', key.table))
            user = next((other.target for other in others if other.column != key.column), user)
        return self.env._(
            "%(target)s: used by %(count)s of %(user)s",
            target=self._get_table_name(key.target),
            count=count,
            user=self._get_table_name(user),
        )

    @api.model
    def _get_table_name(self, table: str) -> str:
        """Return what the user calls the records of a table."""
        names = [name for name, model in self.env.registry.items() if model._table == table]
        return self.env['ir.model']._get(names[0]).name if names else table

    def _ensure_manager(self) -> None:
        if not (self.env.su or self.env.user.has_group('crm_customer.group_manager')):
            raise AccessError(self.env._("Only administrators may load presets."))
