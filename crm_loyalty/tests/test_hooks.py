from odoo.tests import tagged

from odoo.addons.crm_loyalty.hooks import post_init_hook, pre_init_hook

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestHooks(LoyaltyCommon):
    """Installing on a shop that used core's programs before."""

    def make_old(self, program):
        """Forget what this addon wrote, as if it had not been there."""
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE loyalty_history
                  SET qty = NULL, posted_at = NULL, kind = NULL, date = '1970-01-01'
                WHERE card_id IN (SELECT id FROM loyalty_card WHERE program_id = %s)""",
            [program.id],
        )
        self.env.invalidate_all(flush=False)

    def test_used_database(self):
        program = self.create_program("Old", managed=False)
        card = self.create_card(program=program)
        order = self.create_order(250)
        order.action_confirm()
        self.env['loyalty.card.update.balance'].create(
            {'card_id': card.id, 'new_balance': 200, 'description': "Gift"}
        ).action_update_card_point()
        self.env['loyalty.history'].create(
            {
                'card_id': card.id,
                'description': "Order",
                'used': 30,
                'order_model': 'sale.order',
                'order_id': order.id,
            }
        )
        self.make_old(program)

        pre_init_hook(self.env)
        self.env.invalidate_all(flush=False)
        rows = card.history_ids.sorted('id')
        self.assertEqual(rows.mapped('kind'), ['earn', 'adjust', 'burn'])
        self.assertEqual(rows.mapped('qty'), [250, -50, -30])
        self.assertEqual(rows[0].date, rows[0].create_date.replace(microsecond=0))
        self.assertFalse(program.managed)

        post_init_hook(self.env)
        self.assertEqual(card.history_ids, rows, "an unmanaged program is core's")
        program.action_manage_ledger()
        opening = card.history_ids - rows
        self.assertEqual((opening.kind, opening.qty), ('opening', 30))
        self.assertEqual(card.points, 200)
        post_init_hook(self.env)
        self.assertEqual(len(card.history_ids), 4)

    def test_database_without_programs(self):
        self.env['loyalty.program'].with_context(active_test=False).search([]).managed = False
        post_init_hook(self.env)

    def test_indexes(self):
        self.env.cr.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname IN %s",
            [
                (
                    'loyalty_history_order_ref_idx',
                    'loyalty_history_card_date_idx',
                    'loyalty_history_key_unique',
                    'sale_order_line_coupon_idx',
                    'sale_order_coupon_points_coupon_idx',
                )
            ],
        )
        self.assertEqual(self.env.cr.rowcount, 5)
