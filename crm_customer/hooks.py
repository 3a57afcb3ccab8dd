from odoo import api

from .append_only import drop_refusal
from .models.crm_person_address import SECRET_PARAMETER


def uninstall_hook(env: api.Environment) -> None:
    """Take away what no table takes with it."""
    drop_refusal(env.cr, 'crm_consent_event')
    env['ir.config_parameter'].search([('key', '=', SECRET_PARAMETER)]).unlink()
    # without our column core's queue would take these mails for its own
    unsent = [('crm_message_id', '!=', False), ('state', '=', 'outgoing')]
    env['mail.mail'].search(unsent).cancel()
