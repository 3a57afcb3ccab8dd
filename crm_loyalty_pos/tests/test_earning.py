from datetime import timedelta

from odoo.exceptions import ConcurrencyError
from odoo.fields import Command, Datetime
from odoo.tests import tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillEarning(TillCommon):
    """What till orders earn is computed by the server."""

    def test_earns_with_the_order(self):
        order = self.sell()
        card = self.get_card()
        self.assertEqual(card.points, 100)
        self.assertEqual(card.source_pos_order_id, order)
        row = card.history_ids
        self.assertEqual((row.kind, row.qty, row.origin), ('earn', 100, order.display_name))
        self.assertEqual((row.order_model, row.order_id), ('pos.order', order.id))
        self.assertEqual(row.document_company_id, order.company_id)
        self.assert_balanced(card)

    def test_claim_is_never_believed(self):
        """Core gives whatever a till claims."""
        order = self.sell()
        answer = self.claim(order, -1, points=100000)
        card = self.get_card()
        self.assertEqual(card.points, 100)
        self.assertEqual(
            answer['coupon_updates'],
            [
                {
                    'old_id': -1,
                    'id': card.id,
                    'points': 100,
                    'code': card.code,
                    'program_id': self.program.id,
                    'partner_id': self.member.id,
                }
            ],
        )
        self.assert_balanced(card)

    def test_sent_twice_is_once(self):
        sale = self.prepare_sale([self.prepare_line()])
        order = self.send(sale)
        self.claim(order, -1, 100)
        self.assertEqual(self.send(sale), order)
        self.claim(order, -1, 100)
        self.claim(order, self.get_card().id, 100)
        self.assertEqual(self.get_kinds(self.get_card()), [('earn', 100)])

    def test_key_is_that_of_the_till(self):
        order = self.sell()
        self.assertIn(order.uuid, self.get_card().history_ids.key)

    def test_v2_same_rounding_as_sale_orders(self):
        """Core's tills round half up: 16.67."""
        self.program.rule_ids.reward_point_amount = 0.5
        sale_order = self.create_order(33.33)
        sale_order.action_confirm()
        card = self.get_card()
        self.assertEqual(card.points, 16.66)
        self.sell(self.prepare_line(33.33))
        self.assertEqual(self.get_kinds(card), [('earn', 16.66), ('earn', 16.66)])

    def test_base_without_taxes(self):
        self.program.earn_base = 'excl'
        self.goods.taxes_id = self.env['account.tax'].create({'name': "13 %", 'amount': 13})
        self.sell(self.prepare_line(99.99))
        self.assertEqual(self.get_card().points, 99.99)
        self.program.earn_base = 'incl'
        self.sell(self.prepare_line(99.99))
        self.assertEqual(self.get_card().points, 99.99 + 112.99)

    def test_receipt_shows_what_the_server_gave(self):
        self.program.rule_ids.reward_point_amount = 0.5
        self.sell(self.prepare_line(33.33))
        card = self.get_card()
        self.assertEqual(
            self.answer['loyalty_points'],
            [
                {
                    'card_id': card.id,
                    'program_id': self.program.id,
                    'won': 16.66,
                    'spent': 0,
                    'balance': 16.66,
                }
            ],
        )

    def test_v23_caps_count_all_channels(self):
        self.program.cap_day = 200
        self.sell(self.prepare_line(150))
        self.sell(self.prepare_line(120))
        card = self.get_card()
        self.assertEqual(self.get_kinds(card), [('earn', 150), ('earn', 50)])
        order = self.create_order(80)
        order.action_confirm()
        self.assertEqual(card.points, 200)

    def test_caps_of_orders_sent_late(self):
        """Each counts for its own day."""
        self.program.cap_day = 200
        self.till.current_session_id.start_at = Datetime.now() - timedelta(days=9)
        for days in (3, 2, 3, 0):
            moment = Datetime.now() - timedelta(days=days)
            self.sell(self.prepare_line(150), date_order=Datetime.to_string(moment))
        self.assertEqual(
            self.get_kinds(self.get_card()),
            [('earn', 150), ('earn', 150), ('earn', 50), ('earn', 150)],
        )

    def test_points_of_sale_orders_count_at_the_till(self):
        self.program.cap_day = 200
        self.create_order(150).action_confirm()
        self.sell(self.prepare_line(120))
        self.assertEqual(self.get_card().points, 200)

    def test_order_sent_late(self):
        """The day of the order counts: for the program, for bonuses and in the statement."""
        before = Datetime.now() - timedelta(days=5)
        self.till.current_session_id.start_at = before - timedelta(hours=1)
        self.program.bonus_ids = [
            Command.create(
                {
                    'name': "Last week",
                    'date_from': before.date() - timedelta(days=1),
                    'date_to': before.date() + timedelta(days=1),
                    'multiplier': 2,
                }
            )
        ]
        self.program.date_to = before.date() + timedelta(days=2)
        self.sell(date_order=Datetime.to_string(before))
        card = self.get_card()
        self.assertEqual(self.get_kinds(card), [('earn', 200)])
        self.assertEqual(card.history_ids.date, before.replace(microsecond=0))
        self.sell()
        self.assertEqual(card.points, 200)

    def test_no_order_from_tomorrow(self):
        self.sell(date_order=Datetime.to_string(Datetime.now() + timedelta(days=30)))
        self.assertLessEqual(self.get_card().history_ids.date, Datetime.now())

    def test_no_order_from_before_the_till_was_opened(self):
        """Whose clock is set back earns under no program that ended."""
        before = Datetime.now() - timedelta(days=5)
        session = self.till.current_session_id
        session.start_at = before + timedelta(days=1)
        self.sell(date_order=Datetime.to_string(before))
        card = self.get_card()
        self.assertEqual(card.history_ids.date, session.start_at)
        self.program.date_to = before.date()
        self.sell(date_order=Datetime.to_string(before))
        self.assertEqual(card.points, 100)

    def test_order_of_the_session_before(self):
        """Somebody closed it while the till had no connection."""
        before = Datetime.now().replace(microsecond=0) - timedelta(days=5)
        closed = self.till.current_session_id
        closed.write({'start_at': before - timedelta(hours=1), 'state': 'closed'})
        self.till.open_ui()
        session = self.till.current_session_id
        self.assertNotEqual(session, closed)
        session.set_opening_control(0, None)
        sale = self.prepare_sale([self.prepare_line()], date_order=Datetime.to_string(before))
        order = self.send({**sale, 'session_id': closed.id})
        self.assertEqual(order.session_id, session)
        self.assertEqual(self.get_card().history_ids.date, before)

    def test_branch(self):
        """A branch has the programs of the company it belongs to, and no others."""
        company = self.env.company
        self.program.company_id = company
        branch = self.env['res.company'].create(
            {'name': "Branch", 'parent_id': company.id, 'country_id': company.country_id.id}
        )
        self.env.user.company_ids += branch
        self.cashier.write({'company_ids': [Command.link(branch.id)], 'company_id': branch.id})
        methods = self.env['pos.payment.method'].with_company(branch)
        method = methods.create({'name': "Card", 'journal_id': self.method.journal_id.id})
        self.patch(type(self), 'method', method)
        till = (
            self.env['pos.config']
            .with_company(branch)
            .create({'name': "Branch", 'payment_method_ids': [Command.set(method.ids)]})
        )
        till.open_ui()
        till.current_session_id.set_opening_control(0, None)
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card), till=till)
        self.assertEqual((order.company_id, order.loyalty_exception), (branch, False))
        self.assertEqual(card.points, 120)
        self.program.company_id = self.env['res.company'].create({'name': "Other"})
        self.assertNotIn(self.program, order._get_earning_programs())

    def test_nobody_and_drafts_earn_nothing(self):
        self.sell(partner=False)
        self.send(self.prepare_sale([self.prepare_line()], state='draft', payment_ids=[]))
        self.assertFalse(self.get_card())

    def test_draft_that_is_paid(self):
        sale = self.prepare_sale([self.prepare_line()], state='draft', payment_ids=[])
        order = self.send({**sale, 'amount_paid': 0})
        paid = self.prepare_sale([], uuid=sale['uuid'])
        paid.update(amount_total=100, amount_paid=100)
        paid['payment_ids'][0][2]['amount'] = 100
        self.assertEqual(self.send(paid), order)
        self.assertEqual(self.get_card().points, 100)

    def test_draft_that_is_deleted(self):
        order = self.send(self.prepare_sale([self.prepare_line()], state='draft', payment_ids=[]))
        order.with_user(self.cashier).remove_from_ui(order.ids)
        self.assertFalse(order.exists())
        self.assertFalse(self.get_card())

    def test_members_only(self):
        self.program.earn_partner_domain = "[('is_company', '=', True)]"
        self.sell()
        self.assertFalse(self.get_card())

    def test_other_tills(self):
        self.program.pos_config_ids = self.create_till("Other till")
        self.sell()
        self.assertFalse(self.get_card())
        self.sell(till=self.program.pos_config_ids)
        self.assertEqual(self.get_card().points, 100)

    def test_held_back(self):
        self.program.release_delay_days = 14
        order = self.sell()
        card = self.get_card()
        self.assertEqual((card.points, card.points_pending), (0, 100))
        self.refund(order, {order.lines: 1})
        self.assertEqual((card.points, card.points_pending), (0, 0))

    def test_held_back_from_the_day_of_the_order(self):
        self.program.release_delay_days = 14
        self.till.current_session_id.start_at = Datetime.now() - timedelta(days=9)
        moment = Datetime.now() - timedelta(days=5)
        self.sell(date_order=Datetime.to_string(moment))
        row = self.env['loyalty.pending'].search([('card_id', '=', self.get_card().id)])
        released_on = self.program._get_local_day(row.release_at)
        self.assertEqual(released_on, self.program._get_local_day(moment) + timedelta(days=14))

    def test_held_back_from_the_day_goods_were_shipped(self):
        self.program.write({'release_delay_days': 14, 'earn_on': 'delivered'})
        self.till.current_session_id.start_at = Datetime.now() - timedelta(days=9)
        self.goods.is_storable = True
        order = self.sell(
            date_order=Datetime.to_string(Datetime.now() - timedelta(days=5)),
            shipping_date=self.program._get_local_day(),
        )
        order.picking_ids.move_ids.write({'quantity': 1, 'picked': True})
        order.picking_ids._action_done()
        row = self.env['loyalty.pending'].search([('card_id', '=', self.get_card().id)])
        released_on = self.program._get_local_day(row.release_at)
        self.assertEqual(released_on, self.program._get_local_day() + timedelta(days=14))

    def test_free_product_earns_nothing(self):
        """The till takes a free product off by a line of its own."""
        reward = self.env['loyalty.reward'].create(
            {
                'program_id': self.program.id,
                'reward_type': 'product',
                'reward_product_id': self.goods.id,
                'required_points': 30,
            }
        )
        card = self.create_card(points=30)
        self.sell(
            self.prepare_line(33.33, 3),
            self.prepare_reward(card, 33.33, 30, reward),
        )
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 66.66), ('burn', -30)])

    def test_card_that_another_till_made(self):
        """A till without connection made a card of its own; the member keeps the one he has."""
        card = self.create_card(points=5)
        order = self.sell()
        answer = self.claim(order, -7, 100)
        self.assertEqual(self.get_card(), card)
        [update] = answer['coupon_updates']
        self.assertEqual((update['old_id'], update['id'], update['points']), (-7, card.id, 105))

    def test_exchange_without_receipt(self):
        self.sell(self.prepare_line(100), self.prepare_line(30, -1))
        self.assertEqual(self.get_card().points, 70)

    def test_combo(self):
        parent = self.prepare_line(0)
        items = [self.prepare_line(40), self.prepare_line(60)]
        sale = self.prepare_sale([parent, *items])
        of_parent = {'combo_parent_id': parent[2]['uuid']}
        sale['relations_uuid_mapping'] = {
            'pos.order.line': {item[2]['uuid']: of_parent for item in items}
        }
        order = self.send(sale)
        self.assertEqual(len(order.lines.combo_line_ids), 2)
        self.assertEqual(self.get_card().points, 100)

    def test_sale_is_never_lost(self):
        """Whatever is wrong with the points, the money is in the drawer."""

        def fail(*args):
            raise ValueError("broken")

        self.patch(self.registry['pos.order'], '_get_program_earning', fail)
        with self.assertLogs('odoo.addons.crm_loyalty_pos', 'ERROR'):
            order = self.sell()
        self.assertEqual((order.state, order.loyalty_exception), ('paid', 'failed'))
        self.assertFalse(self.get_card())

    def test_others_were_faster(self):
        """A card that another till makes at this moment: the request is run again, not noted."""

        def fail(*args):
            raise ConcurrencyError("a card by now")

        self.patch(self.registry['pos.order'], '_create_member_card', fail)
        with self.assertRaises(ConcurrencyError):
            self.sell()

    def test_failed_points_are_computed_again(self):
        order = self.sell()
        card = self.get_card()
        order._settling().loyalty_exception = 'failed'
        order.action_settle_points()
        self.assertFalse(order.loyalty_exception)
        self.assertEqual(card.points, 100)

    def test_invoiced_order(self):
        order = self.sell(to_invoice=True)
        self.assertEqual(order.account_move.state, 'posted')
        card = self.get_card()
        self.assertEqual(self.get_kinds(card), [('earn', 100)])
        reversal = order.account_move._reverse_moves()
        reversal.invoice_line_ids.price_unit = 40
        reversal.action_post()
        self.assertEqual(self.get_kinds(card), [('earn', 100), ('unearn', -40)])
        self.assert_balanced(card)
