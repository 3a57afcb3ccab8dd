from __future__ import annotations

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import NO_ACCESS
from odoo.tools import SQL

from ..texts import without_nul

_logger = logging.getLogger(__name__)

#: lowest and highest score of each kind
RANGES = {'nps': (0, 10), 'ces': (1, 7)}
MAX_COMMENT = 2000
#: an answer without a name is one of at least so many, else its team is not kept either
MIN_CROWD = 5
CROWD_DAYS = 60


class AftersalesFeedback(models.Model):
    """A question a customer was asked after the end of a request, and what he answered.

    NPS: how likely he is to recommend us, 0 to 10 (F. Reichheld, "The One Number You Need to
    Grow", Harvard Business Review, December 2003).  CES: how easy it was made for him, 1 to 7
    (M. Dixon, K. Freeman, N. Toman, "Stop Trying to Delight Your Customers", Harvard Business
    Review, July 2010; in the scale of its second version).  Satisfaction is core's rating.

    Who answers without his name is dropped: his answer is a row of its own that knows company,
    month and, where several customers were asked, team.  His question looks like one nobody
    answered: that it takes no second answer is for the program alone.  No row has a date of its
    writing, by which the two could be brought together.
    """

    _name = 'aftersales.feedback'
    _description = "Feedback of a Customer"
    _inherit = ['crm.keyed.mixin']
    _log_access = False
    _order = 'id desc'

    kind = fields.Selection(
        selection=[('nps', "Recommendation (0-10)"), ('ces', "Ease (1-7)")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        selection=[
            ('asked', "Asked"),
            ('answered', "Answered"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default='asked',
    )
    score = fields.Integer(readonly=True, aggregator='avg')
    comment = fields.Text(readonly=True)
    anonymous = fields.Boolean(string="Without Name", readonly=True)
    is_spent = fields.Boolean(
        readonly=True, groups=NO_ACCESS, help="Answered without a name: never to be shown."
    )
    waits_for_followup = fields.Boolean(
        readonly=True, groups=NO_ACCESS, help="Bad and without a name: followed up once a day."
    )
    date_asked = fields.Date(string="Asked on", readonly=True)
    date = fields.Date(
        string="Answered on",
        readonly=True,
        help="Of an answer without name the first day of the month.",
    )

    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Responsible",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    team_id = fields.Many2one(
        comodel_name='aftersales.team',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True
    )

    _waiting_idx = models.Index('(id) WHERE waits_for_followup IS TRUE')
    _request_kind_unique = models.UniqueIndex('(request_id, kind) WHERE request_id IS NOT NULL')
    _score_range = models.Constraint(
        "CHECK (state <> 'answered' OR (kind = 'nps' AND score BETWEEN 0 AND 10)"
        " OR (kind = 'ces' AND score BETWEEN 1 AND 7))",
        "A score is 0 to 10 for a recommendation and 1 to 7 for ease.",
    )
    _anonymous_has_no_author = models.Constraint(
        'CHECK (anonymous IS NOT TRUE OR (key IS NULL AND request_id IS NULL AND partner_id IS NULL'
        ' AND user_id IS NULL AND product_id IS NULL AND date_asked IS NULL))',
        "An answer without name has no author.",
    )

    @api.depends('kind', 'state', 'score')
    @api.depends_context('lang')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for feedback in self:
            score = f': {feedback.score}' if feedback.state == 'answered' else ''
            feedback.display_name = f'{kinds.get(feedback.kind, "")}{score}'

    def _prepare_keyed_vals(self, vals):
        """Rows have no audit columns."""
        audit = ('create_uid', 'create_date', 'write_uid', 'write_date')
        values = super()._prepare_keyed_vals(vals)
        return {name: value for name, value in values.items() if name not in audit}

    # ------------------------------------------------------------
    # ASKING
    # ------------------------------------------------------------

    @api.model
    def _ask(self, request) -> AftersalesFeedback:
        """Note that the customer of a request is asked, each kind once.

        :param request: one ``aftersales.request``
        :return: all that he is or was asked about it
        """
        company = request.company_id.sudo()
        kinds = [kind for kind in RANGES if company[f'aftersales_ask_{kind}']]
        self.sudo()._insert_keyed([self._prepare_asked_vals(request, kind) for kind in kinds])
        request.invalidate_recordset(['feedback_ids'], flush=False)
        return self.sudo().search([('request_id', '=', request.id)])

    @api.model
    def _prepare_asked_vals(self, request, kind: str) -> dict:
        """Return the values of a question about a request."""
        request = request.sudo()
        return {
            'key': f'request:{request.id}:{kind}',
            'kind': kind,
            'request_id': request.id,
            'partner_id': request.partner_id.id,
            'user_id': request.user_id.id,
            'product_id': request.product_id.id,
            'team_id': request.team_id.id,
            'company_id': request.company_id.id,
            'date_asked': fields.Date.context_today(self),
        }

    # ------------------------------------------------------------
    # ANSWERING
    # ------------------------------------------------------------

    def _answer(self, scores: dict[str, str], comment: str = '', anonymous: bool = False) -> None:
        """Record what the customer answered; each question takes one answer.

        :param scores: by kind, as they were posted; kinds that are missing stay open
        :param comment: in his words, belongs to his first answer
        :param anonymous: drop who he is
        :raise UserError: no score, or one outside its range
        """
        values = {
            feedback: feedback._read_score(scores[feedback.kind])
            for feedback in self
            if feedback._is_open() and scores.get(feedback.kind) not in (None, '')
        }
        if not values:
            raise UserError(self.env._("Please choose a number first."))
        comment = without_nul(comment or '').strip()[:MAX_COMMENT]
        answers = self.browse()
        for feedback, score in values.items():
            answers |= feedback._record(score, comment, anonymous)
            comment = ''
        answers._follow_up_bad_scores()

    def _is_open(self) -> bool:
        """Whether the question still takes an answer."""
        return self.state == 'asked' and not self.is_spent

    def _read_score(self, text: str) -> int:
        """Return the score that was posted.

        :raise UserError: it is no number of the scale
        """
        low, high = RANGES[self.kind]
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(high))
        score = int(text) if is_number else -1
        if not low <= score <= high:
            raise UserError(
                self.env._("Please choose a number from %(low)s to %(high)s.", low=low, high=high)
            )
        return score

    def _record(self, score: int, comment: str, anonymous: bool) -> AftersalesFeedback:
        """Record one answer, at the question or, without a name, away from it."""
        today = fields.Date.context_today(self)
        vals = {'score': score, 'comment': comment, 'state': 'answered'}
        if not anonymous:
            self.write({**vals, 'date': today})
            return self
        self.is_spent = True
        return self.create({**vals, **self._prepare_anonymous_vals(today)})

    def _prepare_anonymous_vals(self, today) -> dict:
        """Return all that is kept of where an answer without name came from."""
        return {
            'kind': self.kind,
            'anonymous': True,
            'date': today.replace(day=1),
            'team_id': self._get_crowd().id,
            'company_id': self.company_id.id,
        }

    def _get_crowd(self):
        """Return the team, when enough of its customers were asked for one to be nobody."""
        since = fields.Date.subtract(fields.Date.context_today(self), days=CROWD_DAYS)
        asked = self.search_count(
            [
                ('team_id', '=', self.team_id.id),
                ('kind', '=', self.kind),
                ('date_asked', '>=', since),
            ],
            limit=MIN_CROWD,
        )
        return self.team_id if asked == MIN_CROWD else self.team_id.browse()

    # ------------------------------------------------------------
    # BAD SCORES
    # ------------------------------------------------------------

    def _follow_up_bad_scores(self) -> None:
        """Open one follow-up for what a customer sent, by the first of his scores that is bad."""
        bad = self.filtered(lambda feedback: feedback._is_bad_score())[:1]
        if bad.anonymous:
            bad._wait_for_followup(self)
        elif bad:
            self.env['aftersales.followup']._open([bad._prepare_followup_vals(self)])

    def _is_bad_score(self) -> bool:
        """Whether somebody has to see to it."""
        self.ensure_one()
        company = self.company_id
        return company.aftersales_followup and self.score <= company[f'aftersales_{self.kind}_bad']

    def _wait_for_followup(self, said) -> None:
        """Have a bad score without a name followed up later, with the words that came with it.

        :param said: all answers the customer sent with it; later nothing tells that they were his
        """
        self.ensure_one()
        comment = '\n'.join(filter(None, said.mapped('comment')))
        (said - self).comment = False
        self.write({'comment': comment, 'waits_for_followup': True})

    @api.model
    def _cron_follow_up_nameless(self) -> None:
        """Open the follow-ups of what was sent without a name, once a day and in no order.

        When they were opened, and until when they are due, says nothing of when they were sent:
        who closed a request that hour would know whose answer it is.
        """
        waiting = self.sudo().search([('waits_for_followup', '=', True)])
        for company, answers in waiting.grouped('company_id').items():
            try:
                with self.env.cr.savepoint():
                    answers._follow_up_nameless()
            except UserError:
                # what is set up wrongly in one company must not stop the others; tried again
                _logger.exception("Bad scores without a name in %s", company.name)

    def _follow_up_nameless(self) -> None:
        """Open the follow-ups of bad scores of one company that were sent without a name."""
        answers = self.sorted(lambda answer: (answer.score, answer.comment or ''))
        self.env['aftersales.followup']._open(
            [answer._prepare_followup_vals(answer) for answer in answers]
        )
        self.waits_for_followup = False

    def _prepare_followup_vals(self, said) -> dict:
        """Return what a follow-up has to know of the answer.

        :param said: all answers the customer sent with it
        """
        self.ensure_one()
        comment = '\n'.join(filter(None, said.mapped('comment')))
        return {
            'key': f'feedback:{self.id}',
            'kind': self.kind,
            'score': self.score,
            'comment': comment,
            'feedback_id': self.id,
            'request_id': (self.request_id.merged_into_id or self.request_id).id,
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'team_id': self.team_id.id,
        }

    # ------------------------------------------------------------
    # WHO WAS ASKED LATELY
    # ------------------------------------------------------------

    @api.model
    def _get_asked_lately(self, persons, company) -> set[int]:
        """Return the persons who were sent a survey, or will be, within the days of the settings.

        The row of each person is claimed first: of two requests of one customer that are closed at
        once, the second is decided after the first.

        :return: ids of ``crm.person``
        """
        days = company.aftersales_survey_days
        persons = persons.sudo()
        if not days or not persons:
            return set()
        persons._bump_version()
        since = fields.Datetime.subtract(fields.Datetime.now(), days=days)
        self.env['crm.message'].sudo().flush_model()
        rows = self.env.execute_query(
            SQL(
                'SELECT DISTINCT person_id FROM crm_message'
                " WHERE person_id IN %s AND company_id = %s AND message_class = 'survey'"
                "   AND state NOT IN ('refused', 'cancelled', 'failed')"
                '   AND COALESCE(sent_at, planned_at) > %s',
                tuple(persons.ids),
                company.id,
                since,
            )
        )
        return {person_id for (person_id,) in rows}
