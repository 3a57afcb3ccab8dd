from odoo import api
from odoo.tools import SQL

from .models.crm_consent_event import REFUSE_FUNCTION


def uninstall_hook(env: api.Environment) -> None:
    """Take away what no table takes with it."""
    function = SQL.identifier(REFUSE_FUNCTION)
    env.cr.execute(SQL('DROP FUNCTION IF EXISTS %s() CASCADE', function))
    # without our column core's queue would take these mails for its own
    unsent = [('crm_message_id', '!=', False), ('state', '=', 'outgoing')]
    env['mail.mail'].search(unsent).cancel()
