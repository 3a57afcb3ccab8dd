from __future__ import annotations

from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .aftersales_remedy_rule import COUNTERS

#: models whose rows are counted
COUNTED_MODELS = (
    'aftersales.unit',
    'aftersales.unit.stay',
    'aftersales.unit.component',
    'aftersales.request',
    'aftersales.code',
    'aftersales.meter.reading',
    'aftersales.remedy.rule',
    'product.category',
    'product.product',
    'product.template',
    'res.partner',
)


class ReachedRemedy(NamedTuple):
    """A remedy rule that a product reached."""

    rule: models.BaseModel
    count: int
    text: str


class AftersalesUnit(models.Model):
    """Whether a customer may ask for another product or for his money, and what to do then."""

    _inherit = 'aftersales.unit'

    repair_days_total = fields.Integer(
        string="Days in Repair", compute='_compute_remedy_counters', groups='base.group_user'
    )
    same_fault_max = fields.Integer(
        string="Repairs of the Same Fault",
        compute='_compute_remedy_counters',
        groups='base.group_user',
    )
    safety_fault_repairs = fields.Integer(
        string="Repairs of Safety Faults",
        compute='_compute_remedy_counters',
        groups='base.group_user',
    )
    main_part_swaps = fields.Integer(
        string="Replacements of a Main Part",
        compute='_compute_remedy_counters',
        groups='base.group_user',
    )
    remedy_text = fields.Text(
        string="Remedies", compute='_compute_remedy', groups='base.group_user'
    )
    remedy_reached = fields.Boolean(
        compute='_compute_remedy', search='_search_remedy_reached', groups='base.group_user'
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_remedy_counters(self):
        names = [name for name, _label in COUNTERS]
        self.update(dict.fromkeys(names, 0))
        if not self._origin:
            return
        units = {unit._origin.id: unit for unit in self}
        windows = self._get_counter_windows_sql(SQL('SELECT unnest(%s)', list(self._origin.ids)))
        for unit_id, _rule, counter, number, _detail in self._get_counts(windows):
            unit = units[unit_id]
            unit[counter] = max(unit[counter], number)

    def _compute_remedy(self):
        reached = self._get_reached_remedies()
        for unit in self:
            remedies = reached.get(unit._origin.id, [])
            unit.remedy_reached = bool(remedies)
            unit.remedy_text = "\n".join(remedy.text for remedy in remedies)

    @api.model
    def _get_counts(self, windows: SQL) -> list[tuple]:
        """Return the rows of ``_get_counts_sql``, the highest number of each rule first."""
        self._flush_counted()
        return self.env.execute_query(
            SQL('%s ORDER BY unit_id, number DESC', self._get_counts_sql(windows))
        )

    @api.model
    def _flush_counted(self) -> None:
        for name in self._get_counted_models():
            self.env[name].flush_model()

    @api.model
    def _get_counted_models(self) -> list[str]:
        """Return the models whose rows are counted."""
        return list(COUNTED_MODELS)

    def _get_reached_remedies(self) -> dict[int, list[ReachedRemedy]]:
        """Return the rules that products reached, by their ids; without those that reached none.

        The number of queries does not depend on the number of products.
        """
        if not self._origin:
            return {}
        rules = self.env['aftersales.remedy.rule'].sudo()
        windows = self._get_rule_windows_sql(SQL('SELECT unnest(%s)', list(self._origin.ids)))
        rows = self._get_counts(SQL('SELECT * FROM (%s) AS win', windows))
        rules = rules.browse({rule_id for _unit, rule_id, *_rest in rows})
        result = {}
        for rule in rules.sorted(lambda rule: (rule.sequence, rule.id)):
            done = set()
            for unit_id, rule_id, _counter, number, detail_id in rows:
                if rule_id != rule.id or unit_id in done or not rule._is_reached(number):
                    continue
                done.add(unit_id)
                text = rule._get_reached_text(number, rule._get_detail(detail_id))
                result.setdefault(unit_id, []).append(ReachedRemedy(rule, number, text))
        return result

    def _search_remedy_reached(self, operator, value):
        if operator != 'in':
            return NotImplemented
        self._flush_counted()
        windows = self._get_rule_windows_sql(self._get_touched_sql())
        reached = SQL(
            'SELECT result.unit_id FROM (%s) AS result'
            ' JOIN aftersales_remedy_rule rule ON rule.id = result.rule_id'
            " WHERE result.number >= rule.threshold + (rule.comparison = 'more')::int",
            self._get_counts_sql(windows),
        )
        domain = Domain('id', 'in', SQL('(%s)', reached))
        return domain if True in value else ~domain

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_open_remedy(self) -> dict:
        """Open the request about the rights of the customer, a new one where none is open.

        :return: window action
        :raise UserError: no right is reached
        """
        self.ensure_one()
        # who clicks at the same time runs again, and finds the request
        self.sudo()._bump_version()
        request = self._find_remedy_request()
        if not request:
            remedies = self._get_reached_remedies().get(self.id)
            if not remedies:
                raise UserError(self.env._("No right of exchange or refund is reached."))
            request = self.env['aftersales.request'].create(self._prepare_remedy_vals(remedies))
        return request.get_formview_action()

    def _find_remedy_request(self):
        """Return the open request about the rights of the customer, empty without one."""
        Request = self.env['aftersales.request']
        domain = Request._get_open_domain() & Domain('unit_id', '=', self.id)
        return Request.search(domain & Domain('remedy_rule_ids', '!=', False), limit=1)

    def _prepare_remedy_vals(self, remedies: list[ReachedRemedy]) -> dict:
        """Return the values of the request about the rights of the customer."""
        Request = self.env['aftersales.request']
        reasons = [remedy.text for remedy in remedies]
        return {
            'name': remedies[0].rule._get_right_text(),
            'description': Request._get_remedy_description(reasons),
            'type_id': Request._get_remedy_type(self.company_id).id,
            'partner_id': self.partner_id.id,
            'unit_id': self.id,
            'company_id': self.company_id.id,
            'channel': 'other',
            'remedy_rule_ids': [remedy.rule.id for remedy in remedies],
        }
