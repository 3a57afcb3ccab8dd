from odoo import api
from odoo.tools import SQL

from .models.aftersales_sla_event import REFUSE_FUNCTION


def post_init_hook(env: api.Environment) -> None:
    """Give existing companies the shared team, so that the first request finds one."""
    team = env.ref('crm_aftersales.aftersales_team_service', raise_if_not_found=False)
    if team:
        companies = env['res.company'].search([('aftersales_team_id', '=', False)])
        companies.aftersales_team_id = team


def uninstall_hook(env: api.Environment) -> None:
    """Take away what no table takes with it."""
    function = SQL.identifier(REFUSE_FUNCTION)
    env.cr.execute(SQL('DROP FUNCTION IF EXISTS %s() CASCADE', function))
