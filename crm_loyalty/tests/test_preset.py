from odoo.tests import tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestPreset(LoyaltyCommon):
    def test_supermarket(self):
        preset = self.env.ref('crm_customer.crm_preset_b5_supermarket')
        if preset.loaded:
            self.skipTest("the preset was loaded on this database before")
        preset.action_load()
        program = self.env.ref('crm_loyalty.b5_program')
        self.assertTrue(program.managed)
        self.assertEqual(
            program.tier_ids.mapped(lambda tier: (tier.name, tier.min_value)),
            [("Basic", 0), ("Silver", 2000), ("Gold", 8000)],
        )
        self.create_order(86.5).action_confirm()
        self.assertEqual(self.get_card(program=program).points, 86.5)

    def test_undo(self):
        preset = self.env.ref('crm_customer.crm_preset_b5_supermarket')
        if preset.loaded:
            self.skipTest("the preset was loaded on this database before")
        preset.action_load()
        program = self.env.ref('crm_loyalty.b5_program')
        preset.action_undo()
        self.assertFalse(program.exists())
