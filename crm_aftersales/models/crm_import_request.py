from odoo import api, models

from odoo.addons.crm_customer.importing import ImportColumn, ImportTemplate


class CrmImport(models.Model):
    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [*super()._get_import_templates(), self._prepare_request_template()]

    @api.model
    def _prepare_request_template(self) -> ImportTemplate:
        """Return the columns of requests of an earlier system, with the days kept there."""
        return ImportTemplate(
            code='requests',
            name=self.env._("Past Service Requests"),
            model='aftersales.request',
            customer='partner_id',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                *self._prepare_customer_columns(),
                ImportColumn('number', self.env._("Number")),
                ImportColumn('name', self.env._("Subject"), required=True),
                ImportColumn('description', self.env._("Description")),
                ImportColumn('type_id', self.env._("Type")),
                ImportColumn(
                    'unit_id',
                    self.env._("Customer Product"),
                    help=self.env._("Its reference, serial number or name."),
                ),
                ImportColumn('stage_id', self.env._("Stage")),
                ImportColumn('date_received', self.env._("Received on"), required=True),
                ImportColumn('date_first_reply', self.env._("First Answered on")),
                ImportColumn('date_resolved', self.env._("Resolved on")),
                ImportColumn('date_closed', self.env._("Closed on")),
            ),
            examples=(
                ('R-1', '', "李娜", '+86 138 0013 8000', '', 'T-2025-0042', "热泵夜间噪音大", '',
                 '', '', '', '2025-03-14 01:20:00', '2025-03-14 02:05:00', '2025-03-15 08:00:00',
                 ''),
            ),
        )  # fmt: skip
