from odoo import api, fields, models
from odoo.tools import SQL

from ..selfcheck import SelfCheck

UNCERTAIN = 'customer.messages_uncertain'


class CrmSelfcheck(models.Model):
    _inherit = 'crm.selfcheck'

    @api.model
    def _get_checks(self):
        return [
            *super()._get_checks(),
            SelfCheck(
                UNCERTAIN,
                self.env._("No message is uncertain: sent or not, nobody knows"),
                '_check_messages_uncertain',
            ),
            SelfCheck(
                'customer.messages_sending',
                self.env._("No message has been on its way for over an hour"),
                '_check_messages_sending',
            ),
            SelfCheck(
                'customer.messages_queued',
                self.env._("Every released message has its mail, short message or task"),
                '_check_messages_queued',
            ),
        ]

    @api.model
    def _run_message_checks(self) -> None:
        """Warn of uncertain messages as soon as there are any, and stop when they are settled."""
        selfchecks = self.sudo()
        record = selfchecks.search([('code', '=', UNCERTAIN)])
        uncertain = self.env['crm.message'].sudo().search_count([('state', '=', 'uncertain')], 1)
        if not uncertain and record.state in (False, 'ok'):
            return
        checks = selfchecks._get_checks()
        check = next(check for check in checks if check.code == UNCERTAIN)
        selfchecks._sync_checks(checks)[UNCERTAIN]._run_check(check)

    def _check_messages_uncertain(self) -> tuple[bool, str, int]:
        """Somebody has to look at them: *Uncertain and Failed Messages*."""
        messages = self.env['crm.message'].search([('state', '=', 'uncertain')])
        return self._to_result(messages.mapped('display_name'))

    def _check_messages_sending(self) -> tuple[bool, str, int]:
        """Nothing takes an hour: the job that settles them does not run."""
        hour_ago = fields.Datetime.subtract(fields.Datetime.now(), hours=1)
        domain = [('state', '=', 'sending'), ('attempted_at', '<', hour_ago)]
        return self._to_result(self.env['crm.message'].search(domain).mapped('display_name'))

    def _check_messages_queued(self) -> tuple[bool, str, int]:
        """A message without anything to be sent would wait for ever."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT message.id
                  FROM crm_message AS message
                 WHERE message.state = 'queued'
                   AND NOT EXISTS (SELECT FROM mail_mail WHERE crm_message_id = message.id)
                   AND NOT EXISTS (SELECT FROM sms_sms WHERE crm_message_id = message.id)
                   AND NOT EXISTS (SELECT FROM mail_activity WHERE crm_message_id = message.id)
                """
            )
        )
        messages = self.env['crm.message'].browse(row_id for (row_id,) in rows)
        return self._to_result(messages.mapped('display_name'))
