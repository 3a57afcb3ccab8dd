"""Helpers for the tests of this addon and of those that build on it."""

from datetime import timedelta
from unittest.mock import patch

from odoo.fields import Command, Datetime

from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement
from odoo.addons.sale.tests.common import SaleCommon


class LoyaltyCommon(SaleCommon):
    """A program of one point per 1.00 with the tiers 0 / 1,000 / 3,000."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['loyalty.program'].search([]).active = False
        # orders of demo data are older than anything looked at here
        cls.env['sale.order'].search([('state', '=', 'sale')]).date_order = '2000-01-01'
        cls.env.company.main_loyalty_program_id = False
        cls.program = cls.create_program(
            "Club",
            sequence=1,
            tier_ids=cls.tier_commands(("Basic", 0), ("Silver", 1000), ("Gold", 3000)),
        )
        cls.basic, cls.silver, cls.gold = cls.program.tier_ids.sorted('min_value')
        cls.reward = cls.program.reward_ids
        cls.product.list_price = 100
        cls.member = cls.create_partner("王小明")

    @classmethod
    def create_program(cls, name, **values):
        """Create a loyalty program with a discount of 10 for 100 points."""
        return cls.env['loyalty.program'].create(
            {
                'name': name,
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'portal_visible': True,
                'portal_point_name': "Points",
                'rule_ids': [
                    Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})
                ],
                'reward_ids': [
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount_mode': 'per_order',
                            'discount': 10,
                            'discount_applicability': 'order',
                            'required_points': 100,
                        }
                    )
                ],
                **values,
            }
        )

    @classmethod
    def tier_commands(cls, *tiers):
        return [Command.create({'name': name, 'min_value': value}) for name, value in tiers]

    @classmethod
    def create_partner(cls, name, **values):
        return cls.env['res.partner'].create({'name': name, **values})

    @classmethod
    def create_card(cls, partner=None, points=0, program=None):
        """Create a member card; its points are an opening balance."""
        return cls.env['loyalty.card'].create(
            {
                'partner_id': (partner or cls.member).id,
                'program_id': (program or cls.program).id,
                'points': points,
            }
        )

    @classmethod
    def create_order(cls, amount=100, partner=None, lines=None, **values):
        """Create an order of one line, or of ``lines`` (values of order lines)."""
        lines = lines or [{'product_id': cls.product.id, 'price_unit': amount}]
        return cls.env['sale.order'].create(
            {
                'partner_id': (partner or cls.member).id,
                'order_line': [Command.create(line) for line in lines],
                **values,
            }
        )

    @classmethod
    def create_past_order(cls, amount=100, date_order=None, **values):
        """Create an order that was confirmed when there was no program, by default long ago."""
        date_order = date_order or Datetime.now() - timedelta(days=200)
        return cls.create_order(amount, state='sale', date_order=date_order, **values)

    @classmethod
    def earn(cls, card, points, date, kind='earn'):
        """Post points a card earned at a certain time."""
        movement = Movement(
            card.id, to_points(points), kind, "Bought", date=Datetime.to_datetime(date)
        )
        # tiers are looked at by the tests, on days of their own
        with patch.object(cls.env.registry['loyalty.card'], '_fold_after_hook'):
            return cls.env['loyalty.card']._post([movement])

    def get_card(self, partner=None, program=None):
        return self.env['loyalty.card'].search(
            [
                ('partner_id', '=', (partner or self.member).id),
                ('program_id', '=', (program or self.program).id),
            ]
        )

    def assert_balanced(self, *cards):
        """Check that the rows of managed cards add up to the balance, in the database."""
        for card in cards:
            self.assertAlmostEqual(card.points, sum(card.history_ids.mapped('qty')), 2)
            self.assertAlmostEqual(card.points, sum(card.history_ids.mapped('remaining')), 2)
        for check in ('_check_loyalty_balance', '_check_loyalty_allocation'):
            _ok, message, count = getattr(self.env['crm.selfcheck'], check)()
            self.assertEqual(count, 0, message)
