from odoo import api
from odoo.exceptions import AccessError


def ensure_manager(env: api.Environment) -> None:
    """Let only administrators of the customer file go on."""
    if not (env.su or env.user.has_group('crm_customer.group_manager')):
        raise AccessError(env._("Only administrators may do this."))
