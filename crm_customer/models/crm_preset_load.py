from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..preset_file import PresetFile

#: records by name, of an addon
Names = dict[str, list[str]]


class CrmPresetLoad(models.Model):
    """A preset as one company has loaded it."""

    _name = 'crm.preset.load'
    _description = 'Preset of a Company'
    _rec_name = 'preset_id'

    preset_id = fields.Many2one('crm.preset', required=True, index=True, ondelete='cascade')
    # a company takes its presets back first: others may use what it loaded
    company_id = fields.Many2one('res.company', required=True, index=True, ondelete='restrict')
    loaded = fields.Json(help="Addons whose part was loaded, each with the records it made.")
    kept = fields.Json(help="Names, by addon, under which records that existed before are used.")
    old_goals = fields.Json(help="Targets of goals that existed before, by id, as they were.")
    date = fields.Datetime(string="Loaded on")

    _company_unique = models.UniqueIndex(
        '(preset_id, company_id)', "A company loads a preset once."
    )


class CrmPreset(models.Model):
    """What of a preset is one company's own, and what companies share.

    The first company that loads a preset gets records under the names of the file. Another one uses
    those of them that belong to no company, and gets the rest anew under names of its own. What is
    shared goes when the last company takes the preset back.
    """

    _inherit = 'crm.preset'

    load_ids = fields.One2many('crm.preset.load', 'preset_id')
    loaded = fields.Json(compute='_compute_load', compute_sudo=True)
    kept = fields.Json(compute='_compute_load', compute_sudo=True)
    old_goals = fields.Json(compute='_compute_load', compute_sudo=True)
    date = fields.Datetime(string="Loaded on", compute='_compute_load', compute_sudo=True)

    @api.depends('load_ids.loaded', 'load_ids.kept', 'load_ids.old_goals', 'load_ids.date')
    @api.depends_context('company')
    def _compute_load(self):
        for preset in self:
            load = preset._get_load()
            for name in ('loaded', 'kept', 'old_goals', 'date'):
                preset[name] = load[name]

    def _get_load(self) -> CrmPresetLoad:
        """Return what the present company has loaded."""
        company = self.env.company
        return self.load_ids.filtered(lambda load: load.company_id == company)

    def _write_load(self, vals: dict) -> None:
        load = self._get_load()
        if load:
            load.write(vals)
        else:
            load.create({'preset_id': self.id, 'company_id': self.env.company.id, **vals})

    # ------------------------------------------------------------
    # NAMES
    # ------------------------------------------------------------

    @api.model
    def _open_file(self, module: str, filename: str) -> PresetFile:
        """Return a part of a preset, with the names its records have for the present company."""
        source = PresetFile(module, filename)
        suffix = self._get_suffix(self.env.company)
        source.rename(self._get_names_taken(source, suffix), suffix)
        return source

    @api.model
    def _get_suffix(self, company) -> str:
        return f'_company_{company.id}'

    @api.model
    def _get_names_taken(self, source: PresetFile, suffix: str) -> set[str]:
        """Return the names under which another company has records of its own."""
        names = [record.xml_name for record in source.get_records()]
        companies = self._get_companies_by_name(
            source.module, [*names, *(name + suffix for name in names)]
        )
        nobody, mine = self.env['res.company'], self.env.company
        return {
            name
            for name in names
            if name + suffix in companies or companies.get(name, nobody) not in (nobody, mine)
        }

    @api.model
    def _get_companies_by_name(self, module: str, names: list[str]) -> dict[str, models.BaseModel]:
        """Return the company of each record there is, none for what all companies share."""
        rows = self.env['ir.model.data'].search([('module', '=', module), ('name', 'in', names)])
        companies = {}
        for model, data in rows.grouped('model').items():
            if model not in self.env:
                continue
            records = self.env[model].browse(data.mapped('res_id')).exists()
            has_company = 'company_id' in records._fields
            found = {record.id: record.company_id if has_company else None for record in records}
            for row in data.filtered(lambda row, found=found: row.res_id in found):
                companies[row.name] = found[row.res_id] or self.env['res.company']
        return companies

    # ------------------------------------------------------------
    # TAKE BACK
    # ------------------------------------------------------------

    def _split_names(self, names_by_module: Names) -> tuple[Names, Names]:
        """Return what goes with the present company, and what others use as well."""
        others = self.load_ids - self._get_load()
        own, shared = {}, {}
        for module, names in names_by_module.items():
            users = others.filtered(lambda load, module=module: module in (load.loaded or {}))
            kept = self._get_names_in_use(module, names, users)
            own[module] = [name for name in names if name not in kept]
            shared[module] = [name for name in names if name in kept]
        return own, shared

    def _get_names_in_use(self, module: str, names: list[str], users: CrmPresetLoad) -> set[str]:
        """Return the names of records that belong to no company and are not doubled for others."""
        if not users:
            return set()
        companies = self._get_companies_by_name(module, names)
        suffix = self._get_suffix(self.env.company)
        doubled = {
            name.removesuffix(self._get_suffix(load.company_id))
            for load in users
            for part in (load.loaded, load.kept)
            for name in (part or {}).get(module, ())
            if name.endswith(self._get_suffix(load.company_id))
        }
        return {
            name
            for name in names
            if not companies.get(name) and not name.endswith(suffix) and name not in doubled
        }

    def _hand_over(self, field: str, names_by_module: Names) -> None:
        """Let another company that uses them take care of records and names."""
        others = self.load_ids - self._get_load()
        for module, names in names_by_module.items():
            if names:
                heir = others.filtered(lambda load, module=module: module in (load.loaded or {}))[0]
                mine = heir[field] or {}
                heir[field] = {**mine, module: [*mine.get(module, ()), *names]}

    @api.model
    def _ensure_no_other_company(self, records_by_model: dict[str, models.BaseModel]) -> None:
        for records in records_by_model.values():
            if 'company_id' not in records._fields:
                continue
            if foreign := records.company_id - self.env.companies:
                raise UserError(
                    self.env._(
                        "The preset also made records of %(companies)s; take it back there.",
                        companies=foreign.mapped('name'),
                    )
                )
