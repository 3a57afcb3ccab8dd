# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Load every preset, so that an export finds its texts; run in Odoo's shell."""

env['crm.preset'].search([]).action_load()
env.cr.commit()
