from datetime import date

from odoo.fields import Command

from .common import AftersalesCommon

FAULT = date(2026, 3, 2)


class ServiceCommon(AftersalesCommon):
    """A pump that was delivered in 2025 with two years of warranty, and what a repair needs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_sale = cls._create_user('service_sale', 'sales_team.group_sale_salesman')
        cls.user_plain = cls._create_user('service_plain', 'base.group_user')
        cls.unit.date_delivered = '2025-01-15'
        cls.currency = cls.company.currency_id
        # not the list that a database with lists of its own would choose
        cls.customer.property_product_pricelist = cls.env['product.pricelist'].create(
            {'name': "Plain", 'currency_id': cls.currency.id}
        )
        product = cls.env['product.product']
        cls.seal, cls.labour, cls.travel, cls.filter = product.create(
            [
                {
                    'name': name,
                    'type': kind,
                    'list_price': price,
                    'standard_price': cost,
                    'taxes_id': [Command.clear()],
                    'invoice_policy': 'order',
                }
                for name, kind, price, cost in (
                    ("Seal", 'consu', 33.35, 11),
                    ("Hour of Work", 'service', 80, 30),
                    ("Travel", 'service', 45, 20),
                    ("Filter", 'consu', 10, 4),
                )
            ]
        )
        cls.request = cls._create_request(fault_date=FAULT)

    @classmethod
    def _add(cls, product, quantity=1.0, request=None, user=None, **values):
        request = request or cls.request
        Line = cls.env['aftersales.service.line']
        if user:
            Line = Line.with_user(user)
        return Line.create(
            {
                'request_id': request.id,
                'product_id': product.id,
                'quantity': quantity,
                **values,
            }
        )

    @classmethod
    def _override(cls, lines, payer, percent=0, reason="Because"):
        return lines.with_user(cls.user_manager)._override(payer, percent, reason)

    @classmethod
    def _quote(cls, request=None):
        """Return the quotation of what is not quoted yet, in elevated rights."""
        request = request or cls.request
        before = request.quotation_ids
        request.with_user(cls.user_service).action_create_quotation()
        return request.quotation_ids - before

    @classmethod
    def _expire_warranty(cls, day='2026-01-31'):
        """Let the warranty end on a day before the fault."""
        cls.unit.warranty_months = 12
        cls.unit.date_delivered = '2025-02-01'
        assert str(cls.unit.warranty_end) == day, cls.unit.warranty_end
