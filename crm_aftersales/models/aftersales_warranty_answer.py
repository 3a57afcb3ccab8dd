from __future__ import annotations

from datetime import date

from odoo import fields, models
from odoo.tools import format_date

from ..warranty import MeterBounds, WarrantyAnswer, find_rule, get_last_day


class AftersalesWarranty(models.Model):
    """What one warranty says about a fault."""

    _inherit = 'aftersales.warranty'

    def _is_asked(self, line_type: str | None, product_id: int | None, category_ids: set) -> bool:
        """Whether the warranty has anything to say about what is asked."""
        self.ensure_one()
        if self.state not in ('active', 'transferred'):
            return False
        return self.layer != 'part' or self.part_product_id.id == product_id

    def _judge(self, day: date, asked: tuple, bounds: MeterBounds) -> WarrantyAnswer:
        """Return what this warranty says about a day.

        :param asked: line type, id of the product and ids of its categories
        :param bounds: what is known of the meter on the day
        """
        rule = find_rule(self.terms, *asked)
        end = self._get_last_day(rule)
        has_begun = day >= self.date_start or self._has_begun_by_meter(bounds)
        refusal = self._get_refusal(day, end, rule, has_begun)
        if refusal:
            return WarrantyAnswer('not_covered', 0, self, refusal, None)
        verdict = self._judge_meter(bounds)
        if verdict:
            return WarrantyAnswer(verdict[0], 0, self, verdict[1], None)
        percent = rule['percent'] if rule else 100
        return WarrantyAnswer(
            'covered', percent, self, self._get_covered_text(percent, end, asked[0], rule), end
        )

    def _get_last_day(self, rule: dict | None) -> date:
        """Return the last day of what a rule is about: of the whole where it has none."""
        if not (rule and rule['months']):
            return self.date_end
        own = get_last_day(self.date_start, rule['months'])
        return fields.Date.add(own, days=self.repair_days)

    def _has_begun_by_meter(self, bounds: MeterBounds) -> bool:
        """Whether an extended warranty has begun because the meter ended the one before."""
        is_limited = self.start_event == 'chained' and self.meter_end
        return bool(is_limited and bounds.low is not None and bounds.low > self.meter_start)

    def _get_refusal(self, day: date, end: date, rule: dict | None, has_begun: bool) -> str:
        """Return why a day or a rule speaks against it; empty when nothing does."""
        label = self._get_layer_label()
        if rule and rule['excluded']:
            return self.env._(
                "%(what)s: excluded from the %(warranty)s.",
                what=self._get_term_name(rule['name']),
                warranty=label,
            )
        if rule and not rule['percent']:
            return self.env._(
                "%(what)s: nothing is paid by the %(warranty)s.",
                what=self._get_term_name(rule['name']),
                warranty=label,
            )
        if not has_begun:
            return self.env._(
                "The %(warranty)s starts on %(day)s.",
                warranty=label,
                day=format_date(self.env, self.date_start),
            )
        if self.ended_by == 'replaced' and day >= self.date_ended:
            return self.env._(
                "The %(warranty)s ended on %(day)s, when the product was replaced.",
                warranty=label,
                day=format_date(self.env, self.date_ended),
            )
        if self.state == 'transferred' and day >= self.date_ended:
            return self.env._(
                "The %(warranty)s ended on %(day)s, when the product changed hands.",
                warranty=label,
                day=format_date(self.env, self.date_ended),
            )
        return self._get_over_text(end, rule) if day > end else ''

    def _get_over_text(self, end: date, rule: dict | None) -> str:
        """Return in words since when it is over, of the whole or of what a rule is about."""
        texts = {'warranty': self._get_layer_label(), 'day': format_date(self.env, end)}
        if not (rule and rule['months']):
            return self.env._("The %(warranty)s ended on %(day)s.", **texts)
        return self.env._(
            "%(what)s: covered by the %(warranty)s until %(day)s only.",
            what=self._get_term_name(rule['name']),
            **texts,
        )

    def _judge_meter(self, bounds: MeterBounds) -> tuple[str, str] | None:
        """Return what the meter says against it; None when it says nothing.

        :return: state of the answer, and why
        """
        limit, label = self.meter_end, self._get_layer_label()
        if not limit:
            return None
        if bounds.low is not None and bounds.low > limit:
            return 'not_covered', self.env._(
                "The %(warranty)s ended at %(limit)s; the meter showed %(total)s.",
                warranty=label,
                limit=self._format_meter(),
                total=self._format_meter(bounds.low),
            )
        if bounds.is_fresh or (bounds.high is not None and bounds.high <= limit):
            return None
        return 'unknown', self.env._(
            "The %(warranty)s ends at %(limit)s, and no reading tells what the meter showed.",
            warranty=label,
            limit=self._format_meter(),
        )

    def _get_covered_text(
        self, percent: float, end: date, line_type: str | None, rule: dict | None
    ) -> str:
        """Return in words what is covered until when."""
        what = rule and self._get_term_name(rule['name'])
        if not what and line_type:
            field = self.env['aftersales.warranty.policy.rule']._fields['line_type']
            what = dict(field._description_selection(self.env)).get(line_type)
        texts = {
            'what': what,
            'percent': percent,
            'warranty': self._get_layer_label(),
            'day': format_date(self.env, end),
        }
        if not what:
            return self.env._("Covered by the %(warranty)s until %(day)s.", **texts)
        return self.env._(
            "%(what)s: %(percent)g%% covered by the %(warranty)s until %(day)s.", **texts
        )

    def _get_layer_label(self) -> str:
        """Return what the warranty is called in a sentence."""
        return dict(self._fields['layer']._description_selection(self.env))[self.layer]
