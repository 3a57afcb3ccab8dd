from odoo import api, models

from odoo.addons.crm_customer.importing import ImportColumn, ImportTemplate


class CrmImport(models.Model):
    _inherit = 'crm.import'

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        return [*super()._get_import_templates(), self._prepare_opinion_template()]

    @api.model
    def _prepare_opinion_template(self) -> ImportTemplate:
        return ImportTemplate(
            code='opinions',
            name=self.env._("Opinions of Customers"),
            model='aftersales.opinion',
            customer='partner_id',
            columns=(
                ImportColumn('id', self.env._("External ID")),
                *self._prepare_customer_columns(),
                ImportColumn('date', self.env._("Date")),
                ImportColumn('source', self.env._("Source")),
                ImportColumn('theme_id', self.env._("Theme"), aliases=("主题", "主題")),
                ImportColumn('sentiment', self.env._("Sentiment")),
                ImportColumn(
                    'text', self.env._("Opinion"), required=True, aliases=("意见", "意見")
                ),
                ImportColumn('answer', self.env._("Answer")),
            ),
            examples=(
                ('O-1', '', "李娜", '+86 138 0013 8000', '', '2025-11-02', '', '', '',
                 "前台等太久", ''),
                ('O-2', '', "Emma Clarke", '', 'emma.clarke@example.com', '2025-11-03', '', '',
                 '', "The technician explained everything", ''),
            ),
        )  # fmt: skip
