"""What can be chosen is translated, whatever addon brought the choice."""

from pathlib import Path

from odoo.tests import TransactionCase, tagged

SUITE = {path.parent.name for path in Path(__file__).parents[2].glob('crm_*/__manifest__.py')}


@tagged('post_install', '-at_install')
class TestTranslatedChoices(TransactionCase):
    def test_values_belong_to_an_addon_of_the_model(self):
        """Translations are loaded with the addon that names a value.

        A mixin of another addon is loaded before the model exists: what it alone names stays
        English. That core's mixins do so is core's.
        """
        strangers = []
        for model in self.env.registry.values():
            if model._abstract or model._original_module not in SUITE:
                continue
            own = {each._module for each in model.mro() if vars(each).get('_name') == model._name}
            strangers += [
                str(field)
                for field in model._fields.values()
                if field.type == 'selection'
                for modules in field._selection_modules(self.env[model._name]).values()
                if modules <= SUITE and not modules & own
            ]
        self.assertFalse(set(strangers))
