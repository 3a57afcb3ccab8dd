from odoo import api, models
from odoo.tools import topological_sort


class IrModuleModule(models.Model):
    _inherit = 'ir.module.module'

    @api.model
    def _get_crm_suite_names(self) -> list[str]:
        """Return this addon and all installed ones that build on it, in order of dependency."""
        base = self.sudo().search([('name', '=', 'crm_customer')])
        suite = base | base.downstream_dependencies()
        return topological_sort(
            {module.name: module.dependencies_id.mapped('name') for module in suite.sorted('name')}
            | {'crm_customer': []}
        )

    def _load_module_terms(self, modules, langs, overwrite=False):
        result = super()._load_module_terms(modules, langs, overwrite=overwrite)
        self.env['crm.preset']._load_module_translations(modules, langs)
        return result
