from __future__ import annotations

from datetime import date, datetime

from odoo import api, fields, models
from odoo.fields import Domain

from ..warranty import choose_start, get_last_day
from .aftersales_warranty import DECIDED


class AftersalesUnit(models.Model):
    """The warranty of a product follows from its certificates, which follow from what happens.

    A day that starts a warranty makes certificates; a correction makes the wrong ones void and
    puts others in their place. ``warranty_start``, ``warranty_end`` and ``warranty_months`` show
    them, and can still be written: that is a statement, and makes certificates too.
    """

    _inherit = 'aftersales.unit'

    warranty_ids = fields.One2many(
        comodel_name='aftersales.warranty',
        inverse_name='unit_id',
        string="Warranties",
        readonly=True,
        copy=False,
    )
    warranty_months = fields.Integer(
        compute='_compute_warranty_months',
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Taken from the product or its warranty policy once; later changes there leave it"
        " alone. Zero: no warranty.",
    )
    warranty_start = fields.Date(
        compute='_compute_warranty_start',
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="First day of the warranties granted. Written by hand it is a statement that outranks"
        " what deliveries and invoices say; emptied, all warranties are void.",
    )
    warranty_end = fields.Date(
        compute='_compute_warranty_end',
        store=True,
        precompute=True,
        help="Last day of the warranties granted for the whole product. Empty where there is none.",
    )
    warranty_state = fields.Selection(
        selection=[
            ('none', "No Warranty"),
            ('in_warranty', "In Warranty"),
            ('expired', "Expired"),
        ],
        string="Warranty",
        compute='_compute_warranty_state',
        search='_search_warranty_state',
    )

    _warranty_end_idx = models.Index("(warranty_end) WHERE state = 'active'")
    _warranty_months_positive = models.Constraint(
        'CHECK(warranty_months BETWEEN 0 AND 1200)',
        "A warranty lasts between 0 and 1200 months.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('product_id', 'company_id')
    def _compute_warranty_months(self):
        # Depends on the product chosen, on purpose not on its period: a promise is not taken back.
        for unit in self:
            company = unit.company_id or self.env.company
            unit.warranty_months = unit.product_id._get_warranty_months(company)

    @api.depends(
        'warranty_ids.state',
        'warranty_ids.date_start',
        'date_delivered',
        'date_installed',
        'date_invoiced',
    )
    def _compute_warranty_start(self):
        for unit in self:
            granted = unit._get_granted_warranties()
            if unit._is_warranty_preview():
                day, _event = unit._get_warranty_start()
                unit.warranty_start = day or unit.warranty_start
            elif granted:
                unit.warranty_start = min(granted.mapped('date_start'))
            elif unit.warranty_months:
                unit.warranty_start = False
            else:
                # kept: that of a product nothing was promised for
                unit.warranty_start = unit.date_delivered or unit.warranty_start

    @api.depends('warranty_ids.state', 'warranty_ids.date_end', 'warranty_start', 'warranty_months')
    def _compute_warranty_end(self):
        for unit in self:
            ends = unit._get_granted_warranties().mapped('date_end')
            if unit._is_warranty_preview():
                ends = []
                if unit.warranty_start and unit.warranty_months:
                    ends = [get_last_day(unit.warranty_start, unit.warranty_months)]
            unit.warranty_end = max(ends, default=False)

    def _is_warranty_preview(self) -> bool:
        """Whether the product is about to be saved: a form shows what will be granted."""
        self.ensure_one()
        return not isinstance(self.id, int)

    def _get_granted_warranties(self):
        """Return the warranties granted for the whole product."""
        return self._origin.sudo().warranty_ids._get_unit_layers()

    @api.depends('warranty_end')
    def _compute_warranty_state(self):
        for unit in self:
            if not unit.warranty_end:
                unit.warranty_state = 'none'
            else:
                is_over = unit.warranty_end < unit._get_customer_day()
                unit.warranty_state = 'expired' if is_over else 'in_warranty'

    def _search_warranty_state(self, operator, value):
        """Find by the day of who searches: to the customer's own it is some hours at most."""
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        domains = {
            'none': Domain('warranty_end', '=', False),
            'in_warranty': Domain('warranty_end', '>=', today),
            'expired': Domain('warranty_end', '<', today),
        }
        return Domain.OR(domains.get(state, Domain.FALSE) for state in value)

    # ------------------------------------------------------------
    # WHATEVER STARTS A WARRANTY
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        units = super().create(vals_list)
        for unit, vals in zip(units, vals_list, strict=True):
            unit._ensure_can_state_warranty(vals)
        stated = [bool(vals.get('warranty_start')) for vals in vals_list]
        for is_stated in (False, True):
            of_kind = [
                unit.id for unit, said in zip(units, stated, strict=True) if said is is_stated
            ]
            units.browse(of_kind)._settle_warranties(is_stated=is_stated)
        return units

    def write(self, vals):
        for unit in self:
            unit._ensure_can_change_warranty(vals)
        if self._get_warranty_triggers() & vals.keys():
            # of two events at once the second looks at what the first has granted
            self.sudo()._bump_version()
        result = super().write(vals)
        if 'warranty_start' in vals and not vals['warranty_start']:
            # whoever still has it is denied the warranty; of what is not delivered it only waits
            denied = self.filtered('date_delivered')
            denied._void_warranties(self.env._("Taken back"))
            (self - denied)._void_warranties(self.env._("Taken back"), 'withdrawn')
        elif self._get_warranty_triggers() & vals.keys():
            self.filtered(lambda unit: unit.state != 'retired')._settle_warranties(
                is_stated='warranty_start' in vals, is_new_product='product_id' in vals
            )
        return result

    def _ensure_can_state_warranty(self, vals: dict) -> None:
        """Refuse a new product whose warranty is not the one that follows from its product.

        :param vals: it was created with
        """
        if self.env.su:
            return
        is_stated = bool(vals.get('warranty_start'))
        if 'warranty_months' in vals:
            company = self.company_id or self.env.company
            is_stated |= self.warranty_months != self.product_id._get_warranty_months(company)
        if is_stated:
            self.env['aftersales.warranty']._ensure_can_grant()

    def _ensure_can_change_warranty(self, vals: dict) -> None:
        """Refuse a change of what the warranty is, or was granted for, but to the service desk.

        :param vals: about to be written
        """
        names = {'warranty_start', 'warranty_months'}
        granted_for = {'product_id', 'date_delivered', 'date_invoiced'}
        if self.env.su or not (names | granted_for) & vals.keys():
            return
        if self.sudo().warranty_ids.filtered(lambda row: row.layer in ('base', 'statutory')):
            # whoever delivers what was invoiced before enters the day
            names |= granted_for if self.date_delivered else granted_for - {'date_delivered'}
        for name in names & vals.keys():
            field = self._fields[name]
            value = field.convert_to_record(field.convert_to_cache(vals[name], self), self)
            if value != self[name]:
                self.env['aftersales.warranty']._ensure_can_grant()

    @api.model
    def _get_warranty_triggers(self) -> set[str]:
        """Return the fields from which the first warranties of a product follow."""
        days = set(self._get_warranty_event_fields().values())
        return {'product_id', 'warranty_start', 'warranty_months', *days}

    @api.model
    def _get_warranty_event_fields(self) -> dict[str, str]:
        """Return where the day of each event stands."""
        return {
            'installation': 'date_installed',
            'delivery': 'date_delivered',
            'invoice': 'date_invoiced',
        }

    def _start_warranty(self, event: str, day: date | datetime) -> None:
        """Let something that happened start the warranties of these products, if it does.

        What the policy of a product waits for decides: an invoice starts nothing where the
        delivery counts and is known. It can be told again at any time.

        :param event: one of ``warranty.START_EVENTS``
        :param day: when; a moment (UTC) is the day it was for the customer
        """
        self.sudo()._bump_version()
        self._settle_warranties(known={unit: {event: unit._get_customer_day(day)} for unit in self})

    def _get_customer_day(self, moment: date | datetime | None = None) -> date:
        """Return the day it was in the customer's time zone.

        :param moment: UTC, now when left out; a day stays what it is
        """
        self.ensure_one()
        return self.sudo().partner_id._get_customer_day(self.company_id, moment)

    # ------------------------------------------------------------
    # THE FIRST WARRANTIES
    # ------------------------------------------------------------

    def _settle_warranties(
        self, known: dict | None = None, is_stated: bool = False, is_new_product: bool = False
    ) -> None:
        """Grant the first warranties of these products, or put others in the place of wrong ones.

        :param known: product -> event -> day, of what stands in no field
        :param is_stated: ``warranty_start`` was written by somebody
        :param is_new_product: it is not the product it was thought to be: other terms
        """
        vals_list, wrong = [], self.env['aftersales.warranty'].sudo()
        new_terms = self._get_new_warranty_terms()
        for unit in self.sudo():
            present = unit._get_first_warranties()
            if present[:1].start_event == 'replacement' and not (is_stated or is_new_product):
                continue
            if present and not is_new_product:
                terms = {**present[0].terms, 'policy_id': present[0].policy_id.id}
            else:
                terms = new_terms[unit.product_id, unit.company_id]
            start = unit._get_warranty_start(terms, (known or {}).get(unit), is_stated)
            target = unit._prepare_first_warranties_vals(terms, *start, present)
            if not (is_stated or is_new_product):
                decided = unit._get_decided_layers()
                target = [vals for vals in target if vals['layer'] not in decided]
            if unit._is_settled(present, target) and not is_new_product:
                continue
            wrong |= present
            vals_list += target
        wrong._end(self.env._("Corrected"), ended_by='corrected')
        granted = self._grant_warranties(vals_list)
        (wrong | granted).unit_id._settle_extensions()

    def _get_first_warranties(self):
        """Return the warranties that began with the product, not with a repair or an order."""
        return self.warranty_ids.filtered(
            lambda warranty: (
                warranty.state == 'active'
                and warranty.layer in ('base', 'statutory')
                and warranty.start_event != 'repair'
            )
        )

    def _get_decided_layers(self) -> set[str]:
        """Return the layers whose last warranty was ended for good: no event grants them again.

        What somebody states does, and so does another product.
        """
        self.ensure_one()
        first = self.warranty_ids.filtered(lambda warranty: warranty.start_event != 'repair')
        last = {warranty.layer: warranty for warranty in first.sorted('id')}
        return {layer for layer, warranty in last.items() if warranty.ended_by in DECIDED}

    def _is_settled(self, present, target: list[dict]) -> bool:
        """Whether the warranties granted are those that should be."""
        wanted = {(vals['layer'], vals['date_start'], vals['months']) for vals in target}
        return wanted == {(row.layer, row.date_start, row.months) for row in present}

    def _get_warranty_start(
        self, terms: dict | None = None, known: dict | None = None, is_stated: bool = False
    ) -> tuple[date | None, str]:
        """Return the day on which the product's warranty starts, and with what.

        :param terms: of the warranty
        :param known: day of events that stands in no field
        :param is_stated: ``warranty_start`` was written by somebody
        """
        self.ensure_one()
        terms = terms or self._get_warranty_policy()._prepare_start_terms()
        days = {**self._get_warranty_events(), **(known or {})}
        day, event = choose_start(terms, days)
        present = self._origin.sudo()._get_first_warranties()[:1]
        if is_stated and self.warranty_start:
            is_event = self.warranty_start == day
            return (day, event) if is_event else (self.warranty_start, 'manual')
        if present and (present.start_event in ('manual', 'replacement') or not day):
            return present.date_start, present.start_event
        return day, event

    def _get_warranty_events(self) -> dict[str, date]:
        """Return the day of each event that is known."""
        self.ensure_one()
        present = self._origin.sudo()._get_first_warranties()[:1]
        days = {present.start_event: present.date_start} if present else {}
        if self.state not in ('draft', 'retired') and self.sudo().sale_order_id.date_order:
            days['sale'] = self._get_customer_day(self.sudo().sale_order_id.date_order)
        for event, name in self._get_warranty_event_fields().items():
            days[event] = self[name] or days.get(event)
        return {event: day for event, day in days.items() if day}

    def _get_warranty_policy(self):
        """Return the policy that speaks for the product today; empty where there is none."""
        self.ensure_one()
        company = self.company_id or self.env.company
        if not self.product_id:
            return self.env['aftersales.warranty.policy']
        return self.product_id._get_warranty_policy(company)

    def _get_new_warranty_terms(self) -> dict:
        """Return the terms that are granted with these products today, by product and company."""
        policies = {}
        for unit in self.sudo():
            if (key := (unit.product_id, unit.company_id)) not in policies:
                policies[key] = unit._get_warranty_policy()
        terms = {
            policy: {**policy._prepare_terms(), 'policy_id': policy.id}
            for policy in set(policies.values())
        }
        return {key: terms[policy] for key, policy in policies.items()}

    def _prepare_first_warranties_vals(
        self, terms: dict, day: date | None, event: str, present
    ) -> list[dict]:
        """Return the warranties that begin with the product: its own, and that of the law.

        :param day: None when nothing has started them yet
        :param present: those they take the place of; days in repair stay added
        """
        self.ensure_one()
        months = {'base': self.warranty_months, 'statutory': terms.get('statutory_months', 0)}
        if not day:
            return []
        starts = {'base': (day, event), 'statutory': (day, event)}
        if event == 'installation' and self.date_delivered:
            starts['statutory'] = (self.date_delivered, 'delivery')
        added = {warranty.layer: warranty.repair_days for warranty in present}
        return [
            self._prepare_warranty_vals(
                layer,
                starts[layer][0],
                months[layer],
                terms,
                starts[layer][1],
                repair_days=added.get(layer, 0),
            )
            for layer in months
            if months[layer]
        ]

    def _prepare_warranty_vals(
        self, layer: str, day: date, months: int, terms: dict, event: str, repair_days=0, **values
    ) -> dict:
        """Return the values of one warranty of the product.

        :param day: its first
        :param repair_days: days it is longer than its months
        :param values: of other fields
        """
        self.ensure_one()
        return {
            'unit_id': self.id,
            'company_id': self.company_id.id,
            'layer': layer,
            'policy_id': terms.get('policy_id'),
            'terms': terms,
            'months': months,
            'start_event': event,
            'date_start': day,
            'date_end': fields.Date.add(get_last_day(day, months), days=repair_days),
            'repair_days': repair_days,
            'meter_end': terms.get('meter_limit') if layer in ('base', 'extended') else 0,
            **values,
        }

    @api.model
    def _grant_warranties(self, vals_list: list[dict]):
        """Grant warranties: the limit of each is counted from what its meter showed at the start.

        :param vals_list: as :meth:`_prepare_warranty_vals` gives them
        :return: the warranties, in elevated rights
        """
        limited = [vals for vals in vals_list if vals['meter_end'] and vals['date_start']]
        for day in {vals['date_start'] for vals in limited}:
            of_day = [vals for vals in limited if vals['date_start'] == day]
            units = self.sudo().browse([vals['unit_id'] for vals in of_day])
            readings = units._get_last_readings(day)
            for unit, vals in zip(units, of_day, strict=True):
                start = readings[unit].total if unit in readings else 0
                vals |= {'meter_start': start, 'meter_end': start + vals['meter_end']}
        warranties = self.env['aftersales.warranty'].sudo()
        if vals_list:
            # the database compares at once: one of a kind is alive at a time
            warranties.flush_model(['state'])
        return warranties.create(vals_list)

    def _void_warranties(self, reason: str, ended_by: str = 'declared') -> None:
        """Declare all warranties of these products void, as when they are taken back.

        :param reason: kept with the warranties
        :param ended_by: what made them end
        """
        self.sudo().warranty_ids._end(reason, ended_by=ended_by)
