from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..chunks import work_off
from ..days import add_to_day

#: opinions whose owners are told in one transaction
CHUNK = 500


class AftersalesOpinion(models.Model):
    """Whether a measure helped: the theme is counted one period before and one period after it.

    Praise does not count: a measure is good when fewer have something to say against us.
    """

    _inherit = 'aftersales.opinion'

    date_measure = fields.Date(string="Measure Taken on", copy=False)
    date_effect = fields.Date(
        string="Check Effect on",
        compute='_compute_date_effect',
        store=True,
        readonly=False,
        copy=False,
    )
    effect_days = fields.Integer(
        string="Period (Days)",
        readonly=True,
        copy=False,
        help="Length of the periods that were compared.",
    )
    effect_before = fields.Integer(string="Before the Measure", readonly=True, copy=False)
    effect_after = fields.Integer(string="After the Measure", readonly=True, copy=False)
    effect = fields.Selection(
        selection=[('better', "Better"), ('same', "No Effect Seen"), ('worse', "Worse")],
        readonly=True,
        copy=False,
    )
    effect_text = fields.Char(string="Effect in Words", compute='_compute_effect_text')
    effect_reminded = fields.Boolean(readonly=True, copy=False)

    _effect_due_idx = models.Index(
        "(date_effect) WHERE state = 'measure' AND effect_reminded IS NOT TRUE"
    )
    _effect_order = models.Constraint(
        'CHECK (date_effect > date_measure)', "The effect is checked after the measure was taken."
    )

    @api.depends('date_measure')
    def _compute_date_effect(self):
        for opinion in self:
            days = opinion.company_id.aftersales_opinion_period_days
            opinion.date_effect = opinion.date_measure and add_to_day(
                opinion.date_measure, timedelta(days=days)
            )

    @api.depends('effect', 'effect_before', 'effect_after', 'effect_days', 'theme_id')
    @api.depends_context('lang')
    def _compute_effect_text(self):
        verdicts = dict(self._fields['effect']._description_selection(self.env))
        for opinion in self:
            opinion.effect_text = opinion.effect and self.env._(
                # no noun beside a number: one text has to fit one and many
                "%(verdict)s: critical opinions on “%(theme)s”: %(after)s after the measure,"
                " %(before)s before it (days counted each time: %(days)s).",
                verdict=verdicts[opinion.effect],
                days=opinion.effect_days,
                after=opinion.effect_after,
                theme=opinion.theme_id.name,
                before=opinion.effect_before,
            )

    # ------------------------------------------------------------
    # CHECK
    # ------------------------------------------------------------

    def action_check_effect(self) -> None:
        """Count the theme before and after the measure, and say what that means.

        :raise UserError: no theme, no measure, or its period is not over
        """
        today = fields.Date.context_today(self)
        for opinion in self:
            opinion._ensure_can_check_effect(today)
            opinion.write({**opinion._prepare_effect_vals(), 'state': 'checked'})
        self.activity_feedback(['crm_aftersales.mail_activity_effect'])

    def _ensure_can_check_effect(self, today) -> None:
        if not self.theme_id or not self.date_measure:
            raise UserError(self.env._("An effect is seen by the theme and the day of a measure."))
        if self.date_effect > today:
            raise UserError(
                self.env._(
                    "The period after the measure is over on %(date)s.",
                    date=format_date(self.env, self.date_effect),
                )
            )

    def _prepare_effect_vals(self) -> dict:
        """Return what the counts of the two periods say; both are as long."""
        self.ensure_one()
        days = (self.date_effect - self.date_measure).days
        begin = fields.Date.subtract(self.date_measure, days=days)
        before = self._count_against(begin, self.date_measure)
        after = self._count_against(self.date_measure, self.date_effect)
        effect = 'better' if after < before else 'worse' if after > before else 'same'
        return {
            'effect_days': days,
            'effect_before': before,
            'effect_after': after,
            'effect': effect,
        }

    def _count_against(self, after, until) -> int:
        """Count what was said against the theme in a period, confidential opinions included."""
        of_company = Domain('company_id', '=', self.company_id.id)
        of_company &= Domain('sentiment', '!=', 'positive')
        counts = self.sudo().theme_id._count_opinions(after, until, of_company)
        return sum(counts.get(self.theme_id.id, {}).values())

    # ------------------------------------------------------------
    # REMINDER
    # ------------------------------------------------------------

    @api.model
    def _cron_remind_effects(self) -> None:
        """Give the owners of measures a task when their period is over, each once."""
        today = fields.Date.today()
        work_off(
            self,
            lambda: self._claim_due_effects(today),
            lambda opinions: opinions._schedule_effect_checks(),
            CHUNK,
        )

    @api.model
    def _claim_due_effects(self, today):
        """Mark the next measures as reminded and return them; the first statement of a chunk."""
        self.flush_model(['state', 'date_effect', 'effect_reminded'])
        rows = self.env.execute_query(
            SQL(
                'UPDATE aftersales_opinion SET effect_reminded = TRUE'
                ' WHERE id IN (SELECT id FROM aftersales_opinion'
                "  WHERE state = 'measure' AND effect_reminded IS NOT TRUE AND active"
                '    AND date_effect <= %s'
                '  ORDER BY date_effect LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)'
                ' RETURNING id',
                today,
                CHUNK,
            )
        )
        opinions = self.browse(id_ for (id_,) in rows)
        opinions.invalidate_recordset(['effect_reminded'], flush=False)
        return opinions

    def _schedule_effect_checks(self) -> None:
        """Make one task for each opinion, all in one go."""
        activity_type = self.env.ref('crm_aftersales.mail_activity_effect')
        model_id = self.env['ir.model']._get_id(self._name)
        owners = {opinion: opinion.user_id or opinion.create_uid for opinion in self}
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(
            [
                {
                    'activity_type_id': activity_type.id,
                    'summary': activity_type.with_context(lang=owner.lang).summary,
                    'res_model_id': model_id,
                    'res_id': opinion.id,
                    'user_id': owner.id,
                    'date_deadline': opinion.date_effect,
                    'automated': True,
                }
                for opinion, owner in owners.items()
            ]
        )

    def write(self, vals):
        """A measure with another day is another measure: its effect is to be seen anew."""
        if 'date_measure' in vals or 'date_effect' in vals:
            vals = {'effect_reminded': False, 'effect': False, **vals}
        return super().write(vals)
