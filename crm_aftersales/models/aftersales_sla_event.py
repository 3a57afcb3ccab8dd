from __future__ import annotations

from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.crm_customer.append_only import refuse_changes

from ..rows import insert_rows
from ..sla import SlaEvent

EVENT_KINDS = [
    ('start', "Received"),
    ('reply', "Answered"),
    ('customer', "Customer Wrote"),
    ('pause', "Paused"),
    ('resume', "Resumed"),
    ('on_site', "On Site"),
    ('stop', "Resolved"),
    ('reopen', "Reopened"),
    ('retarget', "Policy Applied"),
    ('merge', "Merged"),
    ('split', "Split Off"),
    ('cancel', "Cancelled"),
]
#: what happened; the database refuses to change it
FACT_COLUMNS = ('request_id', 'kind', 'at', 'values')


class AftersalesSlaEvent(models.Model):
    """What happened to the clocks of a request: rows are added and never changed.

    They go with their request only.
    """

    _name = 'aftersales.sla.event'
    _description = "Service Level Event"
    _order = 'id'
    _rec_name = 'kind'

    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    kind = fields.Selection(selection=EVENT_KINDS, string="Event", required=True, readonly=True)
    at = fields.Datetime(string="Happened on", required=True, readonly=True)
    values = fields.Json(readonly=True, help="What the event needs: terms, reason of a pause.")
    user_id = fields.Many2one(
        comodel_name='res.users', string="Noted by", readonly=True, ondelete='set null'
    )

    def init(self):
        """Let the database itself refuse changes, whoever makes them."""
        refuse_changes(self, FACT_COLUMNS)

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("Events of service levels are never changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self) -> None:
        raise UserError(self.env._("Events of service levels are never deleted."))

    @api.model
    def _note(self, facts: list[tuple]) -> None:
        """Note what happened to requests, in one statement however many there are.

        :param facts: (request, kind, moment, values)
        """
        insert_rows(
            self,
            [
                {
                    'request_id': request.id,
                    'kind': kind,
                    'at': at.replace(microsecond=0),
                    'values': values,
                    'user_id': self.env.uid,
                }
                for request, kind, at, values in facts
            ],
        )

    @api.model
    def _read_stories(self, requests) -> dict[int, list[SlaEvent]]:
        """Return the events of requests as they were noted: request id -> events."""
        stories = defaultdict(list)
        if requests:
            rows = self.env.execute_query(
                SQL(
                    'SELECT request_id, kind, at, "values" FROM aftersales_sla_event'
                    ' WHERE request_id IN %s ORDER BY id',
                    tuple(requests.ids),
                )
            )
            for request_id, kind, at, values in rows:
                stories[request_id].append(SlaEvent(kind, at, values or {}))
        return stories
