from odoo import api
from odoo.tools import SQL

from .models.crm_consent_event import REFUSE_FUNCTION
from .models.crm_person_address import SECRET_PARAMETER


def uninstall_hook(env: api.Environment) -> None:
    """Take away what no table takes with it."""
    function = SQL.identifier(REFUSE_FUNCTION)
    env.cr.execute(SQL('DROP FUNCTION IF EXISTS %s() CASCADE', function))
    env['ir.config_parameter'].search([('key', '=', SECRET_PARAMETER)]).unlink()
    # without our column core's queue would take these mails for its own
    unsent = [('crm_message_id', '!=', False), ('state', '=', 'outgoing')]
    env['mail.mail'].search(unsent).cancel()
