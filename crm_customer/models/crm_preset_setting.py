from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import ValidationError

PLAIN_TYPES = ('boolean', 'integer', 'float', 'char', 'selection')


class CrmPresetSetting(models.Model):
    """A setting of the company that a preset proposes.

    It is taken over where the company still has the value everybody begins with; deleting it, as
    taking back the preset does, restores that value where nobody changed it since.
    """

    _name = 'crm.preset.setting'
    _description = 'Preset Setting'
    _order = 'id'
    _rec_name = 'field_name'

    field_name = fields.Char(required=True, readonly=True, help="Field of the company.")
    value = fields.Char(readonly=True, help="What the preset proposes.")
    old_value = fields.Char(readonly=True, help="What the company had before.")
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.company,
    )
    state = fields.Selection(
        selection=[
            ('applied', "Taken over"),
            ('kept', "The company's own was kept"),
            ('unknown', "Not installed"),
        ],
        required=True,
        readonly=True,
        default='unknown',
    )

    @api.model_create_multi
    def create(self, vals_list):
        settings = super().create(vals_list)
        for setting in settings:
            setting._apply()
        return settings

    @api.ondelete(at_uninstall=False)
    def _unlink_restores(self):
        for setting in self.filtered(lambda setting: setting.state == 'applied'):
            company_sudo = setting.company_id.sudo()
            name = setting.field_name
            if name in company_sudo._fields and setting._read() == setting.value:
                company_sudo[name] = setting._convert(setting.old_value)

    def _apply(self) -> None:
        """Take the setting over, unless the company has decided otherwise before."""
        self.ensure_one()
        company_sudo = self.company_id.sudo()
        field = company_sudo._fields.get(self.field_name)
        if field is None:
            return
        if field.type not in PLAIN_TYPES:
            raise ValidationError(
                self.env._("%(field)s is no setting of a preset.", field=self.field_name)
            )
        default = company_sudo.default_get([self.field_name]).get(self.field_name, False)
        if company_sudo[self.field_name] != field.convert_to_record(default, company_sudo):
            self.state = 'kept'
            return
        self.write({'old_value': self._read(), 'state': 'applied'})
        company_sudo[self.field_name] = self._convert(self.value)
        self.value = self._read()

    def _read(self) -> str:
        """Return the value the company has now, as a text."""
        value = self.company_id.sudo()[self.field_name]
        return '' if value is False and not self._is_boolean() else str(value)

    def _convert(self, text: str | None):
        """Return the value that a text stands for."""
        field = self.env['res.company']._fields[self.field_name]
        if field.type == 'boolean':
            return text in ('True', 'true', '1')
        if field.type == 'integer':
            return int(float(text or 0))
        if field.type == 'float':
            return float(text or 0)
        return text or False

    def _is_boolean(self) -> bool:
        return self.env['res.company']._fields[self.field_name].type == 'boolean'

    def _get_label(self) -> str:
        """Return what the settings page calls the field."""
        company = self.env['res.company']
        if self.field_name not in company._fields:
            return self.field_name
        return company.fields_get([self.field_name], ['string'])[self.field_name]['string']
