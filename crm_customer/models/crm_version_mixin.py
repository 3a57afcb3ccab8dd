from odoo import fields, models
from odoo.tools import SQL


class CrmVersionMixin(models.AbstractModel):
    """Rows that stand for a resource which transactions use up one after the other.

    Under Odoo's isolation level a lock alone orders nothing: who waited for it still reads what
    was true when he began.  Changing the row makes the second of two racing transactions fail
    with a serialization failure, and Odoo runs it again on what the first one left.
    """

    _name = 'crm.version.mixin'
    _description = 'Rows With a Version'

    lock_version = fields.Integer(
        readonly=True,
        copy=False,
        default=0,
        aggregator=None,  # no figure to be summed up in reports
        help="Raised by each transaction that uses the resource, so that only one at a time can.",
    )

    def _bump_version(self) -> None:
        """Claim the resources for this transaction; call it before deciding on what they hold.

        Rows are locked in the order of their ids, so that two calls cannot wait for each other.

        :raise psycopg2.errors.SerializationFailure: another transaction was faster (retried)
        """
        if not self.ids:
            return
        table = SQL.identifier(self._table)
        self.env.execute_query(
            SQL(
                'UPDATE %(table)s SET lock_version = COALESCE(lock_version, 0) + 1'
                ' WHERE id IN (SELECT id FROM %(table)s WHERE id IN %(ids)s'
                ' ORDER BY id FOR NO KEY UPDATE) RETURNING id',
                table=table,
                ids=tuple(sorted(self.ids)),
            )
        )
        self.invalidate_recordset(['lock_version'], flush=False)
