# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Show core's documents to who has one role of core and none of ours; run in Odoo's shell.

Our fields on views of core must not close these views to anybody who could open them before.
What core's own fields refuse is core's.  Prints a line ``FINDING ...`` for each problem.
"""

import os

from odoo import Command
from odoo.exceptions import AccessError

from setup.probes.forms import fields_of

OURS = set(os.environ['SUITE_MODULES'].split(','))
KINDS = ('form', 'list', 'kanban')


def core_roles():
    """The groups that an administrator chooses for users, but those of ours."""
    names = env['ir.model.data'].search([('model', '=', 'res.groups'), ('module', 'in', [*OURS])])
    roles = env['res.groups'].search([('privilege_id', '!=', False)])
    return roles.filtered(lambda role: role.id not in names.mapped('res_id'))


def extended_models():
    """The models of core whose views are extended by ours."""
    names = env['ir.model.data'].search([('model', '=', 'ir.ui.view'), ('module', 'in', [*OURS])])
    views = env['ir.ui.view'].browse(names.mapped('res_id')).filtered('inherit_id')
    models = {view.model for view in views if view.model in env}
    return sorted(name for name in models if env[name]._original_module not in OURS)


def user_of(role):
    login = f'core_role_{role.id}'
    return env['res.users'].create(
        {
            'name': login,
            'login': login,
            'email': f'{login}@example.com',
            'company_ids': [Command.set(env['res.company'].search([]).ids)],
            'group_ids': [Command.set([env.ref('base.group_user').id, role.id])],
        }
    )


def show(model, kind, role):
    """Read what of ours a view shows, for its first rows and for a new record."""
    arch = model.get_views([(False, kind)])['views'][kind]['arch']
    ours = [name for name in fields_of(model, arch) if {*model._fields[name]._modules} <= OURS]
    for name in ours:
        try:
            with env.cr.savepoint():
                model.search([], limit=10).web_read({name: {}})
                if kind == 'form' and model.has_access('create'):
                    model.onchange({}, [], {name: {}})
        except AccessError as error:
            said = str(error).strip().splitlines()[0]
            print(f"FINDING {role.full_name}: {model._name}, {kind}, field {name}: {said}")


for role in core_roles():
    user = user_of(role)
    for name in extended_models():
        model = env[name].with_user(user)
        for kind in KINDS if model.has_access('read') else ():
            if env['ir.ui.view'].search_count([('model', '=', name), ('type', '=', kind)]):
                show(model, kind, role)
    env.cr.rollback()
