from odoo import api, models
from odoo.exceptions import UserError


class AftersalesUsedMixin(models.AbstractModel):
    """A setting that something refers to is archived, not deleted.

    Past requests and reports would not say any more what they were about, and what holds for some
    only would hold for all.
    """

    _name = 'aftersales.used.mixin'
    _description = "Setting That Is Archived When It Is Used"

    @api.model
    def _get_used_by(self) -> list[tuple[str, str]]:
        """Return what refers to these records: models, each with the name of its field."""
        return []

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for model, field_name in self._get_used_by():
            if used := self._get_one_used_by(model, field_name):
                raise UserError(
                    self.env._(
                        "“%(name)s” is in use (%(model)s). Archive it instead: it is offered no"
                        " more, and what is past keeps it.",
                        name=used.display_name,
                        model=self.env['ir.model']._get(model).name,
                    )
                )

    def _get_one_used_by(self, model: str, field_name: str):
        """Return one of these records that a field refers to, in whatever company."""
        users = self.env[model].sudo().with_context(active_test=False)
        companies = self.env.company
        if users._fields[field_name].company_dependent:
            # a field has a value in each of them, and they are few
            companies = companies.sudo().search([])  # pylint: disable=no-search-all
        for company in companies:
            user = users.with_company(company).search([(field_name, 'in', self.ids)], limit=1)
            if used := user[field_name] & self.sudo():
                return used[:1]
        return self.browse()
