from odoo import api, models
from odoo.fields import Domain

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

    @api.model
    def db_id_for(self, model, field, subfield, value, savepoint):
        """Take a language by code or by name, one too in which Odoo is not used here."""
        if EXISTING in self.env.context and field.comodel_name == 'res.lang' and not subfield:
            lang = self._find_language(value.strip())
            if lang:
                return lang.id, []
        return super().db_id_for(model, field, subfield, value, savepoint)

    @api.model
    def _find_language(self, text: str) -> models.BaseModel:
        """Return the language of a text: zh_CN, en, Japanese or 日本語; none when there is none."""
        names = [('name', '=ilike', pattern) for pattern in (text, f'{text} / %', f'% / {text}')]
        domain = Domain.OR(
            [[('code', '=', text)], [('iso_code', '=', text)], *([n] for n in names)]
        )
        langs = self.env['res.lang'].with_context(active_test=False)
        return langs.search(domain, order='active desc, id', limit=1)
