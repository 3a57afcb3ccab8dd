from odoo import api, models
from odoo.exceptions import AccessError


class CrmSystemMixin(models.AbstractModel):
    """Records with fields that follow from what happens, and that nobody writes by hand.

    Hiding them on the screens does not do: any program of a user writes what he may write, and
    names defaults in its context or stores them for him.
    """

    _name = 'crm.system.mixin'
    _description = 'Records With Fields Kept by the System'

    @api.model
    def _get_system_fields(self) -> set[str]:
        """Return the fields that nobody writes by hand, whatever screen or program he uses."""
        return set()

    @api.model
    def default_get(self, fields):
        """Take the defaults of these fields from the fields alone, also where code of ours runs."""
        system = self._get_system_fields()
        defaults = super().default_get([name for name in fields if name not in system])
        for name in system.intersection(fields):
            field = self._fields[name]
            if field.default:
                value = field.convert_to_cache(field.default(self), self, validate=False)
                defaults[name] = field.convert_to_write(value, self)
        return defaults

    @api.model_create_multi
    def create(self, vals_list):
        self._ensure_no_system_fields(self._get_given_on_create(vals_list))
        return super().create(vals_list)

    def write(self, vals):
        self._ensure_no_system_fields(self._get_given_on_write(vals))
        return super().write(vals)

    @api.model
    def _get_given_on_create(self, vals_list: list[dict]) -> set[str]:
        """Return the fields of the system that new records are given."""
        return self._get_system_fields() & set().union(*vals_list)

    def _get_given_on_write(self, vals: dict) -> set[str]:
        """Return the fields of the system that would be written."""
        return self._get_system_fields() & vals.keys()

    def _ensure_no_system_fields(self, names: set[str]) -> None:
        if names and not self.env.su:
            labels = [self._fields[name]._description_string(self.env) for name in sorted(names)]
            raise AccessError(self._get_system_fields_text(labels))

    @api.model
    def _get_system_fields_text(self, labels: list[str]) -> str:
        """Return what is said to who writes them.

        :param labels: of the fields he gave
        """
        return self.env._(
            "%(fields)s: this follows from what happens and cannot be written.", fields=labels
        )
