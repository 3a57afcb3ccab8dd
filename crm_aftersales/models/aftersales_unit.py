from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.crm_customer.timeline import TimelineText

from ..numbering import Numbering
from ..texts import normalise_number


class AftersalesUnit(models.Model):
    """One piece of a product in the hands of a customer, with its serial number and warranty."""

    _name = 'aftersales.unit'
    _description = "Customer Product"
    _inherit = ['crm.import.mixin', 'portal.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _rec_names_search = ['ref', 'serial', 'name']
    _check_company_auto = True
    _mail_post_access = 'read'

    # === Identity ===
    ref = fields.Char(
        string="Reference",
        required=True,
        readonly=True,
        copy=False,
        index='trigram',
        default=lambda self: self.env._("New"),
    )
    name = fields.Char(
        compute='_compute_name',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index='trigram',
        help="What the customer calls it; the product's name unless changed.",
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        required=True,
        index=True,
        check_company=True,
        domain=[('type', '!=', 'combo')],
        tracking=True,
    )
    serial = fields.Char(string="Serial Number", copy=False, tracking=True)
    serial_norm = fields.Char(
        string="Normalised Serial Number",
        compute='_compute_serial_norm',
        store=True,
        precompute=True,
        index='trigram',
        help="The serial number in capitals without spaces and dashes; what makes it unique.",
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    active = fields.Boolean(default=True)
    state = fields.Selection(
        selection=[
            ('draft', "To Deliver"),
            ('active', "In Use"),
            ('in_service', "In Service"),
            ('loaned', "On Loan"),
            ('retired', "Retired"),
        ],
        required=True,
        default='active',
        copy=False,
        tracking=True,
    )

    # === Owner ===
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Owner", required=True, index=True, tracking=True
    )
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id', string="Commercial Owner", store=True
    )

    # === Origin: the order may be a former owner's, which the portal must not tell ===
    date_delivered = fields.Date(string="Delivered on", copy=False, tracking=True)
    sale_line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string="Order Line",
        copy=False,
        readonly=True,
        index='btree_not_null',
        groups='base.group_user',
    )
    sale_line_position = fields.Integer(
        string="Piece of the Order Line",
        copy=False,
        readonly=True,
        groups='base.group_user',
        help="The n-th piece of the ordered quantity: a line never yields the same piece twice.",
    )
    sale_order_id = fields.Many2one(
        related='sale_line_id.order_id',
        string="Sales Order",
        store=True,
        index='btree_not_null',
        groups='base.group_user',
    )

    # === Service ===
    note = fields.Html(string="Internal Notes", groups='base.group_user')
    request_ids = fields.One2many(
        comodel_name='aftersales.request', inverse_name='unit_id', string="Requests"
    )
    request_count = fields.Integer(compute='_compute_request_count')

    _serial_unique = models.UniqueIndex(
        "(product_id, serial_norm, company_id)"
        " WHERE serial_norm IS NOT NULL AND state <> 'retired'",
        "This serial number of the product is already registered.",
    )
    _sale_line_position_unique = models.UniqueIndex(
        '(sale_line_id, sale_line_position) WHERE sale_line_id IS NOT NULL',
        "The customer products of this order were created in the meantime. Please reload.",
    )
    _ref_unique = models.UniqueIndex(
        '(company_id, ref)', "This reference is already used in the company."
    )
    _owner_idx = models.Index('(commercial_partner_id, state)')

    # ------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------

    @api.depends('product_id')
    def _compute_name(self):
        for unit in self:
            unit.name = unit.product_id.name

    @api.depends('serial')
    def _compute_serial_norm(self):
        for unit in self:
            unit.serial_norm = self._normalise_serial(unit.serial)

    @api.model
    def _normalise_serial(self, serial: str | bool) -> str | bool:
        """Return the serial number as it is compared: customers type it in every possible way."""
        return normalise_number(serial, r'[\s\-‐-―−_]+')

    @api.depends('ref', 'name', 'serial')
    def _compute_display_name(self):
        for unit in self:
            unit.display_name = " · ".join(filter(None, [unit.name, unit.serial or unit.ref]))

    def _compute_request_count(self):
        counts = dict(
            self.env['aftersales.request']._read_group(
                [('unit_id', 'in', self.ids)], ['unit_id'], ['__count']
            )
        )
        for unit in self:
            unit.request_count = counts.get(unit, 0)

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for unit in self:
            unit.access_url = f'/my/equipment/{unit.id}'
        return result

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        numbering, Company = Numbering(self.env, 'aftersales.unit'), self.env['res.company']
        numbered = []
        for vals in map(self._clean_serial, vals_list):
            company = Company.browse(vals.get('company_id')) or self.env.company
            numbered.append({**vals, 'ref': vals.get('ref') or numbering.draw(company)})
        return super().create(numbered)

    def write(self, vals):
        if 'company_id' in vals:
            self._ensure_can_change_company(vals['company_id'])
        return super().write(self._clean_serial(vals))

    @api.model
    def _clean_serial(self, vals: dict) -> dict:
        """Return the values without the blanks around a serial number; blanks alone are none."""
        if not vals.get('serial'):
            return vals
        return {**vals, 'serial': str(vals['serial']).strip() or False}

    def _ensure_can_change_company(self, company_id: int) -> None:
        """Refuse to take a product away from what belongs to its company."""
        units = self.filtered(lambda unit: unit.company_id.id != company_id).sudo()
        if units.request_ids or units.warranty_ids or units.meter_reading_ids:
            raise UserError(
                self.env._(
                    "A customer product with warranties, requests or readings stays in its company."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_requests(self):
        if (
            self.env['aftersales.request']
            .sudo()
            .search_count([('unit_id', 'in', self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A customer product with service requests is part of the customer's history."
                    " Retire it instead of deleting it."
                )
            )

    # ------------------------------------------------------------
    # Time line
    # ------------------------------------------------------------

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these products."""
        states = dict(self._fields['state']._description_selection(self.env))
        return {
            unit.id: TimelineText(
                title=unit.display_name,
                body=unit._get_warranty_text(),
                state=states[unit.state],
            )
            for unit in self
        }

    def _get_warranty_text(self) -> str:
        """Return the warranty in a few words."""
        self.ensure_one()
        if not self.warranty_end:
            return ''
        return self.env._("Warranty until %(date)s", date=format_date(self.env, self.warranty_end))

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    def action_deliver(self):
        """Hand the product to the customer today: it is in use and its warranty starts."""
        for unit in self.filtered(lambda unit: unit.state == 'draft'):
            delivered = unit.date_delivered or unit._get_customer_day()
            unit.write({'state': 'active', 'date_delivered': delivered})

    def action_retire(self):
        """Take the product out of use; its serial number may be registered again."""
        self.state = 'retired'
        # The unique index has to know before the same serial number is inserted again.
        self.flush_recordset(['state'])

    def _withdraw(self) -> None:
        """Take back pieces whose sale fell through: out of use, and without warranty."""
        self.write({'state': 'retired', 'date_delivered': False, 'warranty_start': False})
        # as in ``action_retire``
        self.flush_recordset(['state'])

    def _restore(self) -> None:
        """Give pieces back to the customer whose order was confirmed again after all."""
        for unit in self:
            delivered = unit.sale_line_id._get_unit_delivery_date()
            unit.write({'state': 'active' if delivered else 'draft', 'date_delivered': delivered})

    def action_create_request(self) -> dict:
        """Open a new request about this product.

        :return: window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New Request"),
            'res_model': 'aftersales.request',
            'view_mode': 'form',
            'context': {'default_unit_id': self.id, 'default_partner_id': self.partner_id.id},
        }

    def action_view_requests(self) -> dict:
        """Open the requests about this product.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_request_action'
        )
        action['domain'] = [('unit_id', '=', self.id)]
        action['context'] = {
            'default_unit_id': self.id,
            'default_partner_id': self.partner_id.id,
        }
        return self.env['aftersales.request']._show_as_cards(action)
