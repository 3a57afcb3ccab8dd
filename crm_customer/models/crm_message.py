from __future__ import annotations

from collections.abc import Iterable

from odoo import api, fields, models
from odoo.api import ValuesType
from odoo.tools import SQL

from ..gate import RELEASED_STATES
from ..messaging import (
    CHANNELS,
    CLASSES_NEVER_WAITING,
    MESSAGE_CLASSES,
    PURPOSE_OF_CLASS,
    PURPOSES,
)

#: what may be planned about a message beside whom it is for
PLANNED_COLUMNS = {
    'key': 'varchar',
    'message_class': 'varchar',
    'channel': 'varchar',
    'company_id': 'int4',
    'planned_at': 'timestamp',
    'expires_at': 'timestamp',
    'priority': 'int4',
    'subject': 'varchar',
    'origin_model': 'varchar',
    'origin_id': 'int4',
    'content_model': 'varchar',
    'content_id': 'int4',
    'content_values': 'jsonb',
}


class CrmMessage(models.Model):
    """A message somebody is to get: one row from the intention to what became of it.

    Addons plan messages; the gate decides about those that are due, transport takes them out of
    the house.  Nothing else sends.
    """

    _name = 'crm.message'
    _description = 'Customer Message'
    _inherit = ['crm.keyed.mixin']
    _order = 'id desc'
    _rec_name = 'subject'

    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, default=lambda self: self.env.company
    )
    person_id = fields.Many2one('crm.person', required=True, readonly=True, ondelete='restrict')
    partner_id = fields.Many2one(related='person_id.partner_id', string="Customer")
    message_class = fields.Selection(
        selection=MESSAGE_CLASSES, string="Class", required=True, readonly=True
    )
    purpose = fields.Selection(
        selection=PURPOSES,
        compute='_compute_purpose',
        store=True,
        precompute=True,
        required=True,
        help="What the customer must have agreed to; follows from the class.",
    )
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True, default='email')
    priority = fields.Integer(
        readonly=True, default=5, help="0 goes first when not everything may be sent."
    )
    subject = fields.Char(readonly=True)
    origin_model = fields.Char(readonly=True, help="Model of the record the message is about.")
    origin_id = fields.Many2oneReference(model_field='origin_model', readonly=True)
    content_model = fields.Char(
        readonly=True, help="Where the text comes from: a template, a mailing."
    )
    content_id = fields.Many2oneReference(model_field='content_model', readonly=True)
    content_values = fields.Json(
        readonly=True,
        groups='crm_customer.group_manager',
        help="What the text needs beside its record.",
    )

    # === What became of it ===
    state = fields.Selection(
        selection=[
            ('planned', "Waiting"),
            ('queued', "Released"),
            ('sending', "Being Sent"),
            ('sent', "Sent"),
            ('uncertain', "Uncertain"),
            ('failed', "Failed"),
            ('folded', "Folded In"),
            ('refused', "Refused"),
            ('cancelled', "Cancelled"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default='planned',
    )
    reason = fields.Selection(
        selection=[
            ('erased', "Customer erased"),
            ('merged', "Merged into another customer"),
            ('archived', "Customer archived"),
            ('expired', "Too late"),
            ('no_address', "No address"),
            ('blacklist', "Blacklisted"),
            ('do_not_disturb', "Do not disturb"),
            ('no_consent', "No consent"),
            ('holdout', "Hold-out group"),
            ('hush', "Open complaint"),
            ('in_house', "Customer is with us"),
            ('quiet_period', "Quiet period before a promotion"),
            ('frequency_cap', "Enough messages lately"),
            ('quiet_hours', "Quiet hours"),
            ('staff', "Decided by staff"),
            ('delivery', "Could not be delivered"),
        ],
        readonly=True,
        help="Why it is not sent, or not yet.",
    )
    planned_at = fields.Datetime(
        string="Planned for", required=True, readonly=True, default=fields.Datetime.now
    )
    due_at = fields.Datetime(
        string="Next Try",
        required=True,
        readonly=True,
        default=fields.Datetime.now,
        help="When the gate looks at it; moved while a rule holds it back.",
    )
    expires_at = fields.Datetime(
        string="Expires on", readonly=True, help="Not sent at all from this moment on."
    )
    decided_at = fields.Datetime(string="Decided on", readonly=True)
    attempted_at = fields.Datetime(string="Tried on", readonly=True)
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    counted_at = fields.Datetime(
        string="Counts from",
        compute='_compute_counted_at',
        store=True,
        help="When the customer got it, as far as frequency caps count it.",
    )
    failure = fields.Text(readonly=True, help="What went wrong while it was written or delivered.")
    folded_into_id = fields.Many2one('crm.message', readonly=True, index='btree_not_null')
    folded_ids = fields.One2many('crm.message', 'folded_into_id', string="Folded In", readonly=True)
    address_hash = fields.Char(readonly=True)
    mail_mail_id_int = fields.Integer(readonly=True)
    rfc_message_id = fields.Char(string="Message-Id", readonly=True)

    _due_idx = models.Index("(due_at, id) WHERE state = 'planned'")
    _held_idx = models.Index("(reason) WHERE state = 'planned' AND reason IS NOT NULL")
    _counted_idx = models.Index(
        '(person_id, counted_at) INCLUDE (company_id, channel) WHERE counted_at IS NOT NULL'
    )
    _person_idx = models.Index('(person_id, state)')
    _origin_idx = models.Index('(origin_model, origin_id) WHERE origin_id IS NOT NULL')

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('message_class')
    def _compute_purpose(self):
        for message in self:
            message.purpose = PURPOSE_OF_CLASS[message.message_class]

    @api.depends('state', 'message_class', 'channel', 'decided_at', 'sent_at')
    def _compute_counted_at(self):
        for message in self:
            message.counted_at = message._is_counted() and (message.sent_at or message.decided_at)

    def _is_counted(self) -> bool:
        """Return whether the message takes one of those a customer may get in a while."""
        self.ensure_one()
        return (
            self.state in RELEASED_STATES
            and self.message_class not in CLASSES_NEVER_WAITING
            and self.channel != 'in_person'
        )

    @api.depends('subject', 'message_class')
    def _compute_display_name(self):
        classes = dict(self._fields['message_class']._description_selection(self.env))
        for message in self:
            message.display_name = message.subject or classes.get(message.message_class)

    # ------------------------------------------------------------
    # PLANNING
    # ------------------------------------------------------------

    @api.model
    def _plan(self, vals_list: Iterable[ValuesType]) -> CrmMessage:
        """Plan messages, each key once; call it in the transaction that decides on them.

        :param vals_list: values of ``PLANNED_COLUMNS`` and ``person_id`` or ``partner_id``; needed
            are the key and the class.  A key says origin + event + person, never a counter.
        :return: the messages really planned
        """
        rows = [self._prepare_planned_vals(vals) for vals in vals_list]
        for row, person in zip(rows, self._get_planned_persons(rows), strict=True):
            row['person_id'] = person.id
            row.pop('partner_id', None)
        messages = self.sudo()._insert_keyed(rows)
        messages._planned_after_hook()
        return messages.sudo(self.env.su)

    def _prepare_planned_vals(self, vals: ValuesType) -> ValuesType:
        unknown = set(vals) - set(PLANNED_COLUMNS) - {'person_id', 'partner_id'}
        if unknown:
            raise ValueError(f"Not to be planned about a message: {', '.join(sorted(unknown))}")
        planned_at = vals.get('planned_at') or fields.Datetime.now()
        return {
            **vals,
            'planned_at': planned_at,
            'due_at': planned_at,
            'purpose': PURPOSE_OF_CLASS[vals['message_class']],
            'counted_at': False,
        }

    def _get_planned_persons(self, rows: list[ValuesType]) -> list:
        """Return the person of each row, of merged ones the one that survived."""
        partner_ids = {row['partner_id'] for row in rows if not row.get('person_id')}
        partners = self.env['res.partner'].browse(partner_ids)
        persons = self.env['crm.person'].sudo()._for_partners(partners)
        by_partner = {person.partner_id.id: person for person in persons}
        found = [
            persons.browse(row['person_id'])
            if row.get('person_id')
            else by_partner[row['partner_id']]
            for row in rows
        ]
        return [person.survivor_id or person for person in found]

    def _planned_after_hook(self) -> None:
        """Wake the gate up for what no rule holds back; the rest is seen at its next turn."""
        soon = fields.Datetime.add(fields.Datetime.now(), minutes=1)
        if self.filtered(
            lambda message: (
                message.message_class in CLASSES_NEVER_WAITING and message.due_at <= soon
            )
        ):
            self._trigger_gate()

    @api.model
    def _plan_select(self, select: SQL) -> int:
        """Plan messages for as many customers as a SELECT gives, in three statements.

        :param select: columns of ``PLANNED_COLUMNS`` under these names, and ``person_id`` or
            ``partner_id``; keys that exist already are left out
        :return: the number of messages really planned
        """
        self.env.flush_all()
        cr = self.env.cr
        columns = self._get_plan_columns(select)
        cr.execute(SQL('CREATE TEMPORARY TABLE crm_message_plan ON COMMIT DROP AS %s', select))
        if 'partner_id' in columns:
            self.env['crm.person'].sudo()._insert_missing(
                SQL('SELECT partner_id FROM crm_message_plan')
            )
        cr.execute(self._get_plan_insert_sql(columns))
        planned = cr.rowcount
        cr.execute('DROP TABLE crm_message_plan')
        self.invalidate_model(flush=False)
        if planned:
            self._trigger_gate()
        return planned

    def _get_plan_columns(self, select: SQL) -> list[str]:
        """Return the columns of a SELECT that is to be planned."""
        self.env.cr.execute(SQL('SELECT * FROM (%s) AS plan LIMIT 0', select))
        columns = [column.name for column in self.env.cr.description]
        unknown = set(columns) - set(PLANNED_COLUMNS) - {'person_id', 'partner_id'}
        if unknown:
            raise ValueError(f"Not to be planned about a message: {', '.join(sorted(unknown))}")
        if not {'key', 'message_class', 'company_id'} <= set(columns):
            raise ValueError("A message to be planned needs a key, a class and a company.")
        return columns

    def _get_plan_insert_sql(self, columns: list[str]) -> SQL:
        """Return the statement that plans the rows of the temporary table.

        :param columns: what the table has
        """
        now = fields.Datetime.now()
        values = {
            name: SQL(
                '%s::%s',
                self._get_plan_value_sql(name, columns, now),
                # a constant above
                SQL(type_name),  # pylint: disable=sql-injection
            )
            for name, type_name in PLANNED_COLUMNS.items()
        }
        by = 'partner_id' if 'partner_id' in columns else 'person_id'
        return SQL(
            'INSERT INTO crm_message (%(columns)s, person_id, due_at, purpose, state,'
            ' create_uid, create_date, write_uid, write_date)'
            ' SELECT %(values)s, COALESCE(person.survivor_id, person.id), %(planned_at)s,'
            " CASE plan.message_class %(purposes)s END, 'planned',"
            ' %(uid)s, %(now)s, %(uid)s, %(now)s'
            ' FROM crm_message_plan AS plan JOIN crm_person AS person ON %(person)s = %(plan)s'
            ' ON CONFLICT %(conflict)s DO NOTHING',
            columns=SQL(', ').join(map(SQL.identifier, values)),
            values=SQL(', ').join(values.values()),
            planned_at=values['planned_at'],
            purposes=SQL(' ').join(
                SQL('WHEN %s THEN %s', *pair) for pair in PURPOSE_OF_CLASS.items()
            ),
            uid=self.env.uid,
            now=now,
            person=SQL.identifier('person', 'partner_id' if by == 'partner_id' else 'id'),
            plan=SQL.identifier('plan', by),
            conflict=self._get_key_conflict_target(),
        )

    def _get_plan_value_sql(self, name: str, columns: list[str], now) -> SQL:
        default = {'priority': 5, 'channel': 'email', 'planned_at': now}.get(name)
        if name not in columns:
            return SQL('%s', default)
        if default is None:
            return SQL.identifier('plan', name)
        return SQL('COALESCE(%s, %s)', SQL.identifier('plan', name), default)

    # ------------------------------------------------------------
    # WHAT BECAME OF IT
    # ------------------------------------------------------------

    def _release(self) -> None:
        """Note that the messages are on their way, those that are not already."""
        self.filtered(lambda message: message.state == 'planned').sudo().write(
            {'state': 'queued', 'reason': False, 'decided_at': fields.Datetime.now()}
        )

    # ------------------------------------------------------------
    # SCHEDULER
    # ------------------------------------------------------------

    @api.model
    def _trigger_gate(self) -> None:
        """Wake the workers of the gate up when this transaction is committed."""
        for cron in self._get_gate_crons():
            cron._trigger()

    @api.model
    def _get_gate_crons(self):
        """Return the scheduled actions that run the gate, one per shard."""
        return self.env['ir.cron'].sudo().search([('code', '=like', 'model._cron_gate(%')])
