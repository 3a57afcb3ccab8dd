from datetime import date

import psycopg2

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase


@tagged('post_install', '-at_install')
class TestWarrantyRace(TwoCursorsCase):
    """Two things happen to one product at once: the second looks again, and none is refused."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._clean_up)
        env = self.open_environment()
        policy = env['aftersales.warranty.policy'].create(
            {'name': "Race", 'months': 24, 'repair_extension_months': 12, 'part_months': 6}
        )
        self.product, self.care = env['product.product'].create(
            [
                {'name': "Race", 'type': 'consu', 'aftersales_warranty_policy_id': policy.id},
                {'name': "Race", 'type': 'service', 'aftersales_extension_months': 12},
            ]
        )
        self.partner = env['res.partner'].create({'name': "Race"})
        self.unit = (
            env['aftersales.unit']
            .with_context(tracking_disable=True, mail_create_nolog=True)
            .create(
                {'product_id': self.product.id, 'partner_id': self.partner.id, 'state': 'draft'}
            )
        )
        env.cr.commit()

    def _clean_up(self):
        for query in (
            "DELETE FROM aftersales_unit WHERE name = 'Race'",
            "DELETE FROM sale_order WHERE client_order_ref = 'Race'",
            "DELETE FROM product_product USING product_template template"
            " WHERE template.id = product_tmpl_id AND template.name ->> 'en_US' = 'Race'",
            "DELETE FROM product_template WHERE name ->> 'en_US' = 'Race'",
            "DELETE FROM aftersales_warranty_policy WHERE name ->> 'en_US' = 'Race'",
            "DELETE FROM res_partner WHERE name = 'Race'",
        ):
            self.execute_committed(query)

    def _race(self, first, second):
        """Let two things happen to the product at once; the second is tried again, as Odoo does.

        :param first: function of the product
        :param second: function of the product
        :return: the product, as the second one left it
        """
        self.take_snapshots()
        first(self.unit.with_env(self.env_1))
        self.env_1.cr.commit()
        unit = self.unit.with_env(self.env_2)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            second(unit)
            self.env_2.flush_all()
        self.env_2.cr.rollback()
        self.env_2.invalidate_all()
        second(unit)
        self.env_2.cr.commit()
        return unit

    def _deliver(self, unit):
        unit.write({'state': 'active', 'date_delivered': '2026-01-10'})

    def _commit(self, function, *args):
        function(self.unit.with_env(self.env_1), *args)
        self.env_1.cr.commit()

    def test_delivered_and_invoiced(self):
        unit = self._race(self._deliver, lambda unit: unit.write({'date_invoiced': '2026-01-09'}))
        granted = unit.warranty_ids.filtered(lambda row: row.state == 'active')
        self.assertEqual((granted.layer, granted.date_start), ('base', date(2026, 1, 10)))

    def test_repair_chosen_twice(self):
        self._commit(self._deliver)

        def choose_repair(unit):
            unit._grant_repair_extension(date(2026, 6, 1))

        unit = self._race(choose_repair, choose_repair)
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            added = unit.warranty_ids.filtered(lambda row: row.start_event == 'repair')
            added.sudo().create(added.copy_data())

    def test_parts_of_one_repair(self):
        self._commit(self._deliver)

        def grant(unit):
            unit._grant_part_warranty(self.care.with_env(unit.env), date(2026, 6, 1))

        unit = self._race(grant, grant)
        self.assertEqual(unit.warranty_ids.mapped('layer'), ['base', 'part'])

    def test_sold_extension_is_granted_once(self):
        self._commit(self._deliver)
        order = (
            self.env_1['sale.order']
            .with_context(tracking_disable=True, mail_create_nolog=True)
            .create(
                {
                    'partner_id': self.partner.id,
                    'client_order_ref': "Race",
                    'order_line': [
                        Command.create(
                            {'product_id': self.care.id, 'aftersales_unit_id': self.unit.id}
                        )
                    ],
                }
            )
        )
        order.state = 'sale'
        self.env_1.cr.commit()

        def settle(unit):
            order.with_env(unit.env).order_line._settle_extended_warranties()

        unit = self._race(settle, settle)
        self.assertEqual(unit.warranty_ids.mapped('layer'), ['base', 'extended'])
