"""Random days of a shop with a till, beside its sales orders, on the same cards."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from odoo.addons.crm_loyalty.tests.points_machine import (
    COST,
    DISCOUNT,
    NUMBERS,
    START,
    MachineMixin,
    PointsMachine,
)
from odoo.addons.crm_loyalty.tests.points_model import Order

#: money for one point, where the customer chooses how many
PER_POINT = Decimal('0.1')
HELD = timedelta(minutes=15)


class Receipt:
    """A till order: what the till sent, and the same in Odoo and in the model."""

    def __init__(self, sale, order, model):
        self.sale, self.order, self.model = sale, order, model
        self.is_credited = self.is_reward_back = False
        #: what refunds sent
        self.refunds = []

    @property
    def back(self):
        return self.model.invoices[0][1]

    @property
    def goods(self):
        return self.order.lines.filtered(lambda line: not line.reward_id)

    @property
    def reward(self):
        return self.order.lines.filtered('reward_id')


class TillMachine(PointsMachine):
    """What is sold at a till counts at once, whatever the program says about sales orders."""

    def __init__(self, test):
        super().__init__(test)
        self.receipts: list[Receipt] = []

    @initialize()
    def open_till(self):
        self.test.till.current_session_id.start_at = START - timedelta(hours=1)

    # ------------------------------------------------------------
    # SALES
    # ------------------------------------------------------------

    @rule(
        number=NUMBERS,
        qty=st.integers(1, 4),
        price=st.sampled_from(['33.33', '20', '99.99']).map(Decimal),
        claim=st.sampled_from([None, None, 'fixed', Decimal(1), Decimal(37), Decimal(150)]),
        pause=st.sampled_from([None, 0, 10, 20, 24 * 60]),
        to_invoice=st.booleans(),
    )
    def sell(self, number, qty, price, claim, pause, to_invoice):
        """Sell goods, with a reward or without; its points are held some minutes before."""
        member = self.pick(number, self.members)
        model = self.make_order(Order, member, price, qty)
        model.earn_on = 'confirm'
        lines = [self.test.prepare_line(float(price), qty)]
        if claim:
            lines.append(self.prepare_claim(member, model, claim))
        sale = self.test.prepare_sale(lines, partner=member.partner, to_invoice=to_invoice)
        if claim and pause is not None:
            self.hold_for(member, model, sale, pause)
            sale['date_order'] = self.now.strftime('%Y-%m-%d %H:%M:%S')
        receipt = Receipt(sale, self.test.send(sale), model)
        self.receipts.append(receipt)
        book = model.book
        if model.cost:
            model.taken = book.spend(model.cost, self.now, self.today, own=sale['uuid'], final=True)
        self.drop_hold(book, sale['uuid'])
        model.state = 'sale'
        model.invoices = [[qty, 0, True]]
        model.freeze(self.today)
        self.post_orders(model)
        self.test.assertNotEqual(receipt.order.loyalty_exception, 'failed')
        self.test.assertFalse(self.test.send(sale) - receipt.order, "sent twice")

    def prepare_claim(self, member, model, claim):
        """Return the line of a reward, at a fixed price or as many points as were chosen."""
        if claim == 'fixed':
            model.cost, model.discount = COST, DISCOUNT
            return self.test.prepare_reward(member.card)
        model.cost = min(claim, model.price * model.ordered / PER_POINT).quantize(Decimal(1))
        model.discount = model.cost * PER_POINT
        return self.test.prepare_reward(
            member.card, float(model.discount), float(model.cost), self.test.by_point
        )

    def hold_for(self, member, model, sale, minutes):
        book = model.book
        is_free = model.cost <= book.get_free(self.now, self.today)
        answer = self.test.hold(member.card, float(model.cost), sale['uuid'])
        self.test.assertEqual(answer['successful'], is_free, answer)
        if is_free:
            book.expire(self.now, self.today)
            book.holds[sale['uuid']] = (model.cost, self.now + HELD)
        self.now += timedelta(minutes=minutes)
        self.test.clock.move_to(self.now)

    @precondition(lambda self: self.receipts)
    @rule(number=NUMBERS)
    def send_again(self, number):
        receipt = self.pick(number, self.receipts)
        for sale in [receipt.sale, *receipt.refunds]:
            self.test.send(sale)

    # ------------------------------------------------------------
    # WHAT COMES BACK
    # ------------------------------------------------------------

    def get_refundable(self):
        return [
            receipt
            for receipt in self.receipts
            if receipt.back < receipt.model.ordered and not receipt.is_credited
        ]

    @precondition(lambda self: self.get_refundable())
    @rule(number=NUMBERS, qty=st.integers(1, 3), with_reward=st.booleans())
    def refund(self, number, qty, with_reward):
        receipt = self.pick(number, self.get_refundable())
        model = receipt.model
        qty = min(qty, model.ordered - receipt.back)
        # the money of a refund is not below zero
        with_reward &= bool(model.taken) and not receipt.is_reward_back
        with_reward &= model.price * qty > model.discount
        quantities = {receipt.goods: qty}
        if with_reward:
            quantities[receipt.reward] = 1
            receipt.is_reward_back = True
        partner = self.find(model.book).partner
        receipt.refunds.append(self.test.prepare_refund(quantities, partner=partner))
        self.test.send(receipt.refunds[-1])
        model.invoices[0][1] += qty
        self.post_orders(model)
        if with_reward:
            model.book.give_back(model.taken, self.now, self.today)

    def get_creditable(self):
        return [
            receipt
            for receipt in self.get_refundable()
            if receipt.order.account_move and not receipt.back
        ]

    @precondition(lambda self: self.get_creditable())
    @rule(number=NUMBERS, qty=st.integers(1, 4))
    def credit_receipt(self, number, qty):
        """Credit the invoice of a till order: pieces, or all of it with its reward."""
        receipt = self.pick(number, self.get_creditable())
        model = receipt.model
        note = receipt.order.account_move._reverse_moves()
        if model.taken:
            qty = model.ordered
        else:
            qty = min(qty, model.ordered)
            note.invoice_line_ids.filtered('product_id').quantity = qty
        note.action_post()
        receipt.is_credited = True
        model.invoices[0][1] = qty
        self.post_orders(model)
        if model.taken:
            model.book.give_back(model.taken, self.now, self.today)


class TillMachineMixin(MachineMixin):
    """Runs machines in a case of :class:`TillCommon`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_point = cls.reward.create(
            {
                'program_id': cls.program.id,
                'reward_type': 'discount',
                'discount_mode': 'per_point',
                'discount': float(PER_POINT),
                'discount_applicability': 'order',
                'required_points': 1,
            }
        )

    def play(self, number, machine=TillMachine, **options):
        return super().play(number, machine, **options)
