from odoo.tests import tagged

from odoo.addons.crm_loyalty import uninstall_hook
from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestUninstall(LoyaltyCommon):
    """What came with the addon goes with it; what documents of the shop need stays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = cls.create_partner("Demo")
        cls.name_own('partner', cls.own)
        cls.program_name = cls.name_own('program', cls.program)

    @classmethod
    def name_own(cls, name, record):
        return cls.env['ir.model.data'].create(
            {
                'module': 'crm_loyalty',
                'name': f'uninstall_{name}',
                'model': record._name,
                'res_id': record.id,
            }
        )

    def redeem(self, partner):
        order = self.create_order(500, partner=partner)
        order._update_programs_and_rewards()
        order._apply_program_reward(self.reward, self.get_card(partner))
        order.action_confirm()
        return order

    def test_cards_of_demo_contacts_go(self):
        card = self.create_card(self.own, points=50)
        uninstall_hook(self.env)
        self.assertFalse(card.exists())
        self.assertTrue(self.program_name.exists(), "without members, Odoo deletes the program")

    def test_cards_that_demo_orders_need_go(self):
        self.create_card(self.own, points=500)
        order = self.redeem(self.own)
        self.name_own('order', order)
        uninstall_hook(self.env)
        self.assertFalse(self.get_card(self.own))

    def test_cards_that_other_orders_need_stay(self):
        self.create_card(self.own, points=500)
        self.redeem(self.own)
        uninstall_hook(self.env)
        self.assertTrue(self.get_card(self.own))

    def test_program_with_members_belongs_to_the_shop(self):
        card = self.create_card(self.member, points=50)
        uninstall_hook(self.env)
        self.assertTrue(card.exists())
        self.assertFalse(self.program_name.exists(), "Odoo would try to delete the program")

    def test_core_is_asked_for_no_document_of_ours(self):
        card = self.create_card(points=50)
        movements = [
            Movement(card.id, to_points(5), 'adjust', model, order_model=model, order_id=1)
            for model in ('loyalty.request', 'gone.order')
        ]
        self.env['loyalty.card']._post(movements)
        order = self.create_order(100)
        order.action_confirm()
        uninstall_hook(self.env)
        self.env.invalidate_all()
        rows = card.history_ids.filtered('order_model')
        self.assertEqual((rows.order_model, rows.order_id), ('sale.order', order.id))
        self.assertLessEqual(
            {'loyalty.request', 'gone.order'}, set(card.history_ids.mapped('description'))
        )

    def test_documents_of_a_channel_that_goes(self):
        card = self.create_card()
        self.create_order(100).action_confirm()
        self.env['ir.module.module']._get('sale_loyalty').state = 'to remove'
        uninstall_hook(self.env)
        self.env.invalidate_all()
        self.assertEqual(card.history_ids.mapped('order_model'), [False])
        self.assertEqual(card.history_ids.mapped('issued'), [100], "core keeps the row")
