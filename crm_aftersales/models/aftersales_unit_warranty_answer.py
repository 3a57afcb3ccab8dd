from __future__ import annotations

from datetime import date, datetime

from odoo import fields, models
from odoo.tools import format_date

from ..warranty import MeterBounds, WarrantyAnswer

#: of several answers the best one counts
RANKS = {'covered': 2, 'unknown': 1, 'not_covered': 0}


class AftersalesUnit(models.Model):
    """Is it covered, why, and until when: judged on the day of the fault, not of the repair."""

    _inherit = 'aftersales.unit'

    def _get_warranty_answer(
        self,
        day: date | datetime | None = None,
        *,
        line_type: str | None = None,
        product=None,
        meter: float | None = None,
    ) -> WarrantyAnswer:
        """Return whether something is covered by a warranty of the product.

        :param day: of the fault, today when left out; a moment (UTC) is the customer's day
        :param line_type: one of ``warranty.LINE_TYPES``; the product as a whole when left out
        :param product: part or service asked about, a ``product.product``
        :param meter: what the meter showed on the day, when known
        """
        self.ensure_one()
        answers = self._get_warranty_answers(
            day,
            line_type=line_type,
            product=product,
            meters=None if meter is None else {self.id: meter},
        )
        return answers[self.id]

    def _get_warranty_answers(
        self,
        day: date | datetime | None = None,
        *,
        line_type: str | None = None,
        product=None,
        meters: dict[int, float] | None = None,
    ) -> dict[int, WarrantyAnswer]:
        """Return the answers about many products, by id; it asks no more often for more products.

        :param meters: what the meter showed on the day, by id, where it is known
        """
        units = self.sudo()
        days = {unit.id: unit._get_customer_day(day) for unit in units}
        bounds = units._get_meter_bounds(days, meters or {})
        asked = (line_type, product.id if product else None, self._get_warranty_categories(product))
        return {
            unit.id: unit._get_retired_answer(days[unit.id])
            or unit._name_what_waits(
                unit._choose_warranty_answer(
                    [
                        warranty._judge(days[unit.id], asked, bounds[unit.id])
                        for warranty in unit.warranty_ids
                        if warranty._is_asked(*asked)
                    ],
                    days[unit.id],
                ),
                days[unit.id],
                asked,
            )
            for unit in units
        }

    def _get_warranty_answers_in_a_row(
        self, day: date, *, meter: float | None = None, **asked
    ) -> list[WarrantyAnswer]:
        """Return the answer about a day, and those of the warranties that follow without a gap.

        By days alone: nobody knows how far the meter will run. The row ends where less is covered.

        :param meter: what the meter showed on the day, when known
        :param asked: as in :meth:`_get_warranty_answer`
        """
        answers = [self._get_warranty_answer(day, meter=meter, **asked)]
        if meter is None:
            meter = self.sudo()._get_meter_total(day)
        while answers[-1].until and answers[-1].state == 'covered':
            next_day = fields.Date.add(answers[-1].until, days=1)
            answer = self._get_warranty_answer(next_day, meter=meter, **asked)
            if answer.state != 'covered' or answer.percent < answers[0].percent:
                break
            answers.append(answer)
        return answers

    def _get_retired_answer(self, day: date) -> WarrantyAnswer | None:
        """Return the answer about a product that was out of use by then; None about others."""
        self.ensure_one()
        if self.state != 'retired' or not self.date_retired or day <= self.date_retired:
            return None
        reason = self.env._(
            "The product was retired on %(day)s.", day=format_date(self.env, self.date_retired)
        )
        nothing = self.env['aftersales.warranty']
        return WarrantyAnswer('not_covered', 0, nothing, reason, None)

    def _get_warranty_categories(self, product) -> set[int]:
        """Return the ids of a product's category and of all above it.

        :param product: a ``product.product``, or nothing
        """
        path = (product and product.sudo().categ_id.parent_path) or ''
        return {int(part) for part in path.split('/') if part}

    def _choose_warranty_answer(self, answers: list[WarrantyAnswer], day: date) -> WarrantyAnswer:
        """Return the best of the answers that the warranties of one product give.

        Where none has begun on the day yet, that of the next one.
        """
        if not answers:
            return WarrantyAnswer(
                'not_covered',
                0,
                self.env['aftersales.warranty'],
                self._get_no_warranty_reason(),
                None,
            )

        def get_rank(answer):
            warranty = answer.warranty
            has_begun = answer.state != 'not_covered' or warranty.date_start <= day
            last = answer.until or warranty.date_end
            nearness = last.toordinal() if has_begun else -warranty.date_start.toordinal()
            return RANKS[answer.state], answer.percent, has_begun, nearness

        return max(answers, key=get_rank)

    def _get_no_warranty_reason(self) -> str:
        """Return why no warranty answers: there was none, or it is void.

        Customers read it, so why it is void stays with staff.
        """
        if self.warranty_ids.filtered(
            lambda row: (
                row.state == 'void'
                and row.layer != 'part'
                and row.ended_by in ('declared', 'replaced', 'withdrawn')
            )
        ):
            return self.env._("The warranty is void.")
        return self.env._("No warranty was granted.")

    def _name_what_waits(self, answer: WarrantyAnswer, day: date, asked: tuple) -> WarrantyAnswer:
        """Add to a refusal that what would cover it was sold and has not begun.

        :param asked: line type, id of the product and ids of its categories
        """
        if answer.state != 'not_covered' or not any(
            extension._would_cover(day, asked) for extension in self._get_extensions_to_inspect()
        ):
            return answer
        text = self.env._("An extended warranty waits until the product was inspected.")
        return answer._replace(reason=f"{answer.reason} {text}")

    def _get_meter_bounds(
        self, days: dict[int, date], meters: dict[int, float]
    ) -> dict[int, MeterBounds]:
        """Return what is known of the meter of each product on a day.

        :param days: by id
        :param meters: what it showed, by id, where somebody says so
        """
        limited = self.filtered(
            lambda unit: unit.id not in meters and any(unit.warranty_ids.mapped('meter_end'))
        )
        bounds = {unit.id: MeterBounds() for unit in self}
        for day, units in limited.grouped(lambda unit: days[unit.id]).items():
            bounds.update(units._get_meter_bounds_on(day))
        return bounds | {
            unit_id: MeterBounds(total, total, True) for unit_id, total in meters.items()
        }

    def _get_meter_bounds_on(self, day: date) -> dict[int, MeterBounds]:
        """Return what the readings before and after a day say about it, by id."""
        before = self._get_last_readings(day)
        after = dict(
            self.env['aftersales.meter.reading']._read_group(
                [('unit_id', 'in', self.ids), ('date', '>', day), ('state', '=', 'ok')],
                ['unit_id'],
                ['total:min'],
            )
        )
        bounds = {}
        for unit in self:
            last = before.get(unit)
            oldest = fields.Date.subtract(day, days=unit.company_id.aftersales_meter_days)
            bounds[unit.id] = MeterBounds(
                low=last.total if last else None,
                high=after.get(unit),
                is_fresh=bool(last) and last.date >= oldest,
            )
        return bounds
