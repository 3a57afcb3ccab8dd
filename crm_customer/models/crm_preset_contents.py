from __future__ import annotations

from dataclasses import dataclass

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import file_path

from ..preset_file import PresetFile, PresetRecord
from ..rights import ensure_manager

MAX_NAMES = 12


@dataclass
class PresetEntry:
    """What becomes of one record of a file."""

    name: str
    state: str  # new, kept, loaded, gone
    #: what the record that is kept is called, when that is something else
    kept_name: str = ''


@dataclass
class PresetKind:
    """The records of one model in one part."""

    label: str
    entries: list[PresetEntry]

    @property
    def shown(self) -> list[PresetEntry]:
        """Those that have a name, up to a number a person reads."""
        return [entry for entry in self.entries if entry.name][:MAX_NAMES]

    @property
    def more(self) -> int:
        """How many more there are."""
        return len(self.entries) - len(self.shown)


@dataclass
class PresetPart:
    """The part of one addon."""

    title: str
    installed: bool
    kinds: list[PresetKind]


class CrmPreset(models.Model):
    """What a preset would load, is shown before it is loaded."""

    _inherit = 'crm.preset'

    contents = fields.Html(compute='_compute_contents', sanitize=False)
    goal_ids = fields.Many2many(
        comodel_name='crm.goal', string="Goals", compute='_compute_goal_ids'
    )

    @api.depends('code', 'loaded', 'kept')
    @api.depends_context('lang', 'company')
    def _compute_contents(self):
        for preset in self:
            preset.contents = self.env['ir.qweb']._render(
                'crm_customer.preset_contents', {'parts': preset.sudo()._get_contents()}
            )

    @api.depends('code', 'loaded')
    @api.depends_context('company')
    def _compute_goal_ids(self):
        for preset in self:
            codes = {proposal.texts.get('code') for proposal in preset._get_goal_proposals()}
            preset.goal_ids = self.env['crm.goal'].search(
                [('code', 'in', list(codes)), ('company_id', '=', self.env.company.id)]
            )

    def action_start(self) -> dict:
        """Open the first-start page: what is going to be loaded, and the business's own goals."""
        self.ensure_one()
        ensure_manager(self.env)
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': 'crm.preset.start',
            'views': [(False, 'form')],
            'target': 'current',
            'context': {'default_preset_id': self.id},
        }

    # ------------------------------------------------------------
    # CONTENTS
    # ------------------------------------------------------------

    def _get_contents(self) -> list[PresetPart]:
        """Return the parts of the preset: of installed addons first, then of those that are not."""
        installed = self._get_files()
        files = {**installed, **self._get_files_not_installed()}
        titles = {
            module.name: module.shortdesc
            for module in self.env['ir.module.module'].search([('name', 'in', list(files))])
        }
        titles.update(self._get_part_titles())
        return [
            PresetPart(
                titles.get(module, module), module in installed, self._get_kinds(module, name)
            )
            for module, name in files.items()
        ]

    @api.model
    def _get_part_titles(self) -> dict[str, str]:
        """Return what the reader calls an addon's part; Odoo translates names of its own only."""
        return {
            'crm_customer': self.env._("Customer File"),
            'crm_aftersales': self.env._("After-Sales"),
            'crm_loyalty': self.env._("Loyalty"),
            'crm_campaigns': self.env._("Campaigns"),
        }

    def _get_kinds(self, module: str, filename: str) -> list[PresetKind]:
        """Return what one part holds, model by model in the order of the file."""
        entries = {}
        for record in self._open_file(module, filename).get_records():
            entries.setdefault(record.model, []).append(self._get_entry(module, record))
        return [PresetKind(self._get_model_label(model), found) for model, found in entries.items()]

    def _get_entry(self, module: str, record: PresetRecord) -> PresetEntry:
        entry = PresetEntry(self._get_entry_name(record), self._get_entry_state(module, record))
        if entry.state == 'kept':
            known = self.env.ref(f'{module}.{record.xml_name}', raise_if_not_found=False)
            name = (known or self._find_existing(record)).display_name
            entry.kept_name = name if name not in record.get_names() else ''
        return entry

    def _get_entry_name(self, record: PresetRecord) -> str:
        """Return what a record is called on the page."""
        if record.model == 'crm.preset.setting':
            label = (
                self.env['crm.preset.setting']
                .new({'field_name': record.texts.get('field_name')})
                ._get_label()
            )
            return f'{label}: {record.texts.get("value", "")}'
        return record.get_name(self.env.lang or 'en_US')

    def _get_entry_state(self, module: str, record: PresetRecord) -> str:
        """Return what becomes, or became, of a record."""
        if module in (self.loaded or {}):
            if record.xml_name in (self.kept or {}).get(module, ()):
                return 'kept'
            exists = self.env.ref(f'{module}.{record.xml_name}', raise_if_not_found=False)
            return 'loaded' if exists else 'gone'
        known = self.env.ref(f'{module}.{record.xml_name}', raise_if_not_found=False)
        return 'kept' if known or self._find_existing(record) else 'new'

    def _get_model_label(self, model: str) -> str:
        """Return what the user calls the records of a model."""
        if model not in self.env:
            return model
        return self.env['ir.model']._get(model).name

    @api.model
    def _get_files_not_installed(self) -> dict[str, str]:
        """Return the files of addons that are at hand and would add to this preset."""
        suite = self.env['ir.module.module']._get_crm_suite_names()
        modules = self.env['ir.module.module'].search(
            Domain('state', '=', 'uninstalled') & Domain('dependencies_id.name', 'in', suite)
        )
        files = {}
        for module in modules.mapped('name'):
            filename = f'presets/{self.code}.xml'
            try:
                file_path(f'{module}/{filename}')
            except FileNotFoundError:
                continue
            files[module] = filename
        return files

    def _get_goal_proposals(self) -> list[PresetRecord]:
        """Return the goals that the parts of installed addons propose."""
        self.ensure_one()
        return [
            record
            for module, filename in self._get_files().items()
            for record in PresetFile(module, filename).get_records()
            if record.model == 'crm.goal'
        ]
