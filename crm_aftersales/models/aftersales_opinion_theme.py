from odoo import api, fields, models
from odoo.fields import Domain


class AftersalesOpinionTheme(models.Model):
    """What opinions are about: waiting time, friendliness, price, ...; they are counted by it."""

    _name = 'aftersales.opinion.theme'
    _description = "Opinion Theme"
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Answered by",
        domain=[('share', '=', False)],
        check_company=True,
        help="Owner of new opinions on this theme.",
    )

    # Counted at display: a counter stored here would make opinions wait for each other.
    opinion_count = fields.Integer(string="Opinions", compute='_compute_counts')
    negative_count = fields.Integer(string="Negative", compute='_compute_counts')
    opinion_count_before = fields.Integer(string="Period Before", compute='_compute_counts')
    trend = fields.Selection(
        selection=[('more', "More"), ('same', "As Many"), ('less', "Fewer")],
        compute='_compute_counts',
        help="Opinions of the last period compared with the period before it.",
    )

    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_counts(self):
        today = fields.Date.context_today(self)
        days = self.env.company.aftersales_opinion_period_days
        begin = fields.Date.subtract(today, days=days)
        before = fields.Date.subtract(begin, days=days)
        now = self._count_opinions(begin, today)
        past = self._count_opinions(before, begin)
        for theme in self:
            of_theme, of_past = now.get(theme.id, {}), past.get(theme.id, {})
            theme.opinion_count = sum(of_theme.values())
            theme.negative_count = of_theme.get('negative', 0)
            theme.opinion_count_before = sum(of_past.values())
            difference = theme.opinion_count - theme.opinion_count_before
            theme.trend = 'more' if difference > 0 else 'less' if difference else 'same'

    def _count_opinions(self, after, until, domain=Domain.TRUE) -> dict[int, dict[str, int]]:
        """Count the opinions on these themes by sentiment.

        :param after: date, that day not counted
        :param until: last date
        :return: number by sentiment, by id of the theme
        """
        domain &= Domain('theme_id', 'in', self.ids)
        domain &= Domain('date', '>', after) & Domain('date', '<=', until)
        counts = {}
        groups = self.env['aftersales.opinion']._read_group(
            domain, ['theme_id', 'sentiment'], ['__count']
        )
        for theme, sentiment, count in groups:
            counts.setdefault(theme.id, {})[sentiment] = count
        return counts

    def action_view_opinions(self) -> dict:
        """Open the opinions on the theme.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_opinion_action'
        )
        action['domain'] = [('theme_id', '=', self.id)]
        action['context'] = {'default_theme_id': self.id}
        return action
