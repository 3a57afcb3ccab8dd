import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase


@tagged('post_install', '-at_install')
class TestServiceRace(TwoCursorsCase):
    """Two colleagues at one request at the same time: the second one sees what the first did."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._clean_up)
        env = self.open_environment()
        customer = env['res.partner'].create({'name': "Race", 'email': 'race@example.com'})
        labour = env['product.product'].create(
            {'name': "Race", 'type': 'service', 'list_price': 80, 'taxes_id': False}
        )
        request = env['aftersales.request'].create({'name': "Race", 'partner_id': customer.id})
        lines = env['aftersales.service.line'].create(
            [{'request_id': request.id, 'product_id': labour.id} for _number in range(2)]
        )
        env.cr.commit()
        self.request_id, self.line_ids = request.id, lines.ids

    def _clean_up(self):
        for other in (self.env_1, self.env_2):
            other.cr.rollback()  # it must not wait for locks of ours
        env = self.open_environment()
        request = self._request(env)
        orders = request.quotation_ids
        orders._action_cancel()
        env['crm.message'].search(
            [
                ('origin_model', 'in', ['sale.order', 'aftersales.request']),
                ('partner_id', '=', request.partner_id.id),
            ]
        ).unlink()
        products, customer = request.service_line_ids.product_id, request.partner_id
        orders.unlink()
        request.unlink()
        products.product_tmpl_id.unlink()
        customer.unlink()
        env.cr.commit()

    def _request(self, env):
        return env['aftersales.request'].browse(self.request_id)

    def _lines(self, env):
        return env['aftersales.service.line'].browse(self.line_ids)

    def _quote(self):
        request = self._request(self.env_1)
        request.action_create_quotation()
        self.env_1.cr.commit()

    def _assert_refused(self, change):
        """Expect that the second transaction is run again."""
        self.env_1.flush_all()
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            change()
            self.env_2.flush_all()
        self.env_2.cr.rollback()

    def test_line_changed_while_its_quotation_is_sent(self):
        self._quote()
        self.take_snapshots()
        self._request(self.env_1).action_send_quotation()
        self._assert_refused(lambda: self._lines(self.env_2)[0].write({'name': "Other work"}))

    def test_sent_while_a_line_is_changed(self):
        self._quote()
        self.take_snapshots()
        self._lines(self.env_1)[0].name = "Other work"
        self._assert_refused(self._request(self.env_2).action_send_quotation)

    def test_limits_of_the_request_are_not_used_twice(self):
        self.take_snapshots()
        self._lines(self.env_1)[0]._check_coverage()
        self._assert_refused(self._lines(self.env_2)[1]._check_coverage)
