from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL


@tagged('post_install', '-at_install')
class TestRateLimit(TransactionCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.Limit = self.env['crm.rate.limit']

    def hit(self, key='1.2.3.4', scope='test', seconds=60):
        return self.Limit._hit(scope, key, limit=3, seconds=seconds)

    def test_limit(self):
        self.assertEqual([self.hit() for _try in range(5)], [True, True, True, False, False])
        self.assertTrue(self.hit(key='5.6.7.8'))
        self.assertTrue(self.hit(scope='other'))
        rows = self.Limit.search([('scope', '=', 'test')])
        self.assertEqual(len(rows), 4, "what was refused leaves no row")
        self.assertNotIn('1.2.3.4', ' '.join(rows.mapped('key_hash')))

    def test_one_connection_has_many_addresses(self):
        """An IPv6 visitor takes another address of his /64 for each try."""
        tries = [self.hit(key=f'2001:db8:0:1::{number}') for number in range(4)]
        self.assertEqual(tries, [True, True, True, False])
        self.assertTrue(self.hit(key='2001:db8:0:2::1'), "another connection")
        for number in range(1, 5):
            self.assertTrue(self.hit(key=f'::ffff:192.0.2.{number}'), "IPv4, each its own")

    def test_time_passes(self):
        for _try in range(3):
            self.hit()
        self.assertFalse(self.hit())
        self.env.cr.execute(SQL("UPDATE crm_rate_limit SET date = date - interval '61 seconds'"))
        self.assertTrue(self.hit())

    def test_old_rows_go(self):
        self.hit()
        self.Limit._gc_rate_limits()
        self.assertEqual(self.Limit.search_count([('scope', '=', 'test')]), 1)
        self.env.cr.execute(SQL("UPDATE crm_rate_limit SET date = date - interval '25 hours'"))
        self.Limit.invalidate_model()
        self.Limit._gc_rate_limits()
        self.assertFalse(self.Limit.search_count([]))
