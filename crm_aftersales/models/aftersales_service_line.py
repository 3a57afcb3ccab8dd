from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..coverage import COVERAGE_STATES, PAYERS, SERVICE_TYPES, share_price
from ..values import differs

#: what the service desk decides about; who only works fills in what was done
PRICE_FIELDS = {'price_unit', 'discount', 'tax_ids'}
#: what a coverage was judged by
JUDGED_FIELDS = {'type', 'product_id', 'quantity', 'product_uom_id', 'price_unit', 'discount'}
#: kept by the system: Check Coverage and the manager's override decide, nobody types it in
SYSTEM_FIELDS = {
    'payer',
    'customer_percent',
    'coverage_state',
    'coverage_reason',
    'warranty_id',
    'override_user_id',
    'override_reason',
    'override_date',
    'sale_line_id',
    'corrects_id',
    'currency_id',
    'currency_rate',
}
#: what a quotation says of a line
QUOTED_FIELDS = JUDGED_FIELDS | {
    'name',
    'tax_ids',
    'payer',
    'customer_percent',
    'coverage_reason',
}


class AftersalesServiceLine(models.Model):
    """What a service is made of, what it costs, and who pays how much of it.

    The price stays whole whoever pays; what is free for the customer is another payer's share.
    """

    _name = 'aftersales.service.line'
    _description = "Service Line"
    _inherit = ['crm.system.mixin']
    _order = 'request_id, sequence, id'
    _check_company_auto = True

    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        required=True,
        index=True,
        ondelete='cascade',
        check_company=True,
    )
    company_id = fields.Many2one(
        related='request_id.company_id', store=True, precompute=True, index=True
    )
    sequence = fields.Integer(default=10)
    display_type = fields.Selection(selection=[('line_section', "Section")])
    date = fields.Date(default=fields.Date.context_today, required=True)

    # === What was done ===
    product_id = fields.Many2one(
        comodel_name='product.product',
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        domain=[('type', '!=', 'combo')],
    )
    type = fields.Selection(
        selection=SERVICE_TYPES,
        compute='_compute_type',
        store=True,
        readonly=False,
        precompute=True,
        help="Warranties cover parts, labour and travel each in their own way, and no fees.",
    )
    name = fields.Text(
        string="Description",
        compute='_compute_name',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    quantity = fields.Float(digits='Product Unit', default=1.0, required=True)
    product_uom_id = fields.Many2one(
        comodel_name='uom.uom',
        string="Unit",
        compute='_compute_product_uom_id',
        store=True,
        readonly=False,
        precompute=True,
        ondelete='restrict',
    )

    # === Price ===
    currency_id = fields.Many2one(
        comodel_name='res.currency',
        compute='_compute_currency_id',
        store=True,
        precompute=True,
        copy=True,
        ondelete='restrict',
        help="Of the customer's pricelist when the line was entered, else of the company.",
    )
    currency_rate = fields.Float(
        compute='_compute_currency_rate',
        store=True,
        precompute=True,
        copy=True,
        digits=0,
        aggregator=None,
        help="Units of the currency for one of the company's, on the day of the line.",
    )
    price_unit = fields.Float(
        string="Unit Price",
        compute='_compute_price_unit',
        store=True,
        readonly=False,
        precompute=True,
        min_display_digits='Product Price',
        aggregator=None,
        help="Taken from the customer's pricelist once; changes of the pricelist leave it alone.",
    )
    discount = fields.Float(
        string="Discount (%)", digits='Discount', default=0.0, required=True, aggregator=None
    )
    tax_ids = fields.Many2many(
        comodel_name='account.tax',
        string="Taxes",
        compute='_compute_tax_ids',
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain=[('type_tax_use', '=', 'sale')],
    )
    amount_total = fields.Monetary(
        string="Price", compute='_compute_amounts', store=True, precompute=True
    )

    # === Who pays ===
    payer = fields.Selection(
        selection=PAYERS,
        required=True,
        default='customer',
        help="Who bears what the customer does not pay.",
    )
    customer_percent = fields.Float(
        string="Customer's Share (%)", digits=(5, 2), default=100.0, aggregator=None
    )
    amount_customer = fields.Monetary(
        string="Customer Pays",
        compute='_compute_amounts',
        store=True,
        precompute=True,
        help="With taxes only where prices include them.",
    )
    amount_other = fields.Monetary(
        string="Others Pay", compute='_compute_amounts', store=True, precompute=True
    )
    coverage_state = fields.Selection(
        selection=COVERAGE_STATES, string="Coverage", required=True, default='unchecked'
    )
    coverage_reason = fields.Text(
        string="Why", help="In the customer's language: he reads it on his quotation."
    )
    warranty_id = fields.Many2one(
        comodel_name='aftersales.warranty', index='btree_not_null', ondelete='set null'
    )
    override_user_id = fields.Many2one(
        comodel_name='res.users', string="Decided by", copy=False, ondelete='restrict'
    )
    override_reason = fields.Char(string="Reason of the Decision", copy=False)
    override_date = fields.Datetime(string="Decided on", copy=False)
    payer_reason = fields.Text(
        string="Reason",
        compute='_compute_payer_reason',
        help="What the manager who decided has written, else what the customer reads.",
    )

    # === Cost ===
    company_currency_id = fields.Many2one(
        related='company_id.currency_id', string="Company's Currency"
    )
    cost_unit = fields.Monetary(
        string="Unit Cost",
        compute='_compute_cost_unit',
        store=True,
        readonly=False,
        currency_field='company_currency_id',
        groups='crm_aftersales.group_manager',
        aggregator=None,
    )
    cost = fields.Monetary(
        compute='_compute_cost',
        store=True,
        currency_field='company_currency_id',
        groups='crm_aftersales.group_manager',
        help="What the line costs ourselves, whoever pays.",
    )

    _shares_add_up = models.Constraint(
        'CHECK(amount_customer + amount_other = amount_total)',
        "The shares of a line add up to its price.",
    )
    _customer_percent_range = models.Constraint(
        'CHECK(customer_percent BETWEEN 0 AND 100)', "The customer pays between 0 and 100 %."
    )
    _payer_shares = models.Constraint(
        "CHECK((payer = 'customer') = (customer_percent = 100))",
        "Where the customer does not pay everything, somebody else pays the rest.",
    )
    _discount_range = models.Constraint(
        'CHECK(discount BETWEEN 0 AND 100)', "A discount is between 0 and 100 %."
    )
    _quantity_positive = models.Constraint(
        'CHECK(quantity >= 0 OR corrects_id IS NOT NULL)',
        "A quantity is not negative: whoever gives something back corrects the line.",
    )
    # what is larger is a slip of the keys, and cents get lost in it
    _quantity_bounded = models.Constraint(
        'CHECK(abs(quantity) <= 1000000)', "A quantity is at most one million."
    )
    _price_positive = models.Constraint('CHECK(price_unit >= 0)', "A price is not negative.")
    _product_known = models.Constraint(
        'CHECK(display_type IS NOT NULL OR (product_id IS NOT NULL AND type IS NOT NULL))',
        "Choose the product or service of each line.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('product_id')
    def _compute_type(self):
        for line in self:
            if line.product_id:
                line.type = 'labour' if line.product_id.type == 'service' else 'part'

    @api.depends('product_id')
    def _compute_name(self):
        for line in self:
            if line.product_id:
                lang = line.request_id.partner_id.lang
                product = line.product_id.with_context(lang=lang or self.env.lang)
                line.name = product.get_product_multiline_description_sale()

    @api.depends('product_id')
    def _compute_product_uom_id(self):
        for line in self:
            line.product_uom_id = line.product_id.uom_id

    @api.depends('request_id')
    def _compute_currency_id(self):
        for line in self:
            request = line.request_id
            currency = line.currency_id or request._get_service_pricelist().currency_id
            line.currency_id = currency or request.company_id.currency_id

    @api.depends('currency_id', 'date')
    def _compute_currency_rate(self):
        for line in self:
            line.currency_rate = self.env['res.currency']._get_conversion_rate(
                line.company_id.currency_id or line.currency_id,
                line.currency_id,
                line.company_id,
                line.date or fields.Date.context_today(line),
            )

    @api.depends('product_id', 'product_uom_id')
    def _compute_price_unit(self):
        # Depends on what was chosen, on purpose not on the pricelist: a price told stays.
        for line in self:
            if line.product_id:
                line.price_unit = line._get_list_price()

    def _get_list_price(self) -> float:
        """Return the price of one unit by the customer's pricelist, in the line's currency."""
        self.ensure_one()
        return self.request_id._get_service_pricelist()._get_product_price(
            self.product_id.with_company(self.company_id),
            quantity=self.quantity or 1.0,
            currency=self.currency_id,
            uom=self.product_uom_id,
            date=fields.Datetime.now(),
        )

    @api.depends('product_id')
    def _compute_tax_ids(self):
        for line in self:
            company = line.company_id
            taxes = line.product_id.sudo().taxes_id._filter_taxes_by_company(company)
            position = (
                self.env['account.fiscal.position']
                .sudo()
                .with_company(company)
                ._get_fiscal_position(line.request_id.partner_id)
            )
            line.tax_ids = position.map_tax(taxes)

    @api.depends('quantity', 'price_unit', 'discount', 'customer_percent', 'currency_id')
    def _compute_amounts(self):
        for line in self:
            shares = share_price(
                line.currency_id,
                0.0 if line.display_type else line.quantity,
                line.price_unit,
                line.discount,
                line.customer_percent,
            )
            line.amount_total = shares.total
            line.amount_customer = shares.customer
            line.amount_other = shares.other

    @api.depends('override_reason', 'coverage_reason')
    def _compute_payer_reason(self):
        for line in self:
            line.payer_reason = line.override_reason or line.coverage_reason

    @api.depends('product_id', 'product_uom_id')
    def _compute_cost_unit(self):
        for line in self:
            product = line.product_id.with_company(line.company_id)
            cost = product.standard_price
            if product and line.product_uom_id:
                cost = product.uom_id._compute_price(cost, line.product_uom_id)
            line.cost_unit = cost

    @api.depends('quantity', 'cost_unit')
    def _compute_cost(self):
        for line in self:
            line.cost = 0.0 if line.display_type else line.cost_unit * line.quantity

    @api.depends('name', 'request_id.number')
    def _compute_display_name(self):
        for line in self:
            first = (line.name or '').splitlines()[:1]
            line.display_name = " · ".join(filter(None, [line.request_id.number, *first]))

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._ensure_may_price(vals)
        lines = super().create(vals_list)
        lines.sudo().mapped('cost')  # what it costs now, not when somebody looks
        return lines

    def write(self, vals):
        self._ensure_may_price(vals)
        if QUOTED_FIELDS & vals.keys():
            self._claim_quotations()
        self._ensure_not_locked(vals)
        result = super().write(vals)
        if JUDGED_FIELDS & vals.keys():
            self.filtered(lambda line: line.coverage_state != 'unchecked')._check_coverage()
        if QUOTED_FIELDS & vals.keys():
            self._update_draft_order_lines()
        return result

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | SYSTEM_FIELDS

    @api.model
    def _get_system_fields_text(self, labels):
        return self.env._(
            "%(fields)s: Check Coverage decides who pays, and a manager can override it with a"
            " reason.",
            fields=labels,
        )

    def _ensure_may_price(self, vals: dict) -> None:
        """Refuse prices of those who only enter what was done.

        :raise AccessError: a price is among the values
        """
        if self.env.su or self.env.user.has_group('crm_aftersales.group_all'):
            return
        given = {
            name
            for name in PRICE_FIELDS & vals.keys()
            if not self or any(differs(line, name, vals[name]) for line in self)
        }
        if given:
            labels = [self._fields[name]._description_string(self.env) for name in sorted(given)]
            raise AccessError(
                self.env._(
                    "%(fields)s: prices come from the pricelist; the service desk changes them.",
                    fields=labels,
                )
            )

    def _claim_quotations(self) -> None:
        """Keep these lines from changing while their quotation is being sent, and the reverse."""
        quoted = self.sudo().filtered(lambda line: line.sale_order_id.state == 'draft')
        quoted.request_id._bump_version()

    def _ensure_not_locked(self, vals: dict) -> None:
        """Refuse to change a line under what the customer has been told.

        :raise UserError: a line was quoted, or corrected, and would change
        """
        names = QUOTED_FIELDS & vals.keys()
        for line in self.filtered('is_locked') if names else ():
            if any(differs(line, name, vals[name]) for name in names):
                raise UserError(line._get_locked_text())

    def _get_locked_text(self) -> str:
        """Return why a line cannot be changed any more, and what to do instead."""
        self.ensure_one()
        order = self.sudo().sale_order_id
        if self.corrects_id or self.corrected_by_ids:
            return self.env._("“%s” is part of a correction and stays as it is.", self.name)
        if order.state == 'sent':
            return self.env._(
                "“%(line)s” stands on quotation %(order)s, which the customer has. Cancel the"
                " quotation, change the line and quote it again.",
                line=self.name,
                order=order.name,
            )
        return self.env._(
            "“%(line)s” stands on order %(order)s. A manager can still decide who pays: the"
            " difference becomes a correction.",
            line=self.name,
            order=order.name,
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        for line in self.filtered('is_locked'):
            raise UserError(line._get_locked_text())

    def unlink(self):
        """Take the lines off quotations that nobody has seen yet, too."""
        self._claim_quotations()
        quoted = self.sudo().sale_line_id.filtered(lambda line: line.order_id.state == 'draft')
        orders = quoted.order_id
        result = super().unlink()
        quoted.unlink()
        orders._settle_aftersales_rounding()
        return result
