from odoo import api, fields, models
from odoo.tools import SQL

#: states in which a message can still be stopped
STOPPABLE = ('planned', 'queued', 'failed')
#: condition of a message to which nothing more happens and whose words are still there
HAS_OLD_TEXT = (
    "state IN ('sent', 'failed', 'folded', 'refused', 'cancelled')"
    ' AND (subject IS NOT NULL OR content_values IS NOT NULL OR failure IS NOT NULL)'
)


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    _old_text_idx = models.Index(f'(company_id, planned_at) WHERE {HAS_OLD_TEXT}')

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
                'UPDATE crm_message SET subject = NULL, content_values = NULL, failure = NULL'
                ' WHERE id IN (%s)',
                self._get_old_texts_sql(limit),
            )
        )
        self.invalidate_model(flush=False)
        return self.env.cr.rowcount, int(self.env.cr.rowcount == limit)

    def _get_old_texts_sql(self, limit: int) -> SQL:
        """Return the SELECT of the messages to be emptied, of each company the oldest first."""
        return SQL(
            """
            SELECT message.id
              FROM res_company AS company
             CROSS JOIN LATERAL (
                   SELECT id
                     FROM crm_message
                    WHERE company_id = company.id
                      AND planned_at
                          < %(now)s - make_interval(days => company.crm_message_keep_days)
                      AND %(has_text)s
                    ORDER BY planned_at
                    LIMIT %(limit)s) AS message
             WHERE company.crm_message_keep_days > 0
             LIMIT %(limit)s
            """,
            now=fields.Datetime.now(),
            has_text=SQL(HAS_OLD_TEXT),  # pylint: disable=sql-injection
            limit=limit,
        )
