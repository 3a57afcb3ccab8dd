from collections.abc import Collection

from odoo import api, models

ROOT = 'crm_customer.crm_customer_root_menu'

#: what each application has among its own menus, for its users and for its administrators
PAGES = (
    'crm_customer.crm_customer_root_message_menu',
    'crm_customer.crm_customer_root_preset_menu',
)


class IrUiMenu(models.Model):
    _inherit = 'ir.ui.menu'

    def _load_menus_blacklist(self):
        return [*super()._load_menus_blacklist(), *self._get_needless_root().ids]

    @api.model
    def get_user_roots(self):
        # websites look up each of these among the menus of the web client
        return super().get_user_roots() - self._get_needless_root()

    @api.model
    def _get_needless_root(self):
        """Return the root menu of the customer file, when its user has its pages elsewhere."""
        root = self.env.ref(ROOT, raise_if_not_found=False)
        return root if root and self._has_customer_file_elsewhere(root) else self.browse()

    @api.model
    def _has_customer_file_elsewhere(self, root: models.BaseModel) -> bool:
        """Return whether the user finds the pages of the customer file in an application."""
        visible_ids = self._visible_menu_ids()
        refs = (self.env.ref(name, raise_if_not_found=False) for name in PAGES)
        pages = self.sudo().union(*(page for page in refs if page and page.id in visible_ids))
        menus = pages.search(
            [
                ('id', 'in', list(visible_ids)),
                ('action', 'in', [f'{page.action._name},{page.action.id}' for page in pages]),
            ]
        )
        hidden_roots = {root.id, self.env.ref('base.menu_administration').id}
        elsewhere = menus.filtered(lambda menu: menu._is_reached(visible_ids, hidden_roots))
        return set(pages.mapped('action')) <= set(elsewhere.mapped('action'))

    def _is_reached(self, visible_ids: Collection[int], hidden_roots: Collection[int]) -> bool:
        """Return whether all that is above a menu is seen, in an application that counts."""
        path = [int(menu_id) for menu_id in self.parent_path.split('/')[:-1]]
        return path[0] not in hidden_roots and set(path) <= set(visible_ids)
