from contextlib import suppress

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common_service import ServiceCommon

#: what only the former owner's papers say
SECRETS = ("Stranger", "stranger@example.com", "Mr S. dropped it", "My secret story")


@tagged('post_install', '-at_install')
class TestPortalFields(ServiceCommon):
    """What a new owner reads of a product, field by field, says nothing of the one before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.extension = cls.env['product.product'].create(
            {
                'name': "Extended Warranty",
                'type': 'service',
                'aftersales_extension_months': 12,
                'invoice_policy': 'order',
            }
        )
        cls.order = cls._sell(cls.product)
        cls.order.action_create_aftersales_units()
        cls.sold = cls.order.order_line.aftersales_unit_ids
        cls.sold.site_partner_id = cls.stranger
        cls.sold.action_deliver()
        cls.order_extension = cls._sell(cls.extension, aftersales_unit_id=cls.sold.id)
        cls.request_former = cls._create_request(
            unit_id=cls.sold.id, partner_id=cls.stranger.id, name="My secret story"
        )
        cls.sold._grant_part_warranty(cls.seal, months=6, request=cls.request_former)
        cls.sold.warranty_ids.filtered(lambda row: row.layer == 'part')._end("Mr S. dropped it")
        cls.sold._grant_part_warranty(cls.filter, months=6, request=cls.request_former)
        cls.sold._transfer(cls.customer)
        cls.request_new = cls._create_request(unit_id=cls.sold.id, name="Of the new owner")
        cls.env.flush_all()

    @classmethod
    def _sell(cls, product, **values):
        order = cls.env['sale.order'].create(
            {
                'partner_id': cls.stranger.id,
                'order_line': [Command.create({'product_id': product.id, **values})],
            }
        )
        order.action_confirm()
        return order

    def _read_all(self, records):
        """Return field -> what the portal user reads of it, for each field he may read."""
        records = records.with_user(self.user_customer)
        read = {}
        for name, field in records._fields.items():
            if records._has_field_access(field, 'read'):
                with suppress(AccessError):  # computed from what he may not read
                    read[name] = records.read([name])
        return read

    def test_unit(self):
        self._check(self.sold)

    def test_warranty(self):
        Warranty = self.env['aftersales.warranty'].with_user(self.user_customer)
        warranties = Warranty.search([('unit_id', '=', self.sold.id)])
        self.assertEqual(set(warranties.mapped('layer')), {'base', 'extended', 'part'})
        self.assertNotIn('void', warranties.mapped('state'))
        self._check(warranties)

    def test_request(self):
        self._check(self.request_new)

    def test_search_by_what_is_not_read(self):
        """A domain answers questions as well as a reading does."""
        Unit = self.env['aftersales.unit'].with_user(self.user_customer)
        for domain in (
            [('sale_order_id', '=', self.order.id)],
            [('site_partner_id', '=', self.stranger.id)],
            [('warranty_ids.reason', 'ilike', 'dropped')],
        ):
            with self.subTest(domain), self.assertRaises(AccessError):
                Unit.search(domain)

    def _check(self, records):
        secrets = {
            *SECRETS,
            self.order.name,
            self.order_extension.name,
            self.request_former.number,
        }
        said = {
            name: value
            for name, value in self._read_all(records).items()
            if any(secret in str(value) for secret in secrets)
        }
        self.assertEqual(said, {})
