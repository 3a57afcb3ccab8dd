from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.crm_customer.models.crm_visibility_mixin import VISIBILITIES

OPINION_STATES = [
    ('new', "Not Answered"),
    ('answered', "Answered"),
    ('measure', "Measure Taken"),
    ('checked', "Effect Checked"),
    ('closed', "Closed"),
]


class AftersalesOpinion(models.Model):
    """What a customer thinks of us, wherever he said it, and what became of it.

    The display name tells nothing of the text: not all who read a list may read every opinion.
    """

    _name = 'aftersales.opinion'
    _description = "Customer Opinion"
    _inherit = [
        'crm.visibility.mixin',
        'crm.import.mixin',
        'mail.thread',
        'mail.activity.mixin',
    ]
    _order = 'date desc, id desc'
    _rec_names_search = ['text', 'partner_id.name', 'theme_id.name']
    _check_company_auto = True

    # repeated: values are translated by the addon whose model names them
    visibility = fields.Selection(selection_add=VISIBILITIES)

    # === Who said what ===
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        index=True,
        ondelete='set null',
        help="Empty when nobody gave a name.",
    )
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id',
        string="Company of the Customer",
        store=True,
        index=True,
    )
    date = fields.Date(required=True, default=fields.Date.context_today)
    source = fields.Selection(
        selection=[
            ('visit', "Visit"),
            ('meeting', "Meeting"),
            ('questionnaire', "Questionnaire"),
            ('review', "Review"),
            ('call', "Call"),
            ('letter', "Letter"),
            ('case', "Service Request"),
        ],
        required=True,
        default='call',
    )
    theme_id = fields.Many2one(
        comodel_name='aftersales.opinion.theme',
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
    )
    sentiment = fields.Selection(
        selection=[('positive', "Positive"), ('neutral', "Neutral"), ('negative', "Negative")],
        required=True,
        default='neutral',
    )
    text = fields.Text(string="Opinion", required=True)
    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )
    rating_id = fields.Many2one(
        comodel_name='rating.rating',
        string="Review",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        copy=False,
    )

    # === What became of it ===
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Responsible",
        domain=[('share', '=', False)],
        compute='_compute_user_id',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
    )
    state = fields.Selection(
        selection=OPINION_STATES, string="Status", required=True, default='new', copy=False
    )
    answer = fields.Text(copy=False, help="What the customer was told.")
    date_answered = fields.Date(string="Answered on", copy=False)
    measure = fields.Text(copy=False, help="What is done so that it does not happen again.")
    age_days = fields.Integer(
        string="Age (Days)",
        compute='_compute_age_days',
        help="Days the customer has waited for an answer, or waited until he had it.",
    )
    active = fields.Boolean(default=True)

    _unanswered_idx = models.Index("(date, id) WHERE state = 'new'")
    _theme_date_idx = models.Index('(theme_id, date)')

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    @api.depends('theme_id')
    def _compute_user_id(self):
        for opinion in self:
            opinion.user_id = opinion.user_id or opinion.theme_id.user_id

    @api.depends('date', 'date_answered')
    def _compute_age_days(self):
        today = fields.Date.context_today(self)
        for opinion in self:
            end = opinion.date_answered or today
            opinion.age_days = max((end - opinion.date).days, 0) if opinion.date else 0

    @api.depends('theme_id', 'partner_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for opinion in self:
            parts = [opinion.theme_id.name, opinion.partner_id.display_name]
            opinion.display_name = " · ".join(filter(None, parts)) or self.env._("Opinion")

    @api.constrains('text')
    def _check_text(self):
        for opinion in self.sudo():
            if not opinion.text.strip():
                raise ValidationError(self.env._("An opinion needs words: write what was said."))

    @api.constrains('state', 'answer', 'measure')
    def _check_state(self):
        """Nobody closes in silence: each step has its words."""
        for opinion in self.sudo():
            missing = [name for name in opinion._get_needed_fields() if not opinion[name]]
            if missing:
                states = dict(self._fields['state']._description_selection(self.env))
                raise ValidationError(
                    self.env._(
                        "An opinion that is “%(state)s” needs: %(fields)s.",
                        state=states[opinion.state],
                        fields=[
                            self._fields[name]._description_string(self.env) for name in missing
                        ],
                    )
                )

    def _get_needed_fields(self) -> list[str]:
        """Return what an opinion needs in its state; praise may be closed without an answer."""
        self.ensure_one()
        if self.state in ('measure', 'checked'):
            return ['measure', 'date_measure']
        if self.state == 'answered' or (self.state == 'closed' and self.sentiment == 'negative'):
            return ['answer']
        return []

    # ------------------------------------------------------------
    # STEPS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        opinions = super().create(vals_list)
        opinions._stamp_dates()
        return opinions

    def write(self, vals):
        result = super().write(vals)
        if {'state', 'answer'} & vals.keys():
            self._stamp_dates()
        return result

    def _stamp_dates(self) -> None:
        """Note the day of the answer, once."""
        answered = self.filtered(lambda opinion: opinion.answer and not opinion.date_answered)
        if answered:
            answered.date_answered = fields.Date.context_today(self)

    def action_answer(self) -> None:
        """Note that the customer has his answer."""
        self.write({'state': 'answered'})

    def action_take_measure(self) -> None:
        """Note that something is done; its effect is looked at one period later."""
        today = fields.Date.context_today(self)
        for opinion in self.filtered(lambda opinion: not opinion.date_measure):
            opinion.date_measure = today
        self.write({'state': 'measure'})

    def action_close(self) -> None:
        """Close: answered, or nothing to answer."""
        self.write({'state': 'closed'})

    def action_reopen(self) -> None:
        """Begin again with what is there."""
        self.write({'state': 'new'})

    @api.model
    def _find_readable(self, domain: list):
        """Return the opinion that was made of something, empty when none was.

        :raise UserError: there is one, and the user may not read it
        """
        opinion = self.search(domain, limit=1)
        if not opinion and self.sudo().search_count(domain, limit=1):
            raise UserError(self.env._("This opinion is in the file already, and confidential."))
        return opinion

    def action_view_request(self) -> dict:
        """Open the service request the opinion came from.

        :return: window action
        """
        self.ensure_one()
        return self.request_id.get_formview_action()
