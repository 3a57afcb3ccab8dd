"""A till, a cashier, and orders as tills send them."""

from uuid import uuid4

from odoo.fields import Command, Datetime

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon


def copy_lines(sale):
    return [(*line[:2], {**line[2]}) for line in sale['lines']]


class TillCommon(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goods = cls.env['product.product'].create(
            {
                'name': "Kettle",
                'type': 'consu',
                'list_price': 33.33,
                'taxes_id': False,
                'available_in_pos': True,
            }
        )
        journal = cls.env['account.journal'].search(
            [('type', '=', 'bank'), ('company_id', '=', cls.env.company.id)], limit=1
        )
        cls.method = cls.env['pos.payment.method'].create(
            {'name': "Card", 'journal_id': journal.id}
        )
        cls.till = cls.create_till("Till")
        cls.cashier = cls.env['res.users'].create(
            {
                'name': "Cashier",
                'login': 'loyalty-cashier',
                'group_ids': [
                    Command.set(
                        (
                            cls.env.ref('point_of_sale.group_pos_user')
                            | cls.env.ref('base.group_user')
                        ).ids
                    )
                ],
            }
        )

    @classmethod
    def create_till(cls, name):
        till = cls.env['pos.config'].create(
            {'name': name, 'payment_method_ids': [Command.set(cls.method.ids)]}
        )
        till.open_ui()
        till.current_session_id.set_opening_control(0, None)
        return till

    def prepare_line(self, price=100.0, qty=1, product=None, **values):
        """Return a line as the till sends it."""
        product = product or self.goods
        taxes = product.taxes_id.compute_all(price, None, qty, product)
        return Command.create(
            {
                'uuid': str(uuid4()),
                'product_id': product.id,
                'qty': qty,
                'price_unit': price,
                'price_subtotal': taxes['total_excluded'],
                'price_subtotal_incl': taxes['total_included'],
                'tax_ids': [Command.set(product.taxes_id.ids)],
                'pack_lot_ids': [],
                **values,
            }
        )

    def prepare_reward(self, card=None, value=10.0, cost=100, reward=None, qty=1, **values):
        """Return the line of a reward as the till sends it."""
        reward = reward or self.reward
        return self.prepare_line(
            -value / qty,
            qty,
            reward.discount_line_product_id,
            is_reward_line=True,
            reward_id=reward.id,
            coupon_id=card.id if card else False,
            points_cost=cost,
            reward_identifier_code=str(uuid4()),
            **values,
        )

    def prepare_sale(self, lines, till=None, partner=None, **values):
        """Return an order as the till sends it."""
        till = till or self.till
        total = sum(line[2]['price_subtotal_incl'] for line in lines)
        return {
            'uuid': str(uuid4()),
            'access_token': str(uuid4()),
            'state': 'paid',
            'date_order': Datetime.to_string(Datetime.now()),
            'session_id': till.current_session_id.id,
            'partner_id': (partner or self.member).id if partner is not False else False,
            'pricelist_id': till.pricelist_id.id,
            'lines': lines,
            'amount_total': total,
            'amount_tax': total - sum(line[2]['price_subtotal'] for line in lines),
            'amount_paid': total,
            'amount_return': 0,
            'payment_ids': [
                Command.create(
                    {
                        'uuid': str(uuid4()),
                        'payment_method_id': self.method.id,
                        'amount': total,
                        'name': Datetime.to_string(Datetime.now()),
                    }
                )
            ],
            'last_order_preparation_change': '{}',
            'to_invoice': False,
            **values,
        }

    def send(self, sale):
        """Send an order from the till, as the cashier; return what the server has."""
        # a till may send the same again: core changes what it is given
        copy = {**sale, 'lines': copy_lines(sale)}
        orders = self.env['pos.order'].with_user(self.cashier)
        answer = orders.sync_from_ui([copy])
        self.answer = answer['pos.order'][-1]
        return self.env['pos.order'].search([('uuid', '=', sale['uuid'])])

    def order_by_phone(self, sale):
        """Send an order as public pages for self-ordering do; return what the server has."""
        source = self.env['pos.order']._fields['source']
        if 'mobile' not in source._selection:
            self.patch(source, '_selection', {**source._selection, 'mobile': "Mobile"})
        orders = self.env['pos.order'].sudo()
        orders.sync_from_ui([{**sale, 'source': 'mobile', 'lines': copy_lines(sale)}])
        return self.env['pos.order'].search([('uuid', '=', sale['uuid'])])

    def sell(self, *lines, **values):
        """Sell lines, or goods of 100 to the member."""
        return self.send(self.prepare_sale(list(lines or [self.prepare_line()]), **values))

    def claim(self, order, card_id, points=0, program=None):
        """Claim points for an order after it was sent, as the till does."""
        claims = {
            str(card_id): {
                'program_id': (program or self.program).id,
                'points': points,
                'coupon_id': card_id,
                'barcode': False,
                'partner_id': self.member.id,
            }
        }
        return order.with_user(self.cashier).confirm_coupon_programs(claims)

    def hold(self, card, cost=100, order_uuid=None, won=0):
        """Hold points before an order is paid, as the till does."""
        orders = self.env['pos.order'].with_user(self.cashier)
        return orders.hold_loyalty_points(
            order_uuid or str(uuid4()), [{'card_id': card.id, 'cost': cost, 'won': won}]
        )

    def refund(self, order, quantities, **values):
        """Refund lines of an order at the till; see :meth:`prepare_refund`."""
        return self.send(self.prepare_refund(quantities, **values))

    def prepare_refund(self, quantities, **values):
        """Return a refund as the till sends it.

        :param quantities: by line
        """
        lines = [
            self.prepare_line(
                line.price_unit,
                -qty,
                line.product_id,
                refunded_orderline_id=line.id,
                is_reward_line=line.is_reward_line,
                reward_id=line.reward_id.id,
                coupon_id=line.coupon_id.id,
                points_cost=line.points_cost,
            )
            for line, qty in quantities.items()
        ]
        return self.prepare_sale(lines, is_refund=True, **values)

    def get_kinds(self, card):
        return card.history_ids.sorted('id').mapped(lambda row: (row.kind, row.qty))
