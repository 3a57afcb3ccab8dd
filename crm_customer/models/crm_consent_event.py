from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..append_only import refuse_changes
from ..messaging import CHANNELS, CONSENT_SOURCES, CONSENT_STATUSES, PURPOSES
from ..timeline import TimelineText

#: columns that say what happened; the database refuses to change them
PROOF_COLUMNS = (
    'company_id',
    'person_id',
    'purpose',
    'channel',
    'status',
    'date',
    'source',
    'wording',
    'evidence',
    'address_hash',
)
ERASURE_SETTING = 'crm_customer.erasure'


class CrmConsentEvent(models.Model):
    """Proof of what a person agreed to or refused: rows are added and never changed."""

    _name = 'crm.consent.event'
    _description = 'Consent Event'
    _order = 'date desc, id desc'
    _rec_name = 'date'

    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True)
    person_id = fields.Many2one(
        'crm.person', required=True, readonly=True, index=True, ondelete='restrict'
    )
    partner_id = fields.Many2one(related='person_id.partner_id', string="Customer")
    purpose = fields.Selection(selection=PURPOSES, required=True, readonly=True)
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    status = fields.Selection(selection=CONSENT_STATUSES, required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    source = fields.Selection(selection=CONSENT_SOURCES, required=True, readonly=True)
    wording = fields.Text(readonly=True, help="What the customer read when he decided.")
    evidence = fields.Text(readonly=True, help="How it is known: a form, a call, an IP address.")
    user_id = fields.Many2one('res.users', string="Recorded by", readonly=True)
    address_hash = fields.Char(
        readonly=True, help="Which address it was about; it cannot be turned back into the address."
    )

    def init(self):
        """Let the database itself refuse changes, whoever makes them.

        Only erasing a person blanks the evidence, in a transaction that says so.
        """
        refuse_changes(self, PROOF_COLUMNS, deletion=True, unless=ERASURE_SETTING)

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("Proof of consent is never changed. Record a new decision."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self) -> None:
        raise UserError(self.env._("Proof of consent is never deleted."))

    def _blank_personal_text(self, replacement: str) -> None:
        """Take what staff noted down out of the proof of persons who are erased.

        That somebody agreed or refused, when, where and to which words stays.

        :param replacement: what stands in place of the evidence
        """
        if not self.ids:
            return
        self.flush_recordset()
        self.env.cr.execute(SQL("SELECT set_config(%s, 'on', true)", ERASURE_SETTING))
        self.env.cr.execute(
            SQL(
                "UPDATE crm_consent_event SET evidence = %s"
                " WHERE id IN %s AND COALESCE(evidence, '') <> ''",
                replacement,
                tuple(self.ids),
            )
        )
        self.env.cr.execute(SQL("SELECT set_config(%s, 'off', true)", ERASURE_SETTING))
        self.invalidate_recordset(['evidence'], flush=False)

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these decisions."""
        labels = {
            name: dict(self._fields[name]._description_selection(self.env))
            for name in ('purpose', 'channel', 'status', 'source')
        }
        return {
            event.id: TimelineText(
                title=f"{labels['purpose'][event.purpose]} · {labels['channel'][event.channel]}",
                body=labels['source'].get(event.source, ''),
                state=labels['status'].get(event.status, ''),
            )
            for event in self
        }
