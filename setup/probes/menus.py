# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Open every menu of some addons as each of their roles: views, first page, first form.

Run by ``setup/dev matrix`` in Odoo's shell; prints a line ``FINDING ...`` for each problem.
"""

import os
import traceback

from odoo import Command
from odoo.tools.safe_eval import safe_eval

from setup.probes.forms import fields_of

ROLES = ('group_own', 'group_all', 'group_manager')


def roles(module):
    """One new user for each group of an addon."""
    for name in ROLES:
        group = env.ref(f'{module}.{name}', raise_if_not_found=False)
        if not group:
            print(f"FINDING {module} has no group {name}")
            continue
        login = f'matrix_{module}_{name}'
        user = env['res.users'].create(
            {
                'name': login,
                'login': login,
                'email': f'{login}@example.com',
                'group_ids': [Command.set([env.ref('base.group_user').id, group.id])],
            }
        )
        yield name, user


def menus_below(user, root):
    """The menus that a user sees below an application's root."""
    visible = env['ir.ui.menu'].with_user(user)._visible_menu_ids()
    found = env['ir.ui.menu'].browse(sorted(visible)).filtered('action')
    return found.filtered(lambda menu: menu.parent_path.startswith(root.parent_path))


def open_action(user, menu):
    """Do what the web client does: views, then the first rows."""
    # The client reads the action with the same rights, through this method.
    action = menu.with_user(user).action
    description = (
        env['ir.actions.actions'].with_user(user)._for_xml_id(action.get_external_id()[action.id])
        if action._name == 'ir.actions.act_window'
        else None
    )
    if not description:
        return
    context = safe_eval(description['context'] or '{}', {'uid': user.id, 'active_id': False})
    model = env[description['res_model']].with_user(user).with_context(**context)
    wanted = [[view[0], view[1]] for view in description['views']]
    views = model.get_views([*wanted, [False, 'search']])['views']
    for kind in views:
        if kind in ('list', 'kanban'):
            names = {name: {} for name in fields_of(model, views[kind]['arch'])}
            model.web_search_read([], names, limit=20)
    if 'form' in views and description['target'] != 'new':
        record = model.search([], limit=1)
        names = {name: {} for name in fields_of(model, views['form']['arch'])}
        record.web_read(names)


for module in os.environ['SUITE_MODULES'].split(','):
    root = env.ref(f'{module}.menu_root', raise_if_not_found=False)
    if not root:
        continue
    for role, user in roles(module):
        seen = menus_below(user, root)
        if not seen:
            print(f"FINDING {module}: {role} sees no menu")
        for menu in seen:
            try:
                open_action(user, menu)
            except Exception as error:  # noqa: BLE001 - every failure is a finding
                traceback.print_exc()
                said = str(error).strip().splitlines()[0]
                print(f"FINDING {module}: {role} cannot open {menu.complete_name}: {said}")
        print(f"{module}: {role} opened {len(seen)} menus")
