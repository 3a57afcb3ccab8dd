from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestMemberName(LoyaltyCommon):
    """Staff know members by their names, not by the numbers of their cards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.create_card(points=10)
        cls.clerk = new_test_user(cls.env, 'clerk', groups='crm_loyalty.group_all')

    def test_name(self):
        self.assertEqual(self.card.display_name, "王小明, Club")
        self.member.name = "王大明"
        self.assertEqual(self.card.display_name, "王大明, Club")
        coupon = self.env['loyalty.card'].create(
            {'program_id': self.create_program("Left to Core", managed=False).id}
        )
        self.assertIn(coupon.code, coupon.display_name)

    def test_found_by_name_and_number(self):
        Card = self.env['loyalty.card'].with_user(self.clerk)
        for text in ("小明", self.card.code):
            self.assertIn(self.card.id, dict(Card.name_search(text)))

    def test_document_of_a_movement(self):
        order = self.create_order(50)
        order.action_confirm()
        row = self.card.history_ids[0]
        self.assertEqual(row.origin, order.name)
        self.assertEqual(row.action_view_document()['res_id'], order.id)
        # who may not read orders is told so, and sees the name all the same
        with self.assertRaises(AccessError):
            row.with_user(self.clerk).action_view_document()
        self.env.cr.execute(
            "UPDATE loyalty_history SET order_model = 'no.such.model' WHERE id = %s", [row.id]
        )
        row.invalidate_recordset()
        with self.assertRaises(UserError):
            row.action_view_document()
