from __future__ import annotations

from odoo import api, models

from ..importing import ImportColumn, ImportTemplate


class CrmImport(models.Model):
    """The templates of this addon."""

    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [
            *super()._get_import_templates(),
            self._prepare_customer_template(),
            self._prepare_product_template(),
            self._prepare_order_template(),
            self._prepare_occasion_template(),
            self._prepare_note_template(),
        ]

    @api.model
    def _prepare_customer_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='customers',
            name=self.env._("Customers"),
            model='res.partner',
            customer='',
            columns=(
                *self._prepare_contact_columns(),
                *self._prepare_address_columns(),
                *self._prepare_file_columns(),
                *self._prepare_birthday_columns(),
            ),
            examples=self._get_customer_examples(),
        )

    @api.model
    def _prepare_contact_columns(self) -> tuple[ImportColumn, ...]:
        """Return the columns of who a customer is."""
        own_number = self.env._("Your own number of it; with the same number it is updated.")
        return (
            ImportColumn('id', self.env._("External ID"), help=own_number),
            ImportColumn(
                'name',
                self.env._("Name"),
                required=True,
                aliases=("姓名", "客户名称", "客戶名稱"),
            ),
            ImportColumn('is_company', self.env._("Is a Company"), help=self.env._("yes or no")),
            ImportColumn(
                'parent_id/id',
                self.env._("Related Company/External ID"),
                help=self.env._("External ID of the company this person works for."),
            ),
            ImportColumn('vat', self.env._("Tax ID"), aliases=("税号", "統一編號")),
        )

    @api.model
    def _prepare_address_columns(self) -> tuple[ImportColumn, ...]:
        """Return the columns of how a customer is reached."""
        return (
            ImportColumn('email', self.env._("Email"), aliases=("E-Mail", "邮箱", "電子郵件")),
            ImportColumn(
                'phone',
                self.env._("Phone"),
                aliases=("Mobile", "手机", "手机号", "手機", "电话"),
            ),
            ImportColumn('street', self.env._("Street"), aliases=("地址",)),
            ImportColumn('city', self.env._("City")),
            ImportColumn('zip', self.env._("Zip")),
            ImportColumn('country_id', self.env._("Country")),
            ImportColumn('comment', self.env._("Notes")),
        )

    @api.model
    def _prepare_file_columns(self) -> tuple[ImportColumn, ...]:
        """Return the columns of the customer file: what the customer is to us."""
        return (
            self._prepare_field_column('customer_file_kind'),
            self._prepare_field_column('customer_type_id', aliases=("客户类型", "客戶類型")),
            self._prepare_field_column('customer_class_id', aliases=("客户等级", "客戶等級")),
            self._prepare_field_column('customer_status_id', aliases=("客户状态", "客戶狀態")),
            self._prepare_field_column(
                'customer_lang_ids', help=self.env._("Codes or names, as: zh_CN, en")
            ),
            self._prepare_field_column('customer_tz_choice'),
            self._prepare_field_column('group_heads'),
            self._prepare_field_column('group_needs'),
            self._prepare_field_column('supplier_kind'),
            self._prepare_field_column('supplier_market'),
            self._prepare_field_column('supplier_strength'),
        )

    @api.model
    def _prepare_birthday_columns(self) -> tuple[ImportColumn, ...]:
        return (
            self._prepare_field_column('birth_year', aliases=("出生年",)),
            self._prepare_field_column('birth_month', aliases=("出生月",)),
            self._prepare_field_column('birth_day', aliases=("出生日",)),
            self._prepare_field_column('birth_calendar'),
            self._prepare_field_column('birth_leap_month'),
        )

    @api.model
    def _prepare_field_column(
        self, name: str, aliases: tuple[str, ...] = (), help: str = ''
    ) -> ImportColumn:
        """Return the column of a field of the contact, in the field's own words.

        :param help: in place of what the field says
        """
        field = self.env['res.partner']._fields[name]
        return ImportColumn(
            name,
            field._description_string(self.env),
            aliases=aliases,
            help=help or field._description_help(self.env) or '',
        )

    @api.model
    def _get_customer_examples(self) -> tuple[tuple[str, ...], ...]:
        return (
            ('C-1001', "杭州凌华精密机械有限公司", '1', '', '', 'service@linghua.example.com',
             '+86 571 5555 0188', "江南大道 588 号", "杭州", '310051', "China", '',
             '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''),
            ('C-1002', "陈雅婷", '0', 'C-1001', '', 'chen.yating@linghua.example.com',
             '+86 571 5555 0123', '', '', '', '', '',
             'person', '', '', '', 'zh_CN, en', '', '', '', '', '', '',
             '1988', '6', '3', 'lunar', '0'),
            ('C-1003', "Harbour Street Books", '1', '', '', 'hello@harbourstreet.example.com',
             '+44 117 496 0123', "12 Harbour Street", "Bristol", 'BS1 4RW', "United Kingdom",
             "Opens a second shop in spring",
             '', '', '', '', 'en', 'Europe/London', '', '', '', '', '', '', '', '', '', ''),
            ('C-1004', "Sunflower Kindergarten", '1', '', '', '', '+44 117 496 0177', '', '', '',
             '', '', 'group', '', '', '', '', '', '42', "Lunch for all at twelve", '', '', '',
             '', '', '', '', ''),
        )  # fmt: skip

    @api.model
    def _prepare_product_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='products',
            name=self.env._("Products"),
            model='product.template',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                ImportColumn('name', self.env._("Name"), required=True),
                ImportColumn(
                    'default_code',
                    self.env._("Internal Reference"),
                    help=self.env._("Past orders find the product by it."),
                ),
                ImportColumn('barcode', self.env._("Barcode")),
                ImportColumn(
                    'type', self.env._("Product Type"), help=self.env._("Goods or Service")
                ),
                ImportColumn('list_price', self.env._("Sales Price")),
                ImportColumn('standard_price', self.env._("Cost")),
            ),
            examples=(
                ('P-2001', "Desk Lamp", 'LAMP-01', '', "Goods", '49', '21.5'),
                ('P-2002', "办公椅", 'CHAIR-07', '', "Goods", '899', '410'),
            ),
        )

    @api.model
    def _prepare_order_template(self) -> ImportTemplate:
        line = self.env._("A further line of the same order leaves the columns of the order empty.")
        return ImportTemplate(
            code='past_orders',
            name=self.env._("Past Orders"),
            model='sale.order',
            # beside Inventory a confirmed line would ship its goods once more
            context={'skip_procurement': True},
            columns=(
                ImportColumn('id', self.env._("External ID"), required=True, help=line),
                ImportColumn('name', self.env._("Order Reference")),
                ImportColumn('partner_id/id', self.env._("Customer/External ID"), required=True),
                ImportColumn(
                    'date_order',
                    self.env._("Order Date"),
                    required=True,
                    help=self.env._("In your time zone; a day alone means noon."),
                ),
                ImportColumn(
                    'state',
                    self.env._("Status"),
                    required=True,
                    help=self.env._("sale for an order that was confirmed."),
                ),
                ImportColumn('order_line/id', self.env._("Order Lines/External ID")),
                ImportColumn(
                    'order_line/product_id', self.env._("Order Lines/Product"), required=True
                ),
                ImportColumn('order_line/product_uom_qty', self.env._("Order Lines/Quantity")),
                ImportColumn('order_line/price_unit', self.env._("Order Lines/Unit Price")),
                ImportColumn(
                    'order_line/tax_ids',
                    self.env._("Order Lines/Taxes"),
                    help=self.env._("Empty means none."),
                ),
            ),
            examples=(
                ('O-3001', 'OLD-3001', 'C-1001', '2025-03-14 12:00', 'sale', 'O-3001-1',
                 'CHAIR-07', '4', '899', ''),
                ('', '', '', '', '', 'O-3001-2', 'LAMP-01', '1', '60', ''),
            ),
        )  # fmt: skip

    @api.model
    def _prepare_occasion_template(self) -> ImportTemplate:
        day = self.env._("In your time zone; a day alone means noon.")
        return ImportTemplate(
            code='occasions',
            name=self.env._("Stays and Appointments"),
            model='crm.occasion',
            customer='partner_id',
            key=('type_id', 'reference'),
            columns=(
                ImportColumn('type_id', self.env._("Type"), help=self.env._("Stay, Appointment …")),
                ImportColumn(
                    'reference',
                    self.env._("Reference"),
                    help=self.env._("Its number where it comes from; it is found again by it."),
                ),
                *self._prepare_customer_columns(),
                ImportColumn('date_from', self.env._("Expected from"), required=True, help=day),
                ImportColumn('date_to', self.env._("Expected until"), help=day),
                ImportColumn('place', self.env._("Place"), aliases=("Room", "房号")),
                ImportColumn('companion_count', self.env._("Companions")),
                ImportColumn('companions', self.env._("Who Comes Along")),
                ImportColumn('amount', self.env._("Amount")),
                ImportColumn('note', self.env._("Notes")),
                ImportColumn(
                    'state',
                    self.env._("Status"),
                    help=self.env._("Expected, Here, Left, Did Not Come or Cancelled."),
                ),
                ImportColumn('arrived_at', self.env._("Arrived")),
                ImportColumn('left_at', self.env._("Left")),
            ),
            examples=(
                ("Stay", 'RES-20001', '', "李娜", '+86 138 0013 8000', 'li.na@mail.example.com',
                 '2026-04-10 14:00', '2026-04-12 12:00', '1208', '1', "张伟", '1360', "荞麦枕",
                 "Expected", '', ''),
                ("Appointment", 'APP-318', '', "陳美玲", '+886 2 5550 0199', '',
                 '2026-04-10 10:00', '2026-04-10 11:00', "Meeting room 2", '', '', '', '', '', '',
                 ''),
            ),
        )  # fmt: skip

    @api.model
    def _prepare_customer_columns(self) -> tuple[ImportColumn, ...]:
        """Return the columns by which a customer is found, or made; for other templates too."""
        return (
            ImportColumn('partner_id/id', self.env._("Customer/External ID")),
            ImportColumn(
                'partner_id/name',
                self.env._("Customer Name"),
                aliases=("Guest", "客人", "姓名"),
                help=self.env._("Of a customer who is not known by phone or e-mail yet."),
            ),
            ImportColumn(
                'partner_id/phone', self.env._("Customer Phone"), aliases=("Mobile", "手机", "手機")
            ),
            ImportColumn('partner_id/email', self.env._("Customer Email"), aliases=("邮箱",)),
        )

    @api.model
    def _prepare_note_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='notes',
            name=self.env._("Notes on Customers"),
            model='crm.customer.note',
            customer='partner_id',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                *self._prepare_customer_columns(),
                ImportColumn('category_id', self.env._("Category")),
                ImportColumn('text', self.env._("Note"), required=True),
                ImportColumn('date', self.env._("Date")),
                ImportColumn(
                    'visibility',
                    self.env._("Visible to"),
                    help=self.env._("Empty: as the category says."),
                ),
            ),
            examples=(
                ('', '', "李娜", '+86 138 0013 8000', '', '', "荞麦枕", '2025-11-02', ''),
                ('', '', "Emma Clarke", '', 'emma.clarke@example.com', '', "Window table", '', ''),
            ),
        )
