from odoo import api, models

from .base import EXISTING


class IrFieldsConverter(models.AbstractModel):
    _inherit = 'ir.fields.converter'

    @api.model
    def for_model(self, model, fromtype=str, *, savepoint):
        """Take an empty cell of a yes-no column as not given: else it would say no."""
        convert = super().for_model(model, fromtype, savepoint=savepoint)
        if EXISTING not in self.env.context:
            return convert
        booleans = {name for name, field in model._fields.items() if field.type == 'boolean'}

        def convert_given(record, log):
            given = {name: value for name, value in record.items() if value or name not in booleans}
            return convert(given, log)

        return convert_given
