from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL


class LoyaltyProgram(models.Model):
    """Programs whose books are checked every night."""

    _inherit = 'loyalty.program'

    ledger_user_id = fields.Many2one(
        'res.users',
        string="Responsible for the Ledger",
        domain="[('share', '=', False)]",
        help="Hears of it when the books do not agree; when empty, all administrators do.",
    )
    proof_ids = fields.One2many('loyalty.proof', 'program_id', readonly=True)
    proof_id = fields.Many2one(
        'loyalty.proof', string="Last Proof", compute='_compute_proof', compute_sudo=True
    )
    proof_state = fields.Selection(
        selection=[('ok', "Agree"), ('fail', "Differ")],
        string="Books",
        compute='_compute_proof',
        compute_sudo=True,
    )
    proof_date = fields.Datetime(string="Checked on", compute='_compute_proof', compute_sudo=True)
    proof_finding_count = fields.Integer(
        string="Differences", compute='_compute_proof', compute_sudo=True
    )

    @api.depends('proof_ids.state')
    def _compute_proof(self):
        proofs = self.env['loyalty.proof']
        last = dict(
            proofs._read_group(
                [('program_id', 'in', self.ids), ('state', '!=', 'running')],
                ['program_id'],
                ['id:max'],
            )
        )
        for program in self:
            proof = proofs.browse(last.get(program._origin))
            program.proof_id = proof
            program.proof_state = proof.state
            program.proof_date = proof.date
            program.proof_finding_count = proof.finding_count

    # ------------------------------------------------------------
    # PROOF
    # ------------------------------------------------------------

    @api.model
    def _cron_prove(self) -> None:
        """Put the nightly check of each program's books in the queue."""
        programs = self.with_context(active_test=False).search([('managed', '=', True)])
        for program in programs:
            program._enqueue_proof()

    def _enqueue_proof(self):
        """Have the books of this program checked in the background."""
        self.ensure_one()
        return self.env['crm.job']._enqueue(
            name=self.env._("Books of %s", self.name),
            model='loyalty.proof',
            method='_prove_chunk',
            params={'program_id': self.id},
            key=f'loyalty.proof:{self.id}',
        )

    def _begin_proof(self):
        """Make the record of a check that begins now."""
        self.ensure_one()
        proofs = self.env['loyalty.proof'].sudo().with_context(mail_create_nolog=True)
        proofs.search([('program_id', '=', self.id), ('state', '=', 'running')]).unlink()
        return proofs.create({'program_id': self.id, 'seen_id': proofs._get_last_number()})

    def _end_proof(self) -> None:
        """End the chain of programs that leave their rows to others; a new one continues it."""
        if self.ids:
            self.env.execute_query(
                SQL(
                    'UPDATE loyalty_seal SET ended = TRUE WHERE program_id IN %s'
                    ' AND ended IS NOT TRUE RETURNING id',
                    tuple(self.ids),
                )
            )

    def _get_ledger_users(self):
        """Return who hears of books that do not agree."""
        self.ensure_one()
        if self.ledger_user_id.active:
            return self.ledger_user_id
        users = self.env.ref('crm_loyalty.group_manager').all_user_ids.filtered('active')
        return users - self.env.ref('base.user_root')

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_prove(self) -> dict:
        """Check the books now, in the background."""
        self.check_access('write')
        self.ensure_one()
        self._ensure_can_manage_ledger()
        return self._enqueue_proof()._get_form_action()

    def action_view_proofs(self) -> dict:
        """Open the checks of these books, the last one first."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_proof_action')
        action['domain'] = [('program_id', 'in', self.ids)]
        action['context'] = {'search_default_program_id': False}
        return action
