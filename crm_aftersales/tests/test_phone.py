from lxml import etree

from odoo.tests import TransactionCase, tagged

#: what is entered on the form of something else, and the field that tells on whose
LINES = {
    'aftersales.checklist.item': 'type_id',
    'aftersales.meter.limit': 'meter_type_id',
    'aftersales.sla.escalation': 'policy_id',
    'aftersales.unit.stay': 'unit_id',
    'aftersales.warranty.policy.rule': 'policy_id',
}


#: what is set up in lists that are too wide for a phone, and what their cards tell
CARDS = {
    'aftersales.pause.reason': {'name'},
    'aftersales.warranty.policy': {'name', 'start_event', 'months'},
}


@tagged('post_install', '-at_install')
class TestPhone(TransactionCase):
    def test_lines_do_not_ask_whose_they_are(self):
        """Phones open the form of a line; what it is entered on is not known there yet."""
        for model, parent in LINES.items():
            with self.subTest(model):
                form = etree.fromstring(self.env[model].get_view(view_type='form')['arch'])
                self.assertFalse(form.xpath(f"//field[@name='{parent}']"))

    def test_what_is_entered_in_a_list_has_cards(self):
        """Phones show the cards; columns that are filled in cannot be read there."""
        known = self.env['ir.model.data'].search(
            [('module', '=', 'crm_aftersales'), ('model', '=', 'ir.ui.view')]
        )
        views = self.env['ir.ui.view'].browse(known.mapped('res_id'))
        forms = views.filtered(lambda view: view.type == 'form' and view.mode == 'primary')
        entered_count = 0
        for form in forms:
            arch = etree.fromstring(self.env[form.model].get_view(form.id, 'form')['arch'])
            for entered in arch.xpath("//field/list[@editable]"):
                entered_count += 1
                field = entered.getparent()
                with self.subTest(form.xml_id, field=field.get('name')):
                    cards = field.find('kanban')
                    self.assertIsNotNone(cards)
                    self.assertTrue(cards.xpath(".//*[@t-name='card']//field"))
        self.assertGreater(entered_count, 5)

    def test_lists_of_settings_have_cards(self):
        for model, told in CARDS.items():
            with self.subTest(model):
                actions = self.env['ir.actions.act_window'].search([('res_model', '=', model)])
                self.assertTrue(all('kanban' in action.view_mode for action in actions))
                arch = etree.fromstring(self.env[model].get_view(view_type='kanban')['arch'])
                shown = set(arch.xpath(".//*[@t-name='card']//field/@name"))
                self.assertLessEqual(told, shown)

    def test_cards_of_readings_show_what_was_typed(self):
        """What their form does not hold is known only when all is saved."""
        form = etree.fromstring(
            self.env['aftersales.meter.reading'].get_view(view_type='form')['arch']
        )
        self.assertTrue(form.xpath("//field[@name='display_name']"))
        reading = self.env['aftersales.meter.reading'].new({'value': 1200})
        self.assertIn('1200', reading.display_name)

    def test_what_a_policy_does_not_cover_says_so(self):
        form = etree.fromstring(
            self.env['aftersales.warranty.policy'].get_view(view_type='form')['arch']
        )
        card = "//field[@name='rule_ids']//t[@t-name='card']"
        self.assertTrue(form.xpath(f"{card}//span[@invisible='not excluded']"))
