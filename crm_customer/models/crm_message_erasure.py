from odoo import api, fields, models
from odoo.tools import SQL

#: states in which a message can still be stopped
STOPPABLE = ('planned', 'queued', 'failed')
#: states in which nothing more happens to a message
ENDED = ('sent', 'failed', 'folded', 'refused', 'cancelled')


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _erase_personal_texts(self) -> None:
        """Take the texts out; what has not left never will."""
        self.write(
            {'subject': False, 'content_values': False, 'address_hash': False, 'failure': False}
        )
        waiting = self.filtered(lambda message: message.state in STOPPABLE)
        waiting.write({'state': 'refused', 'reason': 'erased'})

    @api.autovacuum
    def _gc_texts(self, limit: int = 10000) -> tuple[int, int]:
        """Empty the texts of messages that ended longer ago than their company keeps them."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_message SET subject = NULL, content_values = NULL, failure = NULL
                 WHERE id IN (
                       SELECT message.id
                         FROM crm_message AS message
                         JOIN res_company AS company ON company.id = message.company_id
                        WHERE company.crm_message_keep_days > 0
                          AND message.state IN %(ended)s
                          AND message.planned_at
                              < %(now)s - make_interval(days => company.crm_message_keep_days)
                          AND (message.subject IS NOT NULL OR message.content_values IS NOT NULL
                               OR message.failure IS NOT NULL)
                        LIMIT %(limit)s)
                """,
                ended=ENDED,
                now=fields.Datetime.now(),
                limit=limit,
            )
        )
        self.invalidate_model(flush=False)
        return self.env.cr.rowcount, int(self.env.cr.rowcount == limit)
