from odoo import api, models
from odoo.exceptions import ValidationError


class CrmNamedMixin(models.AbstractModel):
    """Records people find by their name; it is more than spaces, by whatever way it is given."""

    _name = 'crm.named.mixin'
    _description = 'Records With a Name'

    @api.constrains('name')
    def _check_name(self):
        for record in self.sudo():
            if not (record.name or '').strip():
                raise ValidationError(
                    self.env._("%(kind)s: please give a name.", kind=self._get_model_name())
                )

    @api.model
    def _get_model_name(self) -> str:
        """Return what the user calls such records."""
        return self.env['ir.model']._get(self._name).name
