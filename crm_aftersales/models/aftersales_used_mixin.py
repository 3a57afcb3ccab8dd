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
            users = self.env[model].sudo().with_context(active_test=False)
            user = users.search([(field_name, 'in', self.ids)], limit=1)
            if used := (user[field_name] & self.sudo())[:1]:
                raise UserError(
                    self.env._(
                        "“%(name)s” is in use (%(model)s). Archive it instead: it is offered no"
                        " more, and what is past keeps it.",
                        name=used.display_name,
                        model=self.env['ir.model']._get(model).name,
                    )
                )
