def _set_default_teams(env):
    """Give existing companies the shared team, so that the first request finds one."""
    team = env.ref('crm_aftersales.aftersales_team_service', raise_if_not_found=False)
    if team:
        companies = env['res.company'].search([('aftersales_team_id', '=', False)])
        companies.aftersales_team_id = team
