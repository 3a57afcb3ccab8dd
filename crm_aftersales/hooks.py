from odoo import api

from odoo.addons.crm_customer.append_only import drop_refusal


def post_init_hook(env: api.Environment) -> None:
    """Give existing companies the shared team, so that the first request finds one."""
    team = env.ref('crm_aftersales.aftersales_team_service', raise_if_not_found=False)
    if team:
        companies = env['res.company'].search([('aftersales_team_id', '=', False)])
        companies.aftersales_team_id = team


def uninstall_hook(env: api.Environment) -> None:
    """Take away what no table takes with it."""
    drop_refusal(env.cr, 'aftersales_sla_event')
