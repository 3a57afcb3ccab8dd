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


@tagged('post_install', '-at_install')
class TestPhone(TransactionCase):
    def test_lines_do_not_ask_whose_they_are(self):
        """Phones open the form of a line; what it is entered on is not known there yet."""
        for model, parent in LINES.items():
            with self.subTest(model):
                form = etree.fromstring(self.env[model].get_view(view_type='form')['arch'])
                self.assertFalse(form.xpath(f"//field[@name='{parent}']"))
