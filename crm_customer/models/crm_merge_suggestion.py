from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date, format_datetime
from odoo.tools.i18n import format_list

MERGE_GROUP = 'base.group_partner_manager'


class CrmMergeSuggestion(models.Model):
    """Two contacts that are probably one; what staff decided on them is remembered."""

    _name = 'crm.merge.suggestion'
    _description = 'Contacts That May Be One'
    _order = 'score desc, id desc'

    partner_a_id = fields.Many2one(
        'res.partner', string="Contact", required=True, readonly=True, ondelete='cascade'
    )
    partner_b_id = fields.Many2one(
        'res.partner',
        string="Other Contact",
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        'res.company', readonly=True, help="The one whose staff sees both contacts."
    )
    state = fields.Selection(
        selection=[('open', "To Decide"), ('dismissed', "Not the Same")],
        required=True,
        readonly=True,
        default='open',
        index=True,
    )
    # === What speaks for it ===
    same_vat = fields.Boolean(string="Same Tax Number", readonly=True)
    same_email = fields.Boolean(string="Same E-Mail", readonly=True)
    same_phone = fields.Boolean(string="Same Phone Number", readonly=True)
    same_name = fields.Boolean(readonly=True)
    same_birthday = fields.Boolean(readonly=True)
    score = fields.Integer(readonly=True, help="How likely it is, up to 100.")
    reason = fields.Char(compute='_compute_reason')
    found_at = fields.Datetime(readonly=True, help="When it was last found.")
    comparison = fields.Html(compute='_compute_comparison', sanitize=False)
    can_merge = fields.Boolean(compute='_compute_can_merge')

    _pair_unique = models.UniqueIndex('(partner_a_id, partner_b_id)')
    _pair_ordered = models.Constraint(
        'CHECK (partner_a_id < partner_b_id)', "The contact with the lower number comes first."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('partner_a_id', 'partner_b_id')
    def _compute_display_name(self):
        for suggestion in self:
            names = (suggestion.partner_a_id.display_name, suggestion.partner_b_id.display_name)
            suggestion.display_name = " = ".join(name or '' for name in names)

    @api.model
    def _get_signs(self) -> tuple[str, ...]:
        """Return the fields that say what two contacts share, the strongest first."""
        return ('same_vat', 'same_email', 'same_phone', 'same_name', 'same_birthday')

    @api.depends(lambda self: self._get_signs())
    @api.depends_context('lang')
    def _compute_reason(self):
        labels = self.fields_get(self._get_signs(), ['string'])
        for suggestion in self:
            shared = [labels[name]['string'] for name in self._get_signs() if suggestion[name]]
            suggestion.reason = format_list(self.env, shared)

    @api.depends_context('uid')
    def _compute_can_merge(self):
        self.can_merge = self.env.user.has_group(MERGE_GROUP)

    @api.depends('partner_a_id', 'partner_b_id')
    @api.depends_context('lang', 'tz')
    def _compute_comparison(self):
        for suggestion in self:
            suggestion.comparison = self.env['ir.qweb']._render(
                'crm_customer.crm_merge_suggestion_comparison',
                {
                    'partners': suggestion.partner_a_id | suggestion.partner_b_id,
                    'rows': suggestion._get_comparison_rows(),
                },
            )

    def _get_comparison_fields(self) -> list[str]:
        """Return the fields of contacts that are shown side by side."""
        return [
            'name', 'parent_id', 'is_company', 'phone', 'email', 'vat', 'street', 'city',
            'country_id', 'birthday_text', 'create_date', 'sale_order_count',
        ]  # fmt: skip

    def _get_comparison_rows(self) -> list[tuple[str, str, str, bool]]:
        """Return label, both values, and whether they are the same, of what one of them has."""
        names = [
            name for name in self._get_comparison_fields() if name in self.partner_a_id._fields
        ]
        labels = self.env['res.partner'].fields_get(names, ['string'])
        rows = []
        for name in filter(labels.__contains__, names):
            a, b = (self._show_value(partner, name) for partner in self._get_partners())
            if a or b:
                sign = f'same_{name}'
                same = a == b or (sign in self._fields and self[sign])
                rows.append((labels[name]['string'], a, b, same))
        return rows

    def _get_partners(self) -> list[models.BaseModel]:
        return [self.partner_a_id, self.partner_b_id]

    def _show_value(self, partner: models.BaseModel, name: str) -> str:
        field, value = partner._fields[name], partner[name]
        if field.type == 'boolean':
            return self.env._("Yes") if value else self.env._("No")
        if field.type == 'datetime':
            return format_datetime(self.env, value)
        if field.type == 'date':
            return format_date(self.env, value)
        if field.type == 'integer':
            return str(value)
        return str(field.convert_to_display_name(value, partner) or '')

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_merge(self) -> dict:
        """Open core's wizard with both contacts.

        :raise UserError: the user may not merge contacts
        """
        self.ensure_one()
        self.check_access('read')
        self._ensure_can_merge()
        self._ensure_same_email()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Merge Contacts"),
            'res_model': 'base.partner.merge.automatic.wizard',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'active_model': 'res.partner',
                'active_ids': (self.partner_a_id | self.partner_b_id).ids,
                'crm_merge_suggestion': True,
            },
        }

    def action_dismiss(self) -> bool:
        """Remember that they are not the same; they are not suggested again."""
        return self._decide('dismissed')

    def action_reopen(self) -> bool:
        """Suggest them again."""
        return self._decide('open')

    def action_search_again(self) -> dict:
        """Look for contacts that may be one, now."""
        self._ensure_can_decide()
        job = self._enqueue_search()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._("Being looked for: see “%s” in the jobs.", job.name),
            },
        }

    def _decide(self, state: str) -> bool:
        self.check_access('read')
        self._ensure_can_decide()
        self.sudo().write({'state': state})
        return True

    def _ensure_can_decide(self) -> None:
        if not (self.env.su or self.env.user.has_group('crm_customer.group_all')):
            raise AccessError(self.env._("You may only look at these suggestions."))

    def _ensure_same_email(self) -> None:
        """Say before the wizard what core would say after it, and what to do."""
        partners = self.partner_a_id | self.partner_b_id
        if self.env.is_admin() or len(set(partners.mapped('email'))) < 2:
            return
        addresses = [partner.email or self.env._("none") for partner in partners]
        raise UserError(
            self.env._(
                "The e-mail addresses differ (%(first)s, %(second)s). Give both contacts the same"
                " one first, or ask an administrator to merge them.",
                first=addresses[0],
                second=addresses[1],
            )
        )

    def _ensure_can_merge(self) -> None:
        if not self.env.user.has_group(MERGE_GROUP):
            group = self.env.ref(MERGE_GROUP).sudo()
            raise UserError(
                self.env._(
                    "Merging contacts needs the right “%(group)s”. Ask your administrator for it,"
                    " or to merge them.",
                    group=group.display_name,
                )
            )
