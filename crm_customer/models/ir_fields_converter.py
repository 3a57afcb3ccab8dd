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
        """Take languages by code or name, used here or not, and names in any language."""
        if EXISTING in self.env.context and field.comodel_name == 'res.lang' and not subfield:
            lang = self._find_language(value.strip())
            if lang:
                return lang.id, []
        if EXISTING not in self.env.context or subfield:
            return super().db_id_for(model, field, subfield, value, savepoint)
        # a file says the same names over and over
        found = self.env.cr.cache.setdefault('crm.import.names', {})
        key = (field.comodel_name, self.env.lang, value)
        if key in found and self.env[field.comodel_name].browse(found[key]).exists():
            return found[key], []
        try:
            return super().db_id_for(model, field, subfield, value, savepoint)
        except ValueError:
            record = self._find_in_other_languages(field.comodel_name, value)
            if not record:
                raise
            found[key] = record.id
            return record.id, []

    @api.model
    def _find_in_other_languages(self, model_name: str, name: str) -> models.BaseModel:
        """Return the only record with a name in a language that is not the user's, else none.

        A file from England says China, whoever brings it in.
        """
        model = self.env[model_name]
        if not (model._rec_name and model._fields[model._rec_name].translate):
            return model
        installed = [code for code, _name in self.env['res.lang'].get_installed()]
        for lang in dict.fromkeys(['en_US', *installed]):
            found = model.with_context(lang=lang).name_search(name=name, operator='=', limit=2)
            if len(found) == 1:
                return model.browse(found[0][0])
        return model

    @api.model
    def _find_language(self, text: str) -> models.BaseModel:
        """Return the language of a text: zh_CN, en, Japanese or 日本語; none when there is none."""
        names = [('name', '=ilike', pattern) for pattern in (text, f'{text} / %', f'% / {text}')]
        domain = Domain.OR(
            [[('code', '=', text)], [('iso_code', '=', text)], *([n] for n in names)]
        )
        langs = self.env['res.lang'].with_context(active_test=False)
        return langs.search(domain, order='active desc, id', limit=1)
