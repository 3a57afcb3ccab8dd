from __future__ import annotations

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_date

from ..warranty import LAYERS, START_EVENTS, UNIT_LAYERS

#: what a warranty was granted with
FROZEN_FIELDS = {
    'unit_id',
    'layer',
    'company_id',
    'terms',
    'months',
    'start_event',
    'date_start',
    'date_end',
    'meter_start',
    'meter_end',
    'part_product_id',
}
#: what has become of a warranty for good: no event grants it again
DECIDED = {'declared', 'transfer', 'replaced'}
#: no request from outside can bring this very object along in its context
EXTENDING = object()


class AftersalesWarranty(models.Model):
    """What was promised to a customer for one product, frozen when it was granted.

    Neither a policy nor a product nor a calendar that changes later changes it. Where a date was
    wrong, the warranty is void and another one takes its place.
    """

    _name = 'aftersales.warranty'
    _description = "Warranty"
    _inherit = ['crm.system.mixin']
    _order = 'date_start, id'
    _check_company_auto = True

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        required=True,
        index=True,
        ondelete='cascade',
        check_company=True,
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    product_id = fields.Many2one(related='unit_id.product_id', store=True, index=True)
    partner_id = fields.Many2one(related='unit_id.partner_id', string="Owner")
    layer = fields.Selection(selection=LAYERS, required=True, default='base')
    policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        index='btree_not_null',
        ondelete='set null',
        groups='base.group_user',
        help="Where the terms were copied from.",
    )
    terms = fields.Json(
        required=True,
        groups='base.group_user',
        help="Copied from the policy; changes there change nothing.",
    )

    terms_text = fields.Text(
        string="Terms in Words", compute='_compute_terms_text', compute_sudo=True
    )

    # === How long ===
    months = fields.Integer()
    start_event = fields.Selection(
        selection=[
            *START_EVENTS,
            ('manual', "Stated"),
            ('replacement', "Replacement"),
            ('repair', "Repair"),
            ('chained', "End of the One before"),
        ],
        string="Started with",
    )
    date_start = fields.Date(string="From")
    date_end = fields.Date(string="Until", help="Last day covered.")
    meter_start = fields.Float(help="What the meter showed at the start.")
    meter_end = fields.Float(
        string="Meter Limit", help="Where the warranty ends by the meter. Zero: by days alone."
    )
    repair_days = fields.Integer(
        string="Days Added", help="Days in repair by which the warranty became longer."
    )

    # === What it is for: the order and request may be a former owner's ===
    part_product_id = fields.Many2one(
        comodel_name='product.product',
        string="Part",
        index='btree_not_null',
        help="The part the warranty of a repair is for.",
    )
    sale_line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string="Order Line",
        index='btree_not_null',
        groups='base.group_user',
    )
    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        index='btree_not_null',
        groups='base.group_user',
    )

    # === What became of it ===
    state = fields.Selection(
        selection=[
            ('draft', "Not Started"),
            ('active', "Granted"),
            ('transferred', "Ended by Transfer"),
            ('void', "Void"),
        ],
        required=True,
        default='active',
    )
    reason = fields.Char(
        groups='base.group_user', help="Why it is void, ended, or has not started."
    )
    ended_by = fields.Selection(
        selection=[
            ('corrected', "Correction"),
            ('withdrawn', "Taken Back"),
            ('unsold', "Cancelled or Refunded"),
            ('declared', "Declared Void"),
            ('transfer', "Another Owner"),
            ('replaced', "Replacement"),
        ],
        groups='base.group_user',
        copy=False,
        help="Whether an event may grant the warranty again: not after the last three.",
    )
    date_ended = fields.Date(
        string="Ended on", groups='base.group_user', help="First day on which it was void."
    )
    status = fields.Selection(
        selection=[
            ('draft', "Not Started"),
            ('future', "Starts Later"),
            ('running', "Running"),
            ('expired', "Expired"),
            ('transferred', "Ended by Transfer"),
            ('void', "Void"),
        ],
        compute='_compute_status',
        search='_search_status',
        help="What it is worth today, by the calendar.",
    )

    _dates_order = models.Constraint(
        'CHECK(date_end >= date_start)', "A warranty does not end before it starts."
    )
    _dates_known = models.Constraint(
        "CHECK(state NOT IN ('active', 'transferred')"
        " OR (date_start IS NOT NULL AND date_end IS NOT NULL))",
        "A warranty that was granted has a first and a last day.",
    )
    _meter_order = models.Constraint(
        'CHECK(meter_end = 0 OR meter_end >= meter_start)',
        "A warranty does not end before it starts.",
    )
    _base_unique = models.UniqueIndex(
        "(unit_id) WHERE layer = 'base' AND state = 'active'",
        "Somebody else has just granted the warranty of this product. Please reload.",
    )
    _repair_unique = models.UniqueIndex(
        "(unit_id) WHERE layer = 'statutory' AND start_event = 'repair' AND state = 'active'",
        "Somebody else has just granted the warranty of this product. Please reload.",
    )
    _unit_end_idx = models.Index('(unit_id, date_end)')
    _end_idx = models.Index("(company_id, date_end) WHERE state = 'active'")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('layer', 'unit_id', 'part_product_id')
    def _compute_display_name(self):
        layers = dict(self._fields['layer']._description_selection(self.env))
        for warranty in self:
            about = warranty.part_product_id.display_name or warranty.unit_id.display_name
            warranty.display_name = f'{layers.get(warranty.layer)} · {about}'

    @api.depends('terms', 'meter_end')
    @api.depends_context('lang')
    def _compute_terms_text(self):
        for warranty in self:
            warranty.terms_text = '\n'.join(warranty._get_terms_texts())

    @api.depends('state', 'date_start', 'date_end')
    def _compute_status(self):
        for warranty in self:
            today = warranty.unit_id.sudo()._get_customer_day()
            if warranty.state != 'active':
                warranty.status = warranty.state
            elif warranty.date_start > today:
                warranty.status = 'future'
            else:
                warranty.status = 'running' if warranty.date_end >= today else 'expired'

    def _search_status(self, operator, value):
        """Find by the day of who searches: to the customer's own it is some hours at most."""
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        active = Domain('state', '=', 'active')
        domains = {
            'future': active & Domain('date_start', '>', today),
            'running': active & Domain('date_start', '<=', today) & Domain('date_end', '>=', today),
            'expired': active & Domain('date_end', '<', today),
        }
        return Domain.OR(domains.get(state, Domain('state', '=', state)) for state in value)

    # ------------------------------------------------------------
    # FROZEN
    # ------------------------------------------------------------

    @api.model
    def _get_system_fields(self):
        ends = {'state', 'reason', 'ended_by', 'date_ended'}
        names = {'repair_days', 'policy_id', 'sale_line_id'}
        return super()._get_system_fields() | FROZEN_FIELDS | ends | names

    def write(self, vals):
        extending = self.env.context.get('extending') is EXTENDING
        # who is no program of ours writes nothing anyway
        if self.env.su and FROZEN_FIELDS & vals.keys() and not extending:
            self._ensure_not_granted()
        return super().write(vals)

    def _ensure_not_granted(self) -> None:
        if self.filtered(lambda warranty: warranty.state != 'draft'):
            raise UserError(
                self.env._(
                    "A warranty that was granted does not change any more. Declare it void, and"
                    " grant another one."
                )
            )

    def _ensure_can_grant(self) -> None:
        if not (self.env.su or self.env.user.has_group('crm_aftersales.group_all')):
            raise AccessError(
                self.env._("Only the service desk grants warranties or declares them void.")
            )

    # ------------------------------------------------------------
    # WHAT BECOMES OF IT
    # ------------------------------------------------------------

    def _get_unit_layers(self):
        """Return those granted for the whole product, whose last day is the product's."""
        return self.filtered(
            lambda warranty: warranty.state == 'active' and warranty.layer in UNIT_LAYERS
        )

    def _is_alive(self) -> bool:
        """Whether the warranty was promised and has not been ended."""
        self.ensure_one()
        return self.state in ('draft', 'active')

    def _end(
        self,
        reason: str,
        state: str = 'void',
        day: date | None = None,
        *,
        ended_by: str = 'declared',
    ) -> None:
        """Let warranties end, with a reason.

        :param state: 'void', as if it had never been, or 'transferred', from the day on; what has
            not started is void in any case
        :param day: first day without it, today when left out
        :param ended_by: what made it end; see :data:`DECIDED`
        """
        alive = self.filtered(lambda warranty: warranty._is_alive())
        waiting = alive.filtered(lambda warranty: warranty.state == 'draft')
        vals = {
            'reason': reason,
            'date_ended': day or fields.Date.context_today(self),
            'ended_by': ended_by,
        }
        waiting.write({**vals, 'state': 'void'})
        (alive - waiting).write({**vals, 'state': state})
        waiting.unit_id._settle_inspections()

    def _extend(self, days: int, reason: str) -> None:
        """Make warranties longer by the days their own terms give, such as days in repair.

        :param days: days added
        :param reason: kept with the warranty
        """
        for warranty in self.with_context(extending=EXTENDING):
            warranty.write(
                {
                    'date_end': fields.Date.add(warranty.date_end, days=days),
                    'repair_days': warranty.repair_days + days,
                    'reason': reason,
                }
            )

    def _postpone(self, days: int) -> None:
        """Let warranties begin later that follow one that became longer."""
        for warranty in self.with_context(extending=EXTENDING):
            warranty.write(
                {
                    'date_start': fields.Date.add(warranty.date_start, days=days),
                    'date_end': fields.Date.add(warranty.date_end, days=days),
                }
            )

    def _get_meter_left(self, day: date) -> float:
        """Return how far the meter may still run from a day on."""
        self.ensure_one()
        total = self.unit_id._get_meter_total(day) or 0
        return max(self.meter_end - max(total, self.meter_start), 0)

    def _get_unused_share(self, day: date) -> float:
        """Return the share of the days that are still to come, for refunds in proportion.

        :return: between 0 and 1
        """
        self.ensure_one()
        if self.state == 'draft':
            return 1
        days = (self.date_end - self.date_start).days + 1
        left = (self.date_end - max(day, self.date_start)).days + 1
        return max(left, 0) / days

    # ------------------------------------------------------------
    # IN WORDS
    # ------------------------------------------------------------

    def _get_term_name(self, names: dict[str, str]) -> str:
        """Return a name kept in the terms, in the reader's language."""
        return names.get(self.env.lang) or names.get('en_US') or next(iter(names.values()), '')

    def _get_terms_texts(self) -> list[str]:
        """Return what the terms say, a sentence each, in the reader's language."""
        self.ensure_one()
        terms = self.terms or {}
        texts = [self._get_rule_text(rule) for rule in terms.get('rules', ())]
        if self.meter_end:
            texts.append(
                self.env._(
                    "Ends before when the meter shows %(limit)s.", limit=self._format_meter()
                )
            )
        if not terms.get('transferable', True):
            texts.append(self.env._("Ends when the product is handed over to another owner."))
        if terms.get('repair_time') == 'extends':
            texts.append(self.env._("Days in repair make it longer."))
        return texts

    def _get_rule_text(self, rule: dict) -> str:
        """Return what one rule of the terms says."""
        name = self._get_term_name(rule['name'])
        if rule['excluded']:
            return self.env._("%(what)s: not covered.", what=name)
        if rule['months']:
            return self.env._(
                "%(what)s: %(percent)g%% for %(months)s months.",
                what=name,
                percent=rule['percent'],
                months=rule['months'],
            )
        return self.env._("%(what)s: %(percent)g%%.", what=name, percent=rule['percent'])

    def _format_meter(self, value: float | None = None) -> str:
        """Return a total of the meter as it is read: the limit when left out."""
        value = self.meter_end if value is None else value
        meter = self.unit_id.sudo().meter_type_id.with_env(self.env)
        if meter:
            return meter._format(value)
        return (
            self.env['res.lang']
            ._lang_get(self.env.lang or 'en_US')
            .format('%.0f', value, grouping=True)
        )

    def _get_period_text(self) -> str:
        """Return from when until when, in the reader's language."""
        self.ensure_one()
        return self.env._(
            "%(start)s to %(end)s",
            start=format_date(self.env, self.date_start),
            end=format_date(self.env, self.date_end),
        )
