from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.crm_customer.timeline import TimelineSource, TimelineText

# Everybody reads contacts; who may not read the models behind a field must not see the field.
MEMBER_GROUP = 'mass_mailing.group_mass_mailing_user'
SCORE_GROUP = 'crm_campaigns.group_own'
PARTNER_SCORE_FIELDS = (
    'crm_score_id',
    'crm_rfm',
    'crm_rfm_cell_id',
    'crm_recency',
    'crm_frequency',
    'crm_monetary',
    'crm_score_currency_id',
)


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # === Segments ===
    crm_segment_member_ids = fields.One2many(
        comodel_name='crm.segment.member',
        inverse_name='partner_id',
        string="Segment History",
        readonly=True,
        copy=False,
        groups=MEMBER_GROUP,
    )
    crm_segment_ids = fields.Many2many(
        comodel_name='crm.segment',
        string="Segments",
        compute='_compute_crm_segment_ids',
        search='_search_crm_segment_ids',
        groups=MEMBER_GROUP,
        help="Segments this customer is a member of now.",
    )

    # === Scores ===
    crm_score_ids = fields.One2many(
        comodel_name='crm.customer.score',
        inverse_name='partner_id',
        string="Scores by Company",
        readonly=True,
        copy=False,
        groups=SCORE_GROUP,
    )
    crm_score_id = fields.Many2one(
        comodel_name='crm.customer.score',
        string="Score",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
        help="Score of the commercial entity in the active company.",
    )
    crm_rfm = fields.Char(
        string="RFM",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
    )
    crm_rfm_cell_id = fields.Many2one(
        comodel_name='crm.rfm.cell',
        string="RFM Cell",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
    )
    crm_recency = fields.Integer(
        string="Days Since Last Order",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
    )
    crm_frequency = fields.Integer(
        string="Orders in the Window",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
    )
    crm_monetary = fields.Monetary(
        string="Value in the Window",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
        currency_field='crm_score_currency_id',
    )
    crm_score_currency_id = fields.Many2one(
        comodel_name='res.currency',
        string="Score Currency",
        compute='_compute_crm_score',
        groups=SCORE_GROUP,
    )

    @api.depends('crm_segment_member_ids.left_at')
    def _compute_crm_segment_ids(self):
        groups = self.env['crm.segment.member']._read_group(
            Domain('partner_id', 'in', self.ids) & Domain('left_at', '=', False),
            ['partner_id'],
            ['segment_id:recordset'],
        )
        segments = dict(groups)
        for partner in self:
            partner.crm_segment_ids = segments.get(partner, False)

    def _search_crm_segment_ids(self, operator, value):
        if operator not in ('in', 'any'):
            return NotImplemented
        condition = Domain('segment_id', operator, value)
        if operator == 'in' and False in value:
            # "in no segment" cannot be told from the member rows
            present = Domain('crm_segment_member_ids', 'not any', [('left_at', '=', False)])
            if not (named := [item for item in value if item]):
                return present
            return present | self._search_crm_segment_ids('in', named)
        return Domain('crm_segment_member_ids', 'any', condition & Domain('left_at', '=', False))

    @api.depends('commercial_partner_id', 'crm_score_ids')
    @api.depends_context('company')
    def _compute_crm_score(self):
        company = self.env.company
        scores = self.env['crm.customer.score'].search(
            Domain('partner_id', 'in', self.commercial_partner_id.ids)
            & Domain('company_id', '=', company.id)
        )
        score_by_partner = {score.partner_id: score for score in scores}
        for partner in self:
            score = score_by_partner.get(partner.commercial_partner_id, scores.browse())
            partner.crm_score_id = score
            partner.crm_rfm = score.rfm
            partner.crm_rfm_cell_id = score.cell_id
            partner.crm_recency = score.recency
            partner.crm_frequency = score.frequency
            partner.crm_monetary = score.monetary
            partner.crm_score_currency_id = company.currency_id

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_crm_score(self) -> dict:
        """Open the customer's score in the active company.

        :return: a window action
        """
        self.ensure_one()
        return self.crm_score_id.get_formview_action()

    def action_view_crm_segment_members(self) -> dict:
        """Open the customer's segments, past ones included.

        :return: a window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_campaigns.crm_segment_member_action'
        )
        action['domain'] = [('partner_id', '=', self.id)]
        action['context'] = {'search_default_group_by_segment': 0}
        return action

    # ------------------------------------------------------------
    # TIME LINE
    # ------------------------------------------------------------

    def _get_customer_timeline_sources(self) -> list[TimelineSource]:
        return [
            *super()._get_customer_timeline_sources(),
            self._get_timeline_source_mailing(),
            self._get_timeline_source_segment(),
        ]

    def _get_timeline_source_mailing(self) -> TimelineSource:
        """Mailings that left to one of the customer's contacts."""
        contacts = self.with_context(active_test=False)._search(
            Domain('commercial_partner_id', '=', self.commercial_partner_id.id)
        )
        return TimelineSource(
            key='campaigns.mailing',
            label=self.env._("Mailings"),
            icon='fa-envelope-o',
            model='mailing.trace',
            domain=Domain('model', '=', 'res.partner') & Domain('res_id', 'in', contacts),
            date_field='sent_datetime',
            describe=self._describe_timeline_mailings,
            search_fields=('mass_mailing_id.subject', 'email'),
        )

    @api.model
    def _describe_timeline_mailings(self, traces) -> dict[int, TimelineText]:
        states = dict(traces._fields['trace_status']._description_selection(self.env))
        return {
            trace.id: TimelineText(
                title=trace.mass_mailing_id.subject or self.env._("Mailing"),
                body=trace.email or '',
                state=states.get(trace.trace_status, ''),
                target=('mailing.mailing', trace.mass_mailing_id.id),
            )
            for trace in traces
        }

    def _get_timeline_source_segment(self) -> TimelineSource:
        """Entries of the customer's contacts into segments."""
        return TimelineSource(
            key='campaigns.segment',
            label=self.env._("Segments"),
            icon='fa-users',
            model='crm.segment.member',
            domain=Domain('partner_id.commercial_partner_id', '=', self.commercial_partner_id.id),
            date_field='entered_at',
            describe=self._describe_timeline_segments,
            search_fields=('segment_id.name',),
        )

    @api.model
    def _describe_timeline_segments(self, members) -> dict[int, TimelineText]:
        return {
            member.id: TimelineText(
                title=self.env._("Entered segment %s", member.segment_id.name),
                state=self.env._("Left") if member.left_at else self.env._("Member"),
                target=('crm.segment', member.segment_id.id),
            )
            for member in members
        }
