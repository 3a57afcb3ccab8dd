from odoo import api, models

from odoo.addons.crm_customer.importing import ImportColumn, ImportTemplate


class CrmImport(models.Model):
    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [
            *super()._get_import_templates(),
            self._prepare_unit_template(),
            self._prepare_reading_template(),
        ]

    @api.model
    def _prepare_unit_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='units',
            name=self.env._("Customers' Products"),
            model='aftersales.unit',
            customer='partner_id',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                *self._prepare_customer_columns(),
                ImportColumn(
                    'product_id',
                    self.env._("Product"),
                    required=True,
                    help=self.env._("Its internal reference or its name."),
                ),
                ImportColumn('serial', self.env._("Serial Number")),
                ImportColumn(
                    'name', self.env._("Name"), help=self.env._("Its name for the customer.")
                ),
                ImportColumn('date_delivered', self.env._("Delivered on")),
                ImportColumn('warranty_start', self.env._("Warranty Start")),
                ImportColumn('warranty_months', self.env._("Warranty Months")),
                ImportColumn('vin', self.env._("VIN"), help=self.env._("Of vehicles.")),
                ImportColumn(
                    'plate', self.env._("License Plate"), aliases=("车牌号", "車牌號碼")
                ),
            ),
            examples=(
                ('U-1', '', "李娜", '+86 138 0013 8000', '', 'LAMP-01', 'SN-20250314-7', '',
                 '2025-03-14', '', '24', '', ''),
            ),
        )  # fmt: skip

    @api.model
    def _prepare_reading_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='meter_readings',
            name=self.env._("Meter Readings"),
            model='aftersales.meter.reading',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                ImportColumn(
                    'unit_id',
                    self.env._("Customer Product"),
                    required=True,
                    help=self.env._("Its reference, serial number or name."),
                ),
                ImportColumn('date', self.env._("Read on"), required=True),
                ImportColumn('value', self.env._("Reading"), required=True),
                ImportColumn(
                    'kind',
                    self.env._("Kind"),
                    help=self.env._("Reading, Meter Replaced or Correction."),
                ),
                ImportColumn('value_before', self.env._("Last of the Old Meter")),
                ImportColumn('note', self.env._("Note")),
            ),
            examples=(
                ('', 'CP00001', '2026-01-15', '12400', '', '', ''),
                ('', 'CP00001', '2026-03-02', '0', "Meter Replaced", '13950', "里程表更换"),
            ),
        )
