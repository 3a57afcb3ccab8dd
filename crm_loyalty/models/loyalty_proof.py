from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .loyalty_program import POINT_DIGITS

ACTIVITY = 'crm_loyalty.mail_activity_proof'


class LoyaltyProof(models.Model):
    """What a nightly check found in the books of one program."""

    _name = 'loyalty.proof'
    _description = 'Proof of a Points Ledger'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _rec_name = 'program_id'

    program_id = fields.Many2one(
        'loyalty.program', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='program_id.company_id', store=True)
    date = fields.Datetime(
        string="As of", required=True, readonly=True, default=fields.Datetime.now
    )
    state = fields.Selection(
        selection=[('running', "Running"), ('ok', "Passed"), ('fail', "Failed")],
        required=True,
        readonly=True,
        default='running',
    )
    # === Sums ===
    card_count = fields.Integer(string="Cards", readonly=True)
    row_count = fields.Integer(string="Rows", readonly=True)
    unfolded_count = fields.Integer(
        string="Rows Not Folded Yet", readonly=True, help="Entered in the moment of the check."
    )
    qty_sum = fields.Float(string="Sum of the Ledger", digits=POINT_DIGITS, readonly=True)
    unfolded_sum = fields.Float(string="Not Folded Yet", digits=POINT_DIGITS, readonly=True)
    balance_sum = fields.Float(string="Sum of the Balances", digits=POINT_DIGITS, readonly=True)
    remaining_sum = fields.Float(string="Open Awards", digits=POINT_DIGITS, readonly=True)
    debt_sum = fields.Float(
        string="Debt", digits=POINT_DIGITS, readonly=True, help="Redeemed and not covered."
    )
    # === Verdict ===
    balance_count = fields.Integer(string="Cards That Differ", readonly=True)
    allocation_count = fields.Integer(string="Rows Wrongly Allocated", readonly=True)
    broken_count = fields.Integer(string="Broken Seals", readonly=True)
    finding_count = fields.Integer(string="Findings", compute='_compute_finding_count', store=True)
    finding_ids = fields.One2many('loyalty.proof.finding', 'proof_id', readonly=True)
    verdict = fields.Text(compute='_compute_verdict', compute_sudo=True)
    # === Chain ===
    seal_count = fields.Integer(string="Seals Checked", readonly=True)
    sealed_id = fields.Integer(
        string="Sealed up to", readonly=True, help="The last number of a row under seal."
    )
    hash = fields.Char(string="Last Seal", readonly=True)
    first_broken_id = fields.Many2one('loyalty.seal', string="First Broken Seal", readonly=True)
    # === What a later run needs to know that these numbers appear no more ===
    seen_id = fields.Integer(readonly=True, help="The last number given to a row by then.")
    seen_xid = fields.Char(readonly=True)
    seen_at = fields.Datetime(readonly=True)

    @api.depends('balance_count', 'allocation_count', 'broken_count')
    def _compute_finding_count(self):
        for proof in self:
            proof.finding_count = proof.balance_count + proof.allocation_count + proof.broken_count

    @api.depends('state', 'finding_count', 'row_count', 'card_count', 'first_broken_id')
    @api.depends_context('lang')
    def _compute_verdict(self):
        for proof in self:
            proof.verdict = proof.state != 'running' and proof._get_verdict()

    @api.depends('program_id', 'date')
    def _compute_display_name(self):
        for proof in self:
            day = fields.Datetime.context_timestamp(proof, proof.date) if proof.date else ''
            proof.display_name = f"{proof.program_id.name}, {day and day.strftime('%Y-%m-%d')}"

    # ------------------------------------------------------------
    # VERDICT
    # ------------------------------------------------------------

    def _conclude(self) -> None:
        """Say whether the books are right, and to whom."""
        self.ensure_one()
        self.invalidate_recordset()
        self.state = 'fail' if self.finding_count else 'ok'
        if self.state == 'ok':
            self._get_warnings().unlink()
        else:
            self._warn()

    def _get_verdict(self) -> str:
        """Return the result in words."""
        if not self.finding_count:
            return self.env._(
                "%(rows)s rows of %(cards)s cards agree with the balances.",
                rows=self.row_count,
                cards=self.card_count,
            )
        texts = []
        if self.balance_count:
            texts.append(self.env._("%s cards differ from their ledger.", self.balance_count))
        if self.allocation_count:
            texts.append(
                self.env._("%s rows do not say what remains of them.", self.allocation_count)
            )
        if self.broken_count:
            texts.append(
                self.env._(
                    "%(count)s seals are broken, the first is number %(seal)s: from row %(after)s "
                    "to %(last)s something was changed, deleted or put in.",
                    count=self.broken_count,
                    seal=self.first_broken_id.id or "?",
                    after=self.first_broken_id.after_id + 1,
                    last=self.first_broken_id.last_id,
                )
            )
        return "\n".join(texts)

    def _get_warnings(self) -> models.BaseModel:
        """Return the open activities about the books of this program."""
        proofs = self.search([('program_id', '=', self.program_id.id)])
        return self.env['mail.activity'].search(
            Domain('res_model', '=', self._name)
            & Domain('res_id', 'in', proofs.ids)
            & Domain('activity_type_id', '=', self.env.ref(ACTIVITY).id)
        )

    def _warn(self) -> None:
        """Give those responsible one activity, until the books are right again."""
        warned = self._get_warnings().user_id
        for user in self.program_id._get_ledger_users() - warned:
            verdict = self.with_context(lang=user.lang).verdict
            self.activity_schedule(ACTIVITY, note=verdict, user_id=user.id)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_repair(self) -> dict:
        """Ask how to repair what was found."""
        self._ensure_can_repair()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Repair the Ledger"),
            'res_model': 'loyalty.proof.repair',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_proof_id': self.id},
        }

    def _ensure_can_repair(self) -> None:
        """:raise AccessError: only administrators repair"""
        self.check_access('read')
        if not self.env.user.has_group('crm_loyalty.group_manager'):
            raise AccessError(self.env._("Only administrators may do this."))


class LoyaltyProofFinding(models.Model):
    """One thing that is not as it should be; of very many of a kind the first ones."""

    _name = 'loyalty.proof.finding'
    _description = 'Finding in a Points Ledger'
    _order = 'id'
    _log_access = False

    proof_id = fields.Many2one(
        'loyalty.proof', required=True, readonly=True, index=True, ondelete='cascade'
    )
    kind = fields.Selection(
        selection=[
            ('balance', "Balance differs from the rows"),
            ('remaining', "What remains differs from the rows"),
            ('allocation', "Row differs from what was allocated"),
            ('seal', "Seal is broken"),
        ],
        required=True,
        readonly=True,
    )
    # no foreign keys: the card or the row may be what is missing
    card_id = fields.Many2oneReference(model_field='card_model', readonly=True)
    card_model = fields.Char(default='loyalty.card', readonly=True)
    row_number = fields.Integer(readonly=True, help="Number of the row in the ledger.")
    seal_id = fields.Many2one('loyalty.seal', readonly=True, ondelete='set null')
    expected = fields.Float(string="By the Ledger", digits=POINT_DIGITS, readonly=True)
    found = fields.Float(digits=POINT_DIGITS, readonly=True)
    description = fields.Char(readonly=True)
