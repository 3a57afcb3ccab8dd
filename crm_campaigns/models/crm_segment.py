from ast import literal_eval

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .crm_customer_score import SCORES


class CrmSegment(models.Model):
    """A group of customers defined by a rule; its members are kept with their history.

    The rule is evaluated with the rights of the segment's owner, never more: what he may not
    read does not choose members.
    """

    _name = 'crm.segment'
    _description = 'Customer Segment'
    _inherit = ['mail.thread', 'mail.activity.mixin', 'crm.version.mixin']
    _order = 'name, id'

    name = fields.Char(required=True, translate=True, tracking=True)
    description = fields.Text(translate=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
        help="Scores of this company count.",
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Owner",
        required=True,
        index=True,
        tracking=True,
        default=lambda self: self._default_user_id(),
        help="The rule sees what this user may see.",
    )
    state = fields.Selection(
        selection=[('draft', "Draft"), ('active', "Active"), ('archived', "Archived")],
        required=True,
        default='draft',
        tracking=True,
        copy=False,
    )
    color = fields.Integer()

    # === Rule ===
    kind = fields.Selection(
        selection=[('domain', "Rule"), ('rfm', "RFM Scores")],
        required=True,
        default='domain',
        help="Rule: contacts that match the conditions. RFM scores: customers by their cells and "
        "scores, and the conditions on top.",
    )
    domain = fields.Char(string="Conditions", required=True, default='[]', tracking=True)
    cell_ids = fields.Many2many(
        comodel_name='crm.rfm.cell',
        string="RFM Cells",
        help="Customers in one of these cells; none means any.",
    )
    rfm_r_min = fields.Integer(string="R from", default=1)
    rfm_r_max = fields.Integer(string="R to", default=5)
    rfm_f_min = fields.Integer(string="F from", default=1)
    rfm_f_max = fields.Integer(string="F to", default=5)
    rfm_m_min = fields.Integer(string="M from", default=1)
    rfm_m_max = fields.Integer(string="M to", default=5)
    include_ids = fields.Many2many(
        comodel_name='crm.segment',
        relation='crm_segment_include_rel',
        column1='segment_id',
        column2='include_id',
        string="Only Members Of",
        help="Customers must also be members of at least one of these segments.",
    )
    exclude_ids = fields.Many2many(
        comodel_name='crm.segment',
        relation='crm_segment_exclude_rel',
        column1='segment_id',
        column2='exclude_id',
        string="No Members Of",
        help="Customers must not be members of any of these segments.",
    )

    # === Refresh ===
    refresh = fields.Selection(
        selection=[('manual', "By hand"), ('daily', "Every night")],
        required=True,
        default='daily',
    )
    last_build_at = fields.Datetime(string="Last Refresh", readonly=True, copy=False)
    last_build_ms = fields.Integer(string="Refresh Time (ms)", readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False)

    # === Members and mailings ===
    member_count = fields.Integer(string="Members", compute='_compute_member_count')
    member_ids = fields.One2many(
        comodel_name='crm.segment.member', inverse_name='segment_id', readonly=True
    )
    mailing_ids = fields.One2many(
        comodel_name='mailing.mailing', inverse_name='crm_segment_id', readonly=True
    )
    mailing_count = fields.Integer(string="Mailings", compute='_compute_mailing_count')

    _rfm_ranges = models.Constraint(
        """CHECK(1 <= rfm_r_min AND rfm_r_min <= rfm_r_max AND rfm_r_max <= 5
             AND 1 <= rfm_f_min AND rfm_f_min <= rfm_f_max AND rfm_f_max <= 5
             AND 1 <= rfm_m_min AND rfm_m_min <= rfm_m_max AND rfm_m_max <= 5)""",
        "Scores go from 1 to 5, and no range may end before it begins.",
    )

    @api.model
    def _default_user_id(self):
        """The system itself may see everything and is nobody's rights to lend."""
        if self.env.uid == SUPERUSER_ID:
            return self.env.ref('base.user_admin')
        return self.env.user

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.constrains('company_id', 'user_id')
    def _check_company_of_owner(self):
        """The rule runs as the owner in the company of the segment."""
        for segment in self:
            if segment.company_id not in segment.user_id.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(owner)s does not work in %(company)s. Choose another owner or company.",
                        owner=segment.user_id.name,
                        company=segment.company_id.name,
                    )
                )

    @api.constrains('domain', 'user_id', 'company_id')
    def _check_owner(self):
        """Nobody learns by a rule of his what only the owner may read."""
        # constraints run in sudo mode: the user counts, not the mode
        manager = self.env.user.has_group('crm_campaigns.group_manager')
        for segment in self:
            if segment.user_id.id == SUPERUSER_ID:
                raise ValidationError(self.env._("Choose a person as the owner of a segment."))
            if not manager and segment.user_id != self.env.user:
                raise ValidationError(
                    self.env._(
                        "The conditions of “%s” run with the rights of its owner: only the owner "
                        "or an administrator may change them. Make yourself the owner first.",
                        segment.name,
                    )
                )

    @api.constrains('domain', 'user_id', 'company_id')
    def _check_domain(self):
        """Refuse a rule that cannot be evaluated, while the author looks at it."""
        for segment in self:
            try:
                segment._get_owner_partners().search_count(segment._get_own_domain(), limit=1)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except AccessError as error:
                raise ValidationError(
                    self.env._(
                        "%(owner)s may not read what the conditions of “%(segment)s” ask for. "
                        "Choose other conditions or another owner.",
                        owner=segment.user_id.name,
                        segment=segment.name,
                    )
                ) from error
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "The conditions of “%(segment)s” cannot be evaluated: %(reason)s",
                        segment=segment.name,
                        reason=error,
                    )
                ) from error

    @api.constrains('company_id', 'include_ids', 'exclude_ids')
    def _check_same_company(self):
        for segment in self:
            others = segment.include_ids | segment.exclude_ids
            if others.company_id - segment.company_id:
                raise ValidationError(
                    self.env._(
                        "“%s” can only be built on segments of its own company.", segment.name
                    )
                )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('member_ids.left_at')
    def _compute_member_count(self):
        counts = dict(
            self.env['crm.segment.member']._read_group(
                self._get_open_domain(),
                ['segment_id'],
                ['__count'],
            )
        )
        for segment in self:
            segment.member_count = counts.get(segment, 0)

    @api.depends('mailing_ids')
    def _compute_mailing_count(self):
        counts = dict(
            self.env['mailing.mailing']._read_group(
                [('crm_segment_id', 'in', self.ids)], ['crm_segment_id'], ['__count']
            )
        )
        for segment in self:
            segment.mailing_count = counts.get(segment, 0)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_activate(self) -> None:
        """Put the segments into use and fill them."""
        self.write({'state': 'active'})
        self.action_refresh()

    def action_archive_segment(self) -> None:
        """Take the segments out of use; members and history stay as they are."""
        self.write({'state': 'archived'})

    def action_draft(self) -> None:
        """Take the segments back into work."""
        self.write({'state': 'draft'})

    def action_refresh(self) -> None:
        """Bring the members up to date now."""
        self.check_access('write')
        self._sort_by_dependency()._refresh()

    def action_view_members(self) -> dict:
        """Open the present members.

        :return: a window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_campaigns.crm_segment_member_action'
        )
        action['domain'] = [('segment_id', '=', self.id)]
        action['context'] = {'search_default_present': 1}
        return action

    def action_view_mailings(self) -> dict:
        """Open the mailings to this segment.

        :return: a window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'mass_mailing.mailing_mailing_action_mail'
        )
        action['domain'] = [('crm_segment_id', '=', self.id)]
        action['context'] = {'default_crm_segment_id': self.id}
        return action

    def action_new_mailing(self) -> dict:
        """Make a draft mailing to this segment and open it; core sends it.

        :return: a window action
        """
        self.ensure_one()
        self._ensure_can_mail()
        mailing = self.env['mailing.mailing'].create(self._prepare_mailing_vals())
        return mailing.get_formview_action()

    def _ensure_can_mail(self) -> None:
        if self.state != 'active':
            raise UserError(
                self.env._(
                    "Activate “%s” first: only active segments are kept up to date.", self.name
                )
            )

    def _prepare_mailing_vals(self) -> dict:
        """Return the values of a new mailing to this segment."""
        self.ensure_one()
        body = self._get_mailing_body()
        return {
            # never the segment's name: no customer should read that he is at risk
            'subject': self.env._("News from %s", self.company_id.name),
            'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
            'crm_segment_id': self.id,
            'body_arch': body,
            'body_html': body,
            'user_id': self.env.user.id,
        }

    def _get_mailing_body(self) -> str:
        """Return the skeleton the user writes his message into."""
        return self.env['ir.qweb']._render(
            'crm_campaigns.mailing_body_skeleton', {'segment': self, 'company': self.company_id}
        )

    # ------------------------------------------------------------
    # RULE
    # ------------------------------------------------------------

    def _get_owner_partners(self):
        """Return the partner model as the owner sees it, in the segment's company."""
        self.ensure_one()
        context = {'allowed_company_ids': self.company_id.ids}
        return self.env['res.partner'].with_user(self.user_id).with_context(**context)

    def _get_partner_domain(self) -> Domain:
        """Return who belongs into the segment; archived contacts never do.

        Membership of other segments is looked at past the owner's rights: an exclusion that he
        cannot see would silently not exclude.
        """
        self.ensure_one()
        domain = self._get_own_domain() & Domain('active', '=', True)
        if self.kind == 'rfm':
            domain &= Domain('crm_score_ids', 'any', self._get_score_domain())
        if self.include_ids:
            domain &= Domain('id', 'in', self.include_ids._get_member_query())
        if self.exclude_ids:
            domain &= Domain('id', 'not in', self.exclude_ids._get_member_query())
        return domain

    def _get_member_query(self) -> SQL:
        """Return the ids of the present members, whoever asks."""
        members = self.env['crm.segment.member'].sudo()
        return members._search(self._get_open_domain()).subselect('partner_id')

    def _get_open_domain(self) -> Domain:
        """Return the present members of these segments."""
        return Domain('segment_id', 'in', self.ids) & Domain('left_at', '=', False)

    def _get_own_domain(self) -> Domain:
        """Return the stored conditions; they are data, never evaluated as code."""
        self.ensure_one()
        return Domain(literal_eval(self.domain or '[]'))

    def _get_score_domain(self) -> Domain:
        """Return the condition on the customer's score row."""
        domain = Domain('company_id', '=', self.company_id.id)
        if self.cell_ids:
            domain &= Domain('cell_id', 'in', self.cell_ids.ids)
        for score in SCORES:
            least, most = self[f'rfm_{score}_min'], self[f'rfm_{score}_max']
            if (least, most) != (1, 5):
                domain &= Domain(score, '>=', least) & Domain(score, '<=', most)
        return domain

    def _get_mailing_domain(self) -> list:
        """Return the recipients of a mailing: the members when it is sent."""
        return [('crm_segment_ids', 'in', self.ids)]
