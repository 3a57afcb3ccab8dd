# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Uninstall addons and open core's forms; run by ``setup/dev matrix`` in Odoo's shell."""

import logging
import os

from setup.probes.forms import fields_of


class Errors(logging.Handler):
    """Uninstalling logs none: what cannot be deleted is left to the shop on purpose."""

    def emit(self, record):
        print(f"FINDING uninstalling logged: {record.getMessage().strip().splitlines()[0]}")


logging.getLogger().addHandler(Errors(logging.ERROR))
wanted = os.environ['SUITE_MODULES'].split(',')
modules = env['ir.module.module'].search([('name', 'in', wanted), ('state', '=', 'installed')])
env['res.users'].search([('login', '=like', 'matrix_%')]).unlink()
env.cr.commit()
modules.button_immediate_uninstall()
env.cr.rollback()
env.transaction.reset()

for module in env['ir.module.module'].search([('name', 'in', wanted)]):
    if module.state != 'uninstalled':
        print(f"FINDING {module.name} is {module.state} after uninstalling")

for name in ('res.partner', 'sale.order', 'product.template', 'res.users', 'res.config.settings'):
    model = env[name]
    try:
        shown = fields_of(model, model.get_views([[False, 'form']])['views']['form']['arch'])
        model.search([], limit=1).web_read({field: {} for field in shown})
    except Exception as error:  # noqa: BLE001 - every failure is a finding
        print(f"FINDING the form of {name} does not open: {error}")
