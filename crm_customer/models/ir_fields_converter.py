from odoo import api, models

from .crm_import_mixin import EXISTING


class IrFieldsConverter(models.AbstractModel):
    _inherit = 'ir.fields.converter'

    @api.model
    def for_model(self, model, fromtype=str, *, savepoint):
        """Take an empty cell as not given where it would say no, or hide what a record begins with.

        Elsewhere it stays: taxes left empty mean none, and not those of the product.
        """
        convert = super().for_model(model, fromtype, savepoint=savepoint)
        if EXISTING not in self.env.context:
            return convert
        skipped = {
            name
            for name, field in model._fields.items()
            if field.type == 'boolean' or field.required or field.default
        }

        def convert_given(record, log):
            return convert({k: v for k, v in record.items() if v or k not in skipped}, log)

        return convert_given
