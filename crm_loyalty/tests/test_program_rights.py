from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestProgramRights(LoyaltyCommon):
    """Who may set up programs can do all of it, without the right to make products."""

    def test_administrator_makes_a_program(self):
        manager = new_test_user(self.env, 'manager', groups='crm_loyalty.group_manager')
        self.assertFalse(manager.has_group('product.group_product_manager'))
        program = (
            self.env['loyalty.program']
            .with_user(manager)
            .create(
                {
                    'name': "Made by Hand",
                    'program_type': 'loyalty',
                    'rule_ids': [Command.create({'reward_point_amount': 1})],
                    'reward_ids': [Command.create({'discount': 5, 'required_points': 100})],
                }
            )
        )
        product = program.sudo().reward_ids.discount_line_product_id
        self.assertEqual(len(product), 1)
        program.reward_ids.description = "Five percent"
        self.assertEqual(product.name, "Five percent")
        program.reward_ids.active = False
        self.assertFalse(product.active)

    def test_others_do_not(self):
        user = new_test_user(self.env, 'user', groups='crm_loyalty.group_all')
        reward = self.reward.with_user(user)
        for values in ({'description': "Free"}, {'active': False}, {'discount': 99}):
            with self.assertRaises(AccessError):
                reward.write(values)

    def test_nothing_else_is_written_with_more_rights(self):
        manager = new_test_user(self.env, 'manager', groups='crm_loyalty.group_manager')
        reward = self.reward.with_user(manager)
        change = {'discount_product_ids': [Command.update(self.product.id, {'name': "Mine"})]}
        with self.assertRaises(AccessError):
            reward.write({'description': "Gift", **change})
        other = {'discount_line_product_id': self.product.id}
        for values in (other, {'description': "Mine", **other}):
            with self.assertRaises(AccessError):
                reward.write(values)
        with self.assertRaises(AccessError):
            reward.create({'program_id': self.program.id, **other})
