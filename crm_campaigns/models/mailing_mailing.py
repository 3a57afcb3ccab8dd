from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class MailingMailing(models.Model):
    _inherit = 'mailing.mailing'

    crm_segment_id = fields.Many2one(
        comodel_name='crm.segment',
        string="Segment",
        ondelete='restrict',
        index='btree_not_null',
        domain="[('state', '=', 'active')]",
        help="Send to the members the segment has when the mailing leaves.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        self._ensure_can_use_segments(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._ensure_can_use_segments([vals])
        return super().write(vals)

    def _ensure_can_use_segments(self, vals_list: list[dict]) -> None:
        """Refuse segments the user does not see: a mailing of his would show him their members."""
        segment_ids = {vals['crm_segment_id'] for vals in vals_list if vals.get('crm_segment_id')}
        known = set(self.crm_segment_id.ids)
        self.env['crm.segment'].browse(segment_ids - known).check_access('read')

    @api.constrains('crm_segment_id', 'mailing_type', 'mailing_model_id')
    def _check_passes_gate(self):
        """Nothing reaches the members of a segment without the gate, which knows mails only."""
        if any(mailing.crm_segment_id and not mailing._passes_gate() for mailing in self):
            raise ValidationError(
                self.env._(
                    "Only emails to contacts can go to a segment: of other mailings nobody asks "
                    "whether each customer wants to get them. Remove the segment."
                )
            )

    @api.constrains('mailing_model_id')
    def _check_model_gets_mailings(self):
        """Core evaluates the condition of a mailing with all rights, on whatever model it names.

        Other addons write to followers of whatever is discussed; what our own models hold is not
        for that.
        """
        if not all(self._is_mailing_allowed(mailing.mailing_model_id) for mailing in self):
            raise ValidationError(
                self.env._(
                    "These records get no mailings. Choose one of the recipients in the list."
                )
            )

    @api.model
    def _is_mailing_allowed(self, model: models.BaseModel) -> bool:
        """Return whether records of a model may get mailings.

        :param model: row of ``ir.model``
        """
        model_sudo = model.sudo()
        if model_sudo.is_mailing_enabled:
            return True
        if not model_sudo.is_mail_thread or model_sudo.model not in self.env:
            return False
        origin = self.env.registry[model_sudo.model]._original_module
        return origin not in self.env['ir.module.module']._get_crm_suite_names()

    @api.depends('crm_segment_id')
    def _compute_mailing_domain(self):
        result = super()._compute_mailing_domain()
        for mailing in self:
            if mailing.crm_segment_id and mailing.mailing_model_name == 'res.partner':
                mailing.mailing_domain = repr(mailing.crm_segment_id._get_mailing_domain())
        return result

    @api.onchange('mailing_model_id', 'mailing_type')
    def _onchange_mailing_model_id_clear_segment(self):
        # writing what is there already would compute the recipients anew, over what was chosen
        if self.crm_segment_id and not self._passes_gate():
            self.crm_segment_id = False

    def _get_recipients_domain(self):
        """A domain narrowed by hand may not reach beyond the segment."""
        domain = super()._get_recipients_domain()
        if self.crm_segment_id and self.mailing_model_real == 'res.partner':
            domain &= Domain(self.crm_segment_id._get_mailing_domain())
        return domain
