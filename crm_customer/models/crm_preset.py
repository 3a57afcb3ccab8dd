from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import file_path
from odoo.tools.translate import TranslationImporter, get_po_paths

from ..preset_file import PresetRecord
from ..rights import ensure_manager
from ..usage import UsageFinder, Use

#: records that are named where a preset cannot be taken back
MAX_NAMED = 5


class CrmPreset(models.Model):
    """Settings for one kind of business; each addon ships its part in ``presets/<code>.xml``.

    A part is an ordinary data file.  It is loaded once, its records are not touched by updates,
    and they can be taken back while nothing was built on them.  Where the database has a record of
    the same meaning already, that one is used and left as it is.
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
    links = fields.Json(
        readonly=True, help="Links the records had when they were made; later ones are uses."
    )
    state = fields.Selection(
        selection=[('new', "Not loaded"), ('partial', "New parts to load"), ('loaded', "Loaded")],
        compute='_compute_state',
    )
    record_count = fields.Integer(string="Records", compute='_compute_state')

    _code_unique = models.UniqueIndex('(code)', "There is one preset for each code.")

    @api.depends('code', 'loaded')
    @api.depends_context('company')
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
        ensure_manager(self.env)
        for preset in self.sudo():
            preset._load()
        return True

    def _load(self) -> None:
        self._bump_version()
        loaded, kept = self.loaded or {}, dict(self.kept or {})
        new = {}
        for module, filename in self._get_files().items():
            if module not in loaded:
                kept[module] = self._keep_existing(module, filename)
                new[module] = self._load_file(module, filename)
        links = UsageFinder(self.env, self._get_records(new)).find_links()
        for column, known in (self.links or {}).items():
            links.setdefault(column, []).extend(known)
        self.links = links
        self._write_load({'loaded': {**loaded, **new}, 'kept': kept, 'date': fields.Datetime.now()})
        self._after_load_hook(self.code)

    @api.model
    def _after_load_hook(self, code: str) -> None:
        """Do what cannot be said in a data file, after all parts were loaded.

        :param code: code of the preset, as b3_hotel
        """

    def _load_file(self, module: str, filename: str) -> list[str]:
        """Load one file; what has a name already is left out.

        :return: names of the records it made, in the order they were made
        """
        source = self._open_file(module, filename)
        known = self.env['ir.model.data'].search(
            [
                ('module', '=', module),
                ('name', 'in', [record.xml_name for record in source.get_records()]),
            ]
        )
        before = self._get_last_data_id()
        source.load(self.env, without=known.mapped('name'))
        data = self.env['ir.model.data'].search(
            [('id', '>', before), ('module', '=', module)], order='id'
        )
        names = data.mapped('name')
        self._load_translations(module, filename, names)
        return names

    def _keep_existing(self, module: str, filename: str) -> list[str]:
        """Give records of the same meaning the names under which the file knows its own.

        :return: the names
        """
        names = []
        source = self._open_file(module, filename)
        known = self._get_companies_by_name(module, [r.xml_name for r in source.get_records()])
        for record in source.get_records():
            existing = record.xml_name not in known and self._find_existing(record)
            if existing:
                self.env['ir.model.data'].create(
                    {
                        'module': module,
                        'name': record.xml_name,
                        'model': record.model,
                        'res_id': existing.id,
                        'noupdate': True,
                    }
                )
                names.append(record.xml_name)
        return names

    @api.model
    def _find_existing(self, record: PresetRecord) -> models.BaseModel | None:
        """Return the record of the database that means the same as one of a file."""
        if record.model not in self.env:
            return None
        model = self.env[record.model].with_context(active_test=False)
        for name in self._get_meaning_fields().get(record.model, ()):
            domain = self._get_meaning_domain(model, name, record)
            existing = domain and model.search(domain, limit=1)
            if existing:
                return existing
        return None

    @api.model
    def _get_meaning_fields(self) -> dict[str, tuple[str, ...]]:
        """Return by which fields records mean the same, by model; the surest first.

        Models that are not named are always made anew.
        """
        return {
            'crm.contact.policy': ('company_id',),
            'crm.customer.class': ('name',),
            'crm.customer.status': ('name',),
            'crm.customer.type': ('name',),
            'crm.goal': ('code',),
            'crm.note.category': ('name',),
            'crm.occasion.department': ('code', 'name'),
            'crm.occasion.type': ('code', 'name'),
            'res.partner.category': ('name',),
        }

    @api.model
    def _get_meaning_domain(
        self, model: models.BaseModel, name: str, record: PresetRecord
    ) -> Domain | None:
        """Return the domain of records that agree in one field, whatever the language."""
        if name == 'company_id':  # what the company has of its own
            return Domain(name, '=', self.env.company.id)
        if name == 'name':
            found = self._find_by_names(model, record.get_names())
            domain = Domain('id', 'in', found) if found else None
        else:
            value = record.texts.get(name)
            domain = Domain(name, '=', value) if value else None
        if domain and 'company_id' in model._fields:
            domain &= Domain('company_id', 'in', [False, self.env.company.id])
        return domain

    @api.model
    def _find_by_names(self, model: models.BaseModel, names: list[str]) -> list[int]:
        """Return the ids of records that have one of the names in any language."""
        model.flush_model(['name'])
        column = SQL.identifier('name')
        if model._fields['name'].translate:
            said = SQL('SELECT value FROM jsonb_each_text(%s)', column)
        else:
            said = SQL('SELECT %s AS value', column)
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM %s WHERE EXISTS'
                ' (SELECT FROM (%s) AS said WHERE lower(said.value) = ANY(%s)) ORDER BY id',
                SQL.identifier(model._table),
                said,
                [name.lower() for name in names],
            )
        )
        return [row[0] for row in rows]

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
            stream = self._open_file(module, filename).open()
            importer.load(stream, 'xml', lang, xmlids=xmlids, module=module)
        importer.save(overwrite=False)

    @api.model
    def _load_module_translations(self, modules: Collection[str], langs: Collection[str]) -> None:
        """Translate loaded presets into languages that were installed later."""
        for load in self.search([('load_ids', '!=', False)]).load_ids:
            preset = load.preset_id.with_company(load.company_id)
            files = preset._get_files()
            for module, names in (load.loaded or {}).items():
                if module in modules and module in files:
                    preset._load_translations(module, files[module], names, langs)

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

    def _set_goals(self, targets: dict[str, float]) -> None:
        """Set the company's own targets, and remember those it had before the preset.

        :param targets: by code of the goal
        """
        self.ensure_one()
        own = self._get_records(self.loaded or {}).get('crm.goal', self.env['crm.goal'])
        before = dict(self.old_goals or {})
        goals = self.env['crm.goal'].search(
            [('code', 'in', list(targets)), ('company_id', '=', self.env.company.id)]
        )
        for goal in goals:
            if goal.target == targets[goal.code]:
                continue
            if goal not in own:
                before.setdefault(str(goal.id), goal.target)
            goal.target = targets[goal.code]
        self._write_load({'old_goals': before})

    # ------------------------------------------------------------
    # UNDO
    # ------------------------------------------------------------

    def action_undo(self) -> bool:
        """Delete what the preset made, as long as nothing was built on it."""
        ensure_manager(self.env)
        for preset in self.sudo():
            preset._undo()
        return True

    def _undo(self) -> None:
        self._bump_version()
        own, shared = self._split_names(self.loaded or {})
        records_by_model = self._get_records(own)
        self._ensure_no_other_company(records_by_model)
        uses = UsageFinder(self.env, records_by_model).find_uses(
            self.links or {},
            [self.env[model]._table for model in self._get_derived_models()],
        )
        if uses:
            raise UserError(
                self.env._(
                    "The preset is in use and cannot be taken back:\n%(uses)s",
                    uses='\n'.join(f'- {self._describe_use(use)}' for use in uses),
                )
            )
        try:
            with self.env.cr.savepoint():
                for records in reversed(records_by_model.values()):
                    records.unlink()
        except psycopg2.IntegrityError as error:
            raise UserError(self.env._("The preset is in use and cannot be taken back.")) from error
        self._forget_kept()
        self._hand_over('loaded', shared)
        self._get_load().unlink()
        if not self.load_ids:
            self.links = False

    def _forget_kept(self) -> None:
        """Take back the names of records that existed before, and targets set for old goals."""
        for goal_id, target in (self.old_goals or {}).items():
            self.env['crm.goal'].browse(int(goal_id)).exists().target = target
        own, shared = self._split_names(self.kept or {})
        for module, names in own.items():
            self.env['ir.model.data'].search(
                [('module', '=', module), ('name', 'in', names)]
            ).unlink()
        self._hand_over('kept', shared)

    @api.model
    def _get_records(self, loaded: dict[str, list[str]]) -> dict[str, models.BaseModel]:
        """Return what was made and still exists, by model in the order they were made.

        :param loaded: names of the records, by addon
        """
        data = self.env['ir.model.data'].search(
            Domain.OR(
                Domain('module', '=', module) & Domain('name', 'in', names)
                for module, names in loaded.items()
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

    @api.model
    def _get_derived_models(self) -> set[str]:
        """Return the models whose rows follow from a preset's records and may go with them.

        Extend it for what jobs compute, as the members of a segment.
        """
        return set()

    def _describe_use(self, use: Use) -> str:
        return self.env._(
            "%(target)s: used by %(count)s of %(user)s",
            target=self._describe_used(use),
            count=use.count,
            user=self._get_table_name(use.user),
        )

    def _describe_used(self, use: Use) -> str:
        """Return what the user calls the records that are used, the first of them by name."""
        label, model = self._get_table_name(use.target), self._get_model_name(use.target)
        if not model:
            return label
        records = self.env[model].browse(use.ids[:MAX_NAMED])
        more = ['...'] if len(use.ids) > MAX_NAMED else []
        return f'{label} ({", ".join([*records.mapped("display_name"), *more])})'

    @api.model
    def _get_table_name(self, table: str) -> str:
        """Return what the user calls the records of a table."""
        model = self._get_model_name(table)
        return self.env['ir.model']._get(model).name if model else table

    @api.model
    def _get_model_name(self, table: str) -> str | None:
        names = (name for name, model in self.env.registry.items() if model._table == table)
        return next(names, None)
