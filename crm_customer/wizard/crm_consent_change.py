from odoo import api, fields, models
from odoo.exceptions import UserError

from ..messaging import ADDRESS_KINDS, CHANNELS, PURPOSES, PURPOSES_OF_CHOICE
from ..rights import ensure_manager

ALL = 'all'


class CrmConsentChange(models.TransientModel):
    """Staff record what a customer told them, and how.

    It is a proof: what he said, and how, is never filled in for them.
    """

    _name = 'crm.consent.change'
    _description = 'Record a Decision on Consent'

    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        'res.company', required=True, default=lambda self: self.env.company, ondelete='cascade'
    )
    purpose = fields.Selection(
        selection=[*PURPOSES, (ALL, "All but Orders and Service")],
        string="About",
        required=True,
        default='promotion',
    )
    channel = fields.Selection(
        selection=[*CHANNELS, (ALL, "All Channels")], string="By", required=True, default='email'
    )
    status = fields.Selection(
        selection=[('in', "Agrees"), ('out', "Refuses")],
        string="The Customer",
        required=True,
    )
    told_by = fields.Selection(
        selection=[
            ('phone', "By phone"),
            ('in_person', "In person"),
            ('email', "By e-mail"),
            ('letter', "By letter"),
            ('form', "On a signed form"),
        ],
        string="Said So",
        required=True,
    )
    evidence = fields.Text(help="What you would show if you were asked: date, form, words.")
    must_confirm = fields.Boolean(compute='_compute_must_confirm', compute_sudo=True)
    left_alone = fields.Boolean(compute='_compute_must_confirm', compute_sudo=True)
    owner_heard = fields.Boolean(
        string="The Owner of the Number Wants It",
        help="You can prove that who has this number now asked for it himself.",
    )

    @api.depends('partner_id', 'status', 'channel', 'company_id')
    def _compute_must_confirm(self):
        """Find out what an agreement needs besides: a confirmation, or the word of the owner."""
        for change in self:
            agreed = set(change._get_channels()) if change.status == 'in' else set()
            persons = self.env['crm.person']
            person = persons.search([('partner_id', '=', change.partner_id.id)])
            person = person or persons.new({'partner_id': change.partner_id.id})
            closed = person._get_closed_channels(change.company_id)
            confirm = change.company_id.crm_consent_confirm or 'email' in closed
            change.must_confirm = confirm and 'email' in agreed
            change.left_alone = any(ADDRESS_KINDS[key] == 'phone' for key in agreed & closed)

    def action_save(self) -> dict:
        """Record the decision with its proof."""
        self.ensure_one()
        self.partner_id.check_access('write')
        self.company_id.check_access('read')  # a company of the user's: he decides for it
        if self.status == 'in' and not (self.evidence or '').strip():
            raise UserError(self.env._("Please note how you know that the customer agrees."))
        if self.owner_heard:
            ensure_manager(self.env)
        person = self.env['crm.person'].sudo()._for_partners(self.partner_id)
        person._record_statement(
            self._get_purposes(),
            self._get_channels(),
            self.status,
            company=self.company_id,
            source='staff',
            evidence=self._get_evidence(),
            heard=self.owner_heard,
        )
        return {'type': 'ir.actions.act_window_close'}

    def _get_purposes(self) -> list[str]:
        return list(PURPOSES_OF_CHOICE) if self.purpose == ALL else [self.purpose]

    def _get_channels(self) -> list[str]:
        return [key for key, _label in CHANNELS] if self.channel == ALL else [self.channel]

    def _get_evidence(self) -> str:
        told = dict(self._fields['told_by']._description_selection(self.env))[self.told_by]
        return ': '.join(filter(None, [told, (self.evidence or '').strip()]))
