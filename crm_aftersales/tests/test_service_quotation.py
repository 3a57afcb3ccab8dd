from lxml import etree, html

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common_service import ServiceCommon

#: a signature of one transparent pixel
PIXEL = (
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9'
    'awAAAABJRU5ErkJggg=='
)


class QuotationCase(ServiceCommon):
    def setUp(self):
        super().setUp()
        self._expire_warranty()

    def _ordered(self, *shares):
        """Return lines, one for each share of the customer, on an order he has approved."""
        lines = self.env['aftersales.service.line']
        for share in shares:
            line = self._add(self.labour)
            if share < 100:
                self._override(line, 'goodwill', share)
            lines |= line
        self._quote().action_confirm()
        return lines

    def _have_provider(self, usable):
        """Have online payment, or none: providers of the database do not count."""
        self.env['payment.provider'].search([]).state = 'disabled'
        if not usable:
            return self.env['payment.provider']
        method = self.env['payment.method'].create(
            {'name': "Test", 'code': 'aftersales_test', 'active': True}
        )
        return self.env['payment.provider'].create(
            {
                'name': "Test",
                'company_id': self.company.id,
                'state': 'test',
                'is_published': True,
                'payment_method_ids': [Command.set(method.ids)],
            }
        )

    def _pay(self, amount, state):
        """Have the customer pay the order online, so far that the payment is in a state."""
        provider = self.env['payment.provider'].search([('state', '=', 'test')], limit=1)
        return self.env['payment.transaction'].create(
            {
                'provider_id': provider.id,
                'payment_method_id': provider.payment_method_ids.id,
                'reference': f"Test {amount} {state}",
                'amount': amount,
                'currency_id': self.order.currency_id.id,
                'partner_id': self.order.partner_id.id,
                'sale_order_ids': [Command.set(self.order.ids)],
                'state': state,
            }
        )

    def _invoice(self, order):
        invoice = order._create_invoices(final=True)
        invoice.action_post()
        return invoice


@tagged('post_install', '-at_install')
class TestServiceQuotation(QuotationCase):
    """The customer's share on core's orders and invoices."""

    # ------------------------------------------------------------
    # What stands on it
    # ------------------------------------------------------------

    def test_phones_show_what_is_quoted(self):
        """Lines of the desk's own order form are cards there: of a list the prices were cut off."""
        form = self.env.ref('crm_aftersales.sale_order_view_form_service')
        view = self.env['sale.order'].with_user(self.user_service).get_view(form.id, 'form')
        (lines,) = etree.fromstring(view['arch']).iterfind(".//field[@name='order_line']")
        self.assertEqual(lines.get('mode'), 'list,kanban')
        self.assertIsNotNone(lines.find("kanban//field[@name='price_subtotal']"))

    def test_4_3_2_price_is_never_zero(self):
        free, half = self._add(self.seal), self._add(self.labour)
        self._add(self.travel)
        self._override(free, 'warranty', 0)
        self._override(half, 'goodwill', 50)
        order = self._quote()
        figures = [
            (line.price_unit, line.discount, line.price_subtotal) for line in order.order_line
        ]
        self.assertEqual(figures, [(33.35, 100, 0), (80, 50, 40), (45, 0, 45)])
        self.assertEqual(free.price_unit, 33.35)
        order.order_line[0].product_uom_qty = 2
        self.assertEqual(order.order_line[0].price_unit, 33.35, "core keeps it, too")

    def test_4_3_2_two_discounts(self):
        """20 % off and half of the rest: one discount where that is exact."""
        line = self._add(self.labour, discount=20)
        self._override(line, 'goodwill', 50)
        order = self._quote()
        self.assertEqual(order.order_line.mapped('discount'), [60])
        self.assertEqual((order.amount_untaxed, line.amount_customer), (32, 32))

    def test_4_3_2_a_price_has_to_be_there(self):
        line = self._add(self.labour, price_unit=0)
        self._add(self.travel)
        with self.assertRaisesRegex(UserError, "has no price"):
            self._quote()
        line.price_unit = 10
        self.assertEqual(self._quote().amount_untaxed, 55)

    def test_4_3_3_tax_is_on_what_the_customer_pays(self):
        self.labour.taxes_id = self.env['account.tax'].create(
            {'name': "Twenty", 'amount': 20, 'type_tax_use': 'sale'}
        )
        self._override(self._add(self.labour), 'goodwill', 50)
        self._override(self._add(self.labour), 'warranty', 0)
        order = self._quote()
        self.assertEqual((order.amount_untaxed, order.amount_tax), (40, 8))

    def test_reasons_sections_and_links(self):
        Line = self.env['aftersales.service.line']
        for sequence, name in ((1, "Parts"), (3, "Empty"), (4, "Work")):
            Line.create(
                {
                    'request_id': self.request.id,
                    'display_type': 'line_section',
                    'name': name,
                    'sequence': sequence,
                }
            )
        part = self._add(self.seal, sequence=2)
        work = self._add(self.labour, sequence=5)
        order = self._quote()
        names = order.order_line.mapped('name')
        self.assertEqual([names[0], names[2]], ["Parts", "Work"])
        self.assertIn("ended on 01/31/2026", names[1], "the customer reads why he pays")
        self.assertEqual(order.order_line.aftersales_service_line_ids, part | work)
        self.assertEqual(order.aftersales_request_id, self.request)
        self.assertEqual(order.origin, self.request.number)
        self.assertEqual(self.request.quotation_count, 1)
        html = self.env['ir.actions.report']._render_qweb_html(
            'sale.action_report_saleorder', order.ids
        )[0]
        self.assertIn(b"ended on 01/31/2026", html)

    def test_what_is_not_checked_yet_is_checked(self):
        self.request.fault_date = '2026-01-15'
        line = self._add(self.labour)
        self._add(self.travel, type='fee')
        self.assertEqual(line.coverage_state, 'unchecked')
        self.assertEqual(self._quote().amount_untaxed, 45)
        self.assertEqual(line.payer, 'warranty')

    def test_what_cannot_be_quoted(self):
        with self.assertRaisesRegex(UserError, "nothing to quote"):
            self._quote()
        line = self._add(self.labour)
        self._override(line, 'warranty')
        with self.assertRaisesRegex(UserError, "pays nothing"):
            self._quote()
        self._override(line, 'customer')
        self._quote()
        with self.assertRaisesRegex(UserError, "nothing to quote"):
            self._quote()
        self.request.write({'partner_id': False, 'unit_id': False})
        with self.assertRaisesRegex(UserError, "customer"):
            self._quote()

    def test_who_quotes(self):
        self.request.user_id = self.user_technician
        self._add(self.labour)
        for method in ('action_create_quotation', 'action_send_quotation'):
            with self.assertRaises(AccessError):
                getattr(self.request.with_user(self.user_technician), method)()
        action = self.request.with_user(self.user_service).action_create_quotation()
        self.assertEqual(action['res_model'], 'sale.order')
        order = self.env['sale.order'].browse(action['res_id'])
        order.with_user(self.user_service).action_send_aftersales_quotation()
        self.assertEqual(order.state, 'sent')

    def test_the_customer_can_always_approve(self):
        self.company.write({'portal_confirmation_sign': False, 'portal_confirmation_pay': False})
        self._add(self.labour)
        self.assertTrue(self._quote().require_signature)

    def test_online_payment_only_where_the_customer_can_pay(self):
        self.company.write({'portal_confirmation_sign': True, 'portal_confirmation_pay': True})
        self._have_provider(False)
        self._add(self.labour)
        order = self._quote()
        self.assertEqual((order.require_payment, order.require_signature), (False, True))
        provider = self._have_provider(True)
        self._add(self.travel)
        paid = self._quote()
        self.assertTrue(paid.require_payment)
        provider.state = 'disabled'
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertFalse(paid.require_payment, "decided when it is sent")

    # ------------------------------------------------------------
    # Decided by the service desk
    # ------------------------------------------------------------

    def test_confirmed_on_the_customers_word(self):
        self._add(self.labour)
        order = self._quote()
        request = self.request.with_user(self.user_service)
        request.action_send_quotation()
        self.assertTrue(request.has_open_quotation)
        request.action_confirm_quotation()
        self.assertEqual((order.state, request.state), ('sale', 'open'))
        note = request.message_ids[0]
        self.assertIn("on the customer's word", note.body)
        self.assertEqual(note.author_id, self.user_service.partner_id)
        self.assertFalse(request.has_open_quotation)
        with self.assertRaisesRegex(UserError, "No quotation waits"):
            request.action_cancel_quotation()

    def test_cancelled_to_quote_again(self):
        line = self._add(self.labour)
        order = self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        order.with_user(self.user_service).action_cancel_aftersales_quotation()
        self.assertEqual((order.state, self.request.state), ('cancel', 'open'))
        line.with_user(self.user_service).price_unit = 70
        self.assertEqual(self._quote().amount_untaxed, 70)

    def test_withdrawn_with_the_request(self):
        """What nobody will do cannot be ordered; what was signed or ordered stays."""
        self.request.user_id = self.user_service
        request = self.request.with_user(self.user_service)
        orders = self.env['sale.order']
        for _number in range(3):
            self._add(self.labour)
            orders |= self._quote()
        request.action_send_quotation()
        self._add(self.travel)
        orders |= self._quote()
        sent, signed, ordered, _draft = orders
        signed.signature = PIXEL
        ordered.action_confirm()
        request.action_cancel()
        self.assertEqual(orders.mapped('state'), ['cancel', 'sent', 'sale', 'cancel'])
        self.assertIn(sent.name, str(self.request.message_ids.mapped('body')))
        self.assertEqual(request.state, 'cancelled')
        # nothing else shows the desk what stays, and the customer has withdrawn
        said = str(request.message_ids[:3].mapped('body'))
        self.assertIn("Confirm or cancel it", said)
        self.assertIn("Cancel the order, or charge for it", said)
        decide = f"Confirm or cancel quotation {signed.name}"
        charge = f"Cancel or charge order {ordered.name}"
        todo = self.request.activity_ids
        self.assertEqual(set(todo.mapped('summary')), {decide, charge})
        self.assertEqual(todo.user_id, self.user_service)
        self.assertFalse(self.request._get_portal_quotations())
        signed.action_confirm()
        self.assertEqual(self.request.activity_ids.mapped('summary'), [charge])
        self.request.activity_ids.write({'user_id': self.user_manager.id, 'note': "Asked her"})
        self.assertTrue(self._invoice(ordered))
        self.assertFalse(self.request.activity_ids, "charged")

    def test_reopened_there_is_nothing_to_decide(self):
        self.request.user_id = self.user_service
        self._add(self.labour)
        self._quote().action_confirm()
        self.request.action_cancel()
        self.assertTrue(self.request.activity_ids)
        self.request.action_reopen()
        self.assertFalse(self.request.activity_ids)

    def test_asked_before_a_quotation_is_taken_away(self):
        """Only where cancelling takes one that the customer could order."""
        request = self.request.with_user(self.user_service)
        self._add(self.labour)
        first = self._quote()
        self.assertFalse(request.withdraws_quotation, "nobody knows of it")
        request.action_send_quotation()
        self.assertTrue(request.withdraws_quotation)
        first.signature = PIXEL
        self.assertFalse(request.withdraws_quotation, "it stays")
        self._add(self.travel)
        self._quote()
        request.action_send_quotation()
        self.assertTrue(request.withdraws_quotation)

    def test_payment_on_its_way_outlives_the_request(self):
        """Money that comes in must find its order; a payment begun and left is nothing."""
        provider = self._have_provider(True)
        orders = self.env['sale.order']
        states = ('draft', 'pending', 'done', 'error', 'cancel')
        for state in states:
            self._add(self.labour)
            order = self._quote()
            orders |= order
            self.env['payment.transaction'].create(
                {
                    'provider_id': provider.id,
                    'payment_method_id': provider.payment_method_ids.id,
                    'reference': f"Test {state}",
                    'amount': order.amount_total,
                    'currency_id': order.currency_id.id,
                    'partner_id': order.partner_id.id,
                    'sale_order_ids': [Command.set(order.ids)],
                    'state': state,
                }
            )
        request = self.request.with_user(self.user_service)
        request.action_send_quotation()
        request.action_cancel()
        self.assertEqual(request.state, 'cancelled')
        kept = orders.filtered(lambda order: order.state == 'sent')
        self.assertEqual(kept, orders[1:3], dict(zip(states, orders.mapped('state'), strict=True)))

    def test_what_was_quoted_again_is_no_quotation_any_more(self):
        """The customer does not approve one service twice."""
        self._add(self.labour)
        first = self._quote()
        first.action_cancel()
        first.action_draft()
        self.assertEqual(first.state, 'draft', "nothing else quotes it")
        first.action_cancel()
        self._quote()
        with self.assertRaisesRegex(UserError, f"{first.name}.*{self.request.number}"):
            first.action_draft()

    def test_one_of_several_is_named(self):
        self._add(self.labour)
        first = self._quote()
        self._add(self.travel)
        second = self._quote()
        request = self.request.with_user(self.user_service)
        with self.assertRaisesRegex(UserError, f"{first.name}.*Open the one"):
            request.action_confirm_quotation()
        second.with_user(self.user_service).action_confirm_aftersales_quotation()
        self.assertEqual((first.state, second.state), ('draft', 'sale'))

    def test_who_decides(self):
        self.request.user_id = self.user_technician
        self._add(self.labour)
        order = self._quote()
        for user in (self.user_technician, self.user_sale, self.user_plain):
            for method in ('action_confirm', 'action_cancel'):
                with self.assertRaises(AccessError):
                    getattr(self.request.with_user(user), f'{method}_quotation')()
                with self.assertRaises(AccessError):
                    getattr(order.with_user(user), f'{method}_aftersales_quotation')()
        self.assertEqual(order.state, 'draft')

    def test_nothing_is_taken_from_the_customer_by_one_click(self):
        """Whatever cancels a quotation he could accept asks first."""
        Request = self.env['aftersales.request'].with_user(self.user_service)
        form = etree.fromstring(Request.get_view(view_type='form')['arch'])
        (button,) = form.iterfind(".//button[@name='action_cancel_quotation']")
        self.assertTrue(button.get('confirm'))
        plain, asking = form.iterfind(".//button[@name='action_cancel']")
        self.assertIn('withdraws_quotation', plain.get('invisible'))
        self.assertIn('not withdraws_quotation', asking.get('invisible'))
        self.assertEqual((plain.get('confirm'), bool(asking.get('confirm'))), (None, True))

    def test_readers_have_no_buttons(self):
        def get_buttons(user):
            Request = self.env['aftersales.request'].with_user(user)
            view = Request.get_view(self.env.ref('crm_aftersales.aftersales_request_view_form').id)
            return {button.get('name') for button in etree.fromstring(view['arch']).iter('button')}

        work = {'action_take', 'action_resolve', 'action_close', 'action_reopen', 'action_cancel'}
        decide = {'action_confirm_quotation', 'action_cancel_quotation'}
        self.assertFalse((work | decide) & get_buttons(self.user_sale))
        self.assertEqual((work | decide) & get_buttons(self.user_technician), work)
        self.assertLessEqual(work | decide, get_buttons(self.user_service))

    # ------------------------------------------------------------
    # Sent, approved, declined
    # ------------------------------------------------------------

    def test_sent_through_the_gate(self):
        self._add(self.labour)
        with self.assertRaisesRegex(UserError, "Create a quotation"):
            self.request.with_user(self.user_service).action_send_quotation()
        order = self._quote()
        self.request.action_take()
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertEqual((order.state, self.request.state), ('sent', 'waiting_customer'))
        message = self.env['crm.message'].search(
            [('origin_model', '=', 'sale.order'), ('origin_id', '=', order.id)]
        )
        self.assertEqual(message.message_class, 'transactional')
        [content] = message._compose().values()
        self.assertIn(order.get_portal_url(), content.body)
        self.assertIn(self.request.number, content.subject)

    def test_sent_is_an_answer(self):
        """Who gets a quotation has heard of us."""
        self._add(self.labour)
        self._quote()
        self.assertFalse(self.request.date_first_reply)
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertTrue(self.request.date_first_reply)
        first = self.request.sla_clock_ids.filtered(lambda clock: clock.kind == 'first_response')
        self.assertNotEqual(first.state, 'running')

    def test_sent_again(self):
        """One message for each sending, whatever the quotation says."""
        self._add(self.labour)
        order = self._quote()
        for number in (1, 2):
            self.request.with_user(self.user_service).action_send_quotation()
            messages = self.env['crm.message'].search(
                [('origin_model', '=', 'sale.order'), ('origin_id', '=', order.id)]
            )
            self.assertEqual(len(messages), number)
            order._action_cancel()
            order.action_draft()

    def test_sent_by_one_mail(self):
        self.company.aftersales_notice_waiting = True
        notices = [('origin_model', '=', 'aftersales.request'), ('origin_id', '=', self.request.id)]
        self._add(self.labour)
        self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertEqual(self.request.state, 'waiting_customer')
        self.assertFalse(self.env['crm.message'].search(notices))

    def test_sent_for_another_address(self):
        """Who does not get the quotation is told that we wait for him."""
        self.company.aftersales_notice_waiting = True
        notices = [('origin_model', '=', 'aftersales.request'), ('origin_id', '=', self.request.id)]
        self._add(self.labour)
        self._quote().partner_id = self.stranger
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertEqual(len(self.env['crm.message'].search(notices)), 1)

    def test_not_sent_past_the_request(self):
        self._add(self.labour)
        order = self._quote()
        with self.assertRaisesRegex(UserError, self.request.number):
            order.action_quotation_send()
        order.action_quotation_sent()
        self.assertEqual(self.request.state, 'waiting_customer')
        self.assertEqual(order.action_quotation_send()['res_model'], 'mail.compose.message')

    def test_approved_and_declined(self):
        self._add(self.labour)
        order = self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        self._add(self.travel)
        second = self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertEqual(self.request._get_portal_quotations(), order | second)
        order.action_confirm()
        self.assertEqual(self.request.state, 'waiting_customer', "the other one still waits")
        self.assertIn("was approved", self.request.message_ids[0].body)
        second._action_cancel()
        self.assertEqual(self.request.state, 'open')
        self.assertIn("was cancelled", str(self.request.message_ids.mapped('body')))
        self.assertFalse(self.request._get_portal_quotations())

    def test_nothing_is_edited_under_the_customer(self):
        """Neither by who may edit quotations in Sales: he would sign another sum."""
        self._add(self.labour)
        order = self._quote()
        seller = self._create_user('aftersales_seller', 'sales_team.group_sale_manager')
        line = order.order_line[:1].with_user(seller)
        line.price_unit = line.price_unit + 1
        self.request.with_user(self.user_service).action_send_quotation()
        for change in (
            lambda: line.write({'price_unit': 1}),
            lambda: line.unlink(),
            lambda: line.create({'order_id': order.id, 'product_id': self.travel.id}),
        ):
            with self.assertRaises(UserError) as refusal:
                change()
            self.assertIn(self.request.number, str(refusal.exception))
        line.name = "Labour, two hours"
        line.write({'price_unit': line.price_unit, 'tax_ids': [Command.set(line.tax_ids.ids)]})
        pricelist = self.env['product.pricelist'].create({'name': "Abroad"})
        with self.assertRaises(UserError):
            order.with_user(seller).pricelist_id = pricelist

    def test_core_confirms_what_lies_before_the_customer(self):
        """Rewards and prices are settled once more while it is confirmed."""
        self._add(self.labour)
        order = self._quote()
        seller = self._create_user('aftersales_seller', 'sales_team.group_sale_manager')
        self.request.with_user(self.user_service).action_send_quotation()
        Order = self.registry['sale.order']
        origin = Order._action_confirm

        def settle(orders):
            orders.order_line.price_unit = 7
            return origin(orders)

        self.patch(Order, '_action_confirm', settle)
        order.with_user(seller).action_confirm()
        self.assertEqual((order.state, order.order_line[:1].price_unit), ('sale', 7))

    def test_taken_back_in_sales(self):
        """There is nothing any more that the customer could answer; work goes on."""
        self._add(self.labour)
        order = self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        self.assertEqual(self.request.state, 'waiting_customer')
        order.action_draft()
        self.assertEqual(self.request.state, 'open')

    def test_noted_in_the_language_of_the_desk(self):
        """The customer acts in his language; who works on the request reads it in his."""
        self.env['res.lang']._activate_lang('zh_CN')
        self.request.user_id = self.user_service
        self._add(self.labour)
        order = self._quote()
        order.with_context(lang='zh_CN').action_confirm()
        self.assertIn("was approved", self.request.message_ids[0].body)

    # ------------------------------------------------------------
    # Corrections
    # ------------------------------------------------------------

    def test_4_3_5_payer_changed_after_invoicing(self):
        """The order gets lines of its own; neither the invoice nor the line is edited."""
        line, other = self._ordered(100, 100)
        order = line.sale_order_id
        invoice = self._invoice(order)
        decided = self._override(line, 'warranty', 25)
        self.assertEqual((line.payer, line.amount_customer), ('customer', 80))
        self.assertEqual(invoice.amount_untaxed, 160)
        taken_back = line.corrected_by_ids
        self.assertEqual((taken_back.amount_customer, decided.amount_customer), (-80, 20))
        lines = self.request.service_line_ids
        self.assertEqual(sum(lines.mapped('amount_total')), 160)
        self.assertEqual(sum(lines.mapped('amount_customer')), 100)
        self.assertEqual(sum(lines.mapped('cost')), 60)
        self.assertEqual(order.amount_untaxed, 100)
        credit = self._invoice(order)
        self.assertEqual((credit.move_type, credit.amount_untaxed), ('out_refund', 60))
        self.assertEqual(decided.sale_line_id.price_unit, 80, "the price stays")
        self.assertFalse(other.corrected_by_ids)

    def test_4_3_5_before_the_invoice(self):
        [line] = self._ordered(100)
        self._override(line, 'goodwill', 50)
        self.assertEqual(line.sale_order_id.amount_untaxed, 40)
        self.assertEqual(self._invoice(line.sale_order_id).amount_untaxed, 40)

    def test_4_3_5_a_sent_quotation_is_cancelled_first(self):
        line = self._add(self.labour)
        order = self._quote()
        order.action_quotation_sent()
        with self.assertRaisesRegex(UserError, order.name):
            self._override(line, 'goodwill')
        order._action_cancel()
        self._override(line, 'goodwill', 50)
        self.assertEqual(self._quote().amount_untaxed, 40)

    def test_4_3_6_never_more_back_than_paid(self):
        """What was given back by a credit note already is not given back again."""
        [line] = self._ordered(100)
        order = line.sale_order_id
        order.order_line.discount = 10  # a promotion on the order
        invoice = self._invoice(order)
        wizard = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard = wizard.create({'journal_id': invoice.journal_id.id})
        wizard.reverse_moves()
        credit = wizard.new_move_ids
        credit.invoice_line_ids.price_unit = 20
        credit.action_post()
        self._override(line, 'warranty', 0)
        self.assertEqual(line.corrected_by_ids.sale_line_id.price_subtotal, -54)
        with self.assertRaises(UserError):
            self._override(line, 'warranty', 0)
        with self.assertRaises(UserError):
            self._override(line.corrected_by_ids, 'warranty', 0)
        self.assertEqual(line.sale_line_id.untaxed_amount_invoiced, 54)

    def test_4_3_6_corrected_twice(self):
        [line] = self._ordered(100)
        self._invoice(line.sale_order_id)
        second = self._override(line, 'warranty', 50)
        self._invoice(line.sale_order_id)
        third = self._override(second, 'customer')
        self._invoice(line.sale_order_id)
        posted = line.sale_order_id.invoice_ids
        self.assertEqual(sum(posted.mapped('amount_untaxed_signed')), 80)
        self.assertEqual((third.payer, third.amount_customer), ('customer', 80))

    def test_goods_do_not_move_twice(self):
        part = self._add(self.seal, 2)
        self._quote().action_confirm()
        self._override(part, 'warranty', 0)
        added = part.sale_order_id.order_line - part.sale_line_id
        self.assertEqual(added.product_id.mapped('type'), ['service'])

    # ------------------------------------------------------------
    # Margin
    # ------------------------------------------------------------

    def test_margin_of_the_case_with_free_work(self):
        paid, _free = self._ordered(100, 0)
        part = self._add(self.seal)
        request = self.request.with_user(self.user_manager)
        figures = ['service_revenue', 'service_cost', 'service_margin']
        self.assertEqual([request[name] for name in figures], [80, 71, 9])
        self._override(part, 'supplier', 0)
        paid.sale_line_id.discount = 50
        request.invalidate_recordset()
        self.assertEqual([request[name] for name in figures], [40, 71, -31])
        invoice = self._invoice(paid.sale_order_id)
        paid.sale_line_id.product_uom_qty = 2
        request.invalidate_recordset()
        self.assertEqual(request.service_revenue, 40, "what was invoiced")
        invoice._reverse_moves(cancel=True)
        request.invalidate_recordset()
        self.assertEqual(request.service_revenue, 0)
        with self.assertRaises(AccessError):
            self.request.with_user(self.user_service).read(['service_margin'])

    def test_margin_report(self):
        self._ordered(100, 0)
        Report = self.env['aftersales.service.report'].with_user(self.user_manager)
        groups = Report._read_group(
            [('request_id', '=', self.request.id)],
            ['payer'],
            ['revenue:sum', 'cost:sum', 'amount_free:sum', 'margin:sum'],
        )
        self.assertEqual(groups, [('customer', 80, 30, 0, 50), ('goodwill', 0, 30, 80, -30)])
        action = self.request.with_user(self.user_manager).action_view_service_margin()
        self.assertEqual(action['res_model'], 'aftersales.service.report')

    def test_rate_of_the_day_of_the_line(self):
        currency = self.env['res.currency'].create({'name': 'XDD', 'symbol': 'X'})
        self.env['res.currency.rate'].create(
            [
                {'currency_id': currency.id, 'name': day, 'rate': rate}
                for day, rate in (('2020-01-01', 2), ('2026-02-01', 4))
            ]
        )
        self.customer.property_product_pricelist = self.env['product.pricelist'].create(
            {'name': "Abroad", 'currency_id': currency.id}
        )
        line = self._add(self.labour, date='2026-03-01')
        self.assertEqual(line.currency_rate, 4)
        line.date = '2026-01-10'
        self.assertEqual(line.currency_rate, 2)

    def test_margin_follows_lines_that_move(self):
        paid, _free = self._ordered(100, 0)
        other = self.request.copy()
        self.env.flush_all()
        paid.request_id = other
        self.assertEqual((self.request.service_margin, other.service_margin), (-30, 50))

    def test_margin_is_in_the_companys_currency(self):
        currency = self.env['res.currency'].create({'name': 'XDU', 'symbol': 'X'})
        self.env['res.currency.rate'].create(
            {'currency_id': currency.id, 'name': '2020-01-01', 'rate': 2}
        )
        self.customer.property_product_pricelist = self.env['product.pricelist'].create(
            {'name': "Abroad", 'currency_id': currency.id}
        )
        self._ordered(100, 0)
        request = self.request.with_user(self.user_manager)
        self.assertEqual((request.service_revenue, request.service_margin), (80, 20))


@tagged('post_install', '-at_install')
class TestServiceQuotationPortal(QuotationCase, HttpCase):
    """The customer approves or declines on core's page of the order."""

    def setUp(self):
        super().setUp()
        self.company.write({'portal_confirmation_sign': True, 'portal_confirmation_pay': False})
        self._add(self.labour)
        self.order = self._quote()
        self.request.with_user(self.user_service).action_send_quotation()
        self.authenticate('aftersales_customer', 'aftersales_customer')

    def test_signed(self):
        url = f'/my/requests/{self.request.id}'
        page = self.url_open(url).text
        self.assertIn(self.order.name, page)
        self.assertIn("Waiting for your approval", page)
        order_page = self.url_open(self.order.get_portal_url()).text
        self.assertIn("ended on 01/31/2026", order_page)
        with mute_logger('odoo.addons.base.models.ir_actions_report'):
            result = self.make_jsonrpc_request(
                f'/my/orders/{self.order.id}/accept',
                {'access_token': self.order.access_token, 'name': "Wang", 'signature': PIXEL},
            )
        self.assertTrue(result.get('force_refresh'), result)
        self.assertEqual((self.order.state, self.request.state), ('sale', 'open'))
        self.assertIn("was approved", str(self.request.message_ids.mapped('body')))
        self.assertNotIn("Waiting for your approval", self.url_open(url).text)

    def test_signed_and_not_paid(self):
        """The service desk knows, and confirms when the money came another way."""
        self._have_provider(True)
        self.order.require_payment = True
        with mute_logger('odoo.addons.base.models.ir_actions_report'):
            self.make_jsonrpc_request(
                f'/my/orders/{self.order.id}/accept',
                {'access_token': self.order.access_token, 'name': "Wang", 'signature': PIXEL},
            )
        request = self.request.with_user(self.user_service)
        self.assertEqual((self.order.state, request.state), ('sent', 'open'))
        self.assertRegex(request.signed_quotation_text, "signed by Wang on .* not paid")
        self.assertIn("signed by Wang", str(request.message_ids.mapped('body')))
        page = self.url_open(f'/my/requests/{request.id}').text
        self.assertIn("Signed, not paid yet", page)
        self._pay(self.order.amount_total, 'pending')
        page = self.url_open(f'/my/requests/{request.id}').text
        self.assertIn("Your payment is being processed", page)
        self.assertNotIn("Look and Approve", page)
        request.action_confirm_quotation()
        self.assertEqual(self.order.state, 'sale')
        self.assertFalse(request.signed_quotation_text)

    def test_ordered_and_invoiced(self):
        """The customer finds what he ordered, and its invoice, where he approved it."""
        self.order.action_confirm()
        draft = self.order._create_invoices(final=True)
        url = f'/my/requests/{self.request.id}'
        page = self.url_open(url).text
        self.assertIn(f'href="{self.order.get_portal_url()}"', page)
        self.assertNotIn(f'/my/invoices/{draft.id}', page)
        draft.action_post()
        self.assertIn(f'/my/invoices/{draft.id}', self.url_open(url).text)
        refund = draft._reverse_moves()
        refund.action_post()
        page = html.fromstring(self.url_open(url).content)
        (row,) = page.xpath(f"//li[a[contains(@href, '/my/invoices/{refund.id}')]]")
        self.assertIn('-', row.text_content().replace(refund.name, ''), "what is given back")
        self.order.partner_id = self.stranger
        self.assertFalse(self.request._get_portal_orders())

    def test_given_back(self):
        """What was billed and given back is found when the order itself is cancelled."""
        self.order.action_confirm()
        invoice = self._invoice(self.order)
        refund = invoice._reverse_moves()
        refund.action_post()
        self.order._action_cancel()
        page = self.url_open(f'/my/requests/{self.request.id}').text
        for document in (invoice, refund):
            self.assertIn(f'/my/invoices/{document.id}', page)
        self.assertNotIn(f'/my/orders/{self.order.id}', page)
        self.order.partner_id = self.stranger
        self.assertFalse(self.request._get_portal_invoices())

    def test_paid_in_part(self):
        """The customer knows what he paid, and where the rest is paid."""
        self._have_provider(True)
        self.order.require_payment = True
        self._pay(10, 'done')
        self.assertEqual(self.order.state, 'sent')
        page = self.url_open(f'/my/requests/{self.request.id}').text
        self.assertIn("Paid so far", page)
        self.assertIn("Look and Approve", page)
        self.assertNotIn("being processed", page)

    def test_paid_in_full_and_not_ordered(self):
        self._have_provider(True)
        self.order.require_payment = True
        self._pay(self.order.amount_total, 'done')
        page = self.url_open(f'/my/requests/{self.request.id}').text
        self.assertIn("being processed", page)
        self.assertNotIn("Look and Approve", page)

    def test_to_be_transferred(self):
        """Who chose to transfer the money is told to do it."""
        self._have_provider(True)
        self.order.require_payment = True
        self._make_transfer(self._pay(self.order.amount_total, 'pending').provider_id)
        self.assertEqual(self.request._get_portal_payment_step(self.order), 'transfer')
        page = self.url_open(f'/my/requests/{self.request.id}').text
        self.assertIn("How to pay stands in the quotation", page)
        self.assertNotIn("being processed", page)
        self.assertNotIn("Paid so far", page)

    def _make_transfer(self, provider):
        # what the addon of such providers calls them; it need not be there
        self.env.cr.execute(
            "UPDATE payment_provider SET code = 'custom' WHERE id = %s", [provider.id]
        )
        provider.invalidate_recordset(['code'])
        if 'custom_mode' in provider._fields:
            provider.custom_mode = 'wire_transfer'

    def test_the_last_try_to_pay_counts(self):
        self._have_provider(True)
        self.order.require_payment = True
        transfer = self._pay(self.order.amount_total, 'pending')
        self._pay(self.order.amount_total, 'error')
        self.assertEqual(self.request._get_portal_payment_step(self.order), '')
        self._pay(10, 'done')
        self.assertEqual(self.request._get_portal_payment_step(self.order), 'part')
        self._make_transfer(transfer.provider_id)
        self._pay(10, 'pending')
        page = self.url_open(f'/my/requests/{self.request.id}').text
        self.assertIn("Paid so far", page)
        self.assertIn("How to pay stands in the quotation", page)

    def test_declined(self):
        self.url_open(
            f'/my/orders/{self.order.id}/decline',
            data={
                'access_token': self.order.access_token,
                'decline_message': "Too dear",
                'csrf_token': http.Request.csrf_token(self),
            },
        )
        self.assertEqual((self.order.state, self.request.state), ('cancel', 'open'))
        [said] = [
            body
            for body in self.request.message_ids.mapped('body')
            if "declined by the customer" in body
        ]
        self.assertIn("Too dear", said)

    def test_played_by_technician_and_desk(self):
        self.labour.name = "Tour hour"
        request = self._create_request(
            fault_date='2026-03-02', user_id=self.user_technician.id, name="Tour"
        )
        url = f'/odoo/service-requests/{request.id}'
        self.start_tour(url, 'crm_aftersales_service_technician', login='aftersales_tech')
        line = request.service_line_ids
        self.assertEqual((line.amount_total, line.coverage_state), (160, 'not_covered'))
        self.start_tour(url, 'crm_aftersales_service_quotation', login='aftersales_service')
        self.assertEqual(line.sale_order_id.state, 'sent')
        self.assertEqual(request.state, 'waiting_customer')

    def test_technician_enters_lines_on_the_phone(self):
        self.labour.write({'name': "Tour hour", 'is_favorite': True})  # offered first
        request = self._create_request(user_id=self.user_technician.id, name="Tour")
        self.browser_size, self.touch_enabled = '375x667', True
        self.start_tour(
            f'/odoo/service-requests/{request.id}',
            'crm_aftersales_service_phone',
            login='aftersales_tech',
        )
        self.assertEqual(request.service_line_ids.amount_total, 80)

    def test_quotations_of_others_are_not_shown(self):
        self.order.partner_id = self.stranger
        self.assertFalse(self.request._get_portal_quotations())

    def test_customers_do_not_read_lines(self):
        """Costs and reasons of decisions are ours."""
        for name in ('service_line_ids', 'quotation_ids', 'service_amount_other', 'service_cost'):
            with self.assertRaises(AccessError):
                self.request.with_user(self.user_customer).read([name])
        with self.assertRaises(AccessError):
            self.order.with_user(self.user_customer).read(['aftersales_request_id'])
        self.assertEqual(self.order.with_user(self.user_customer).amount_untaxed, 80)

    def test_technician_opens_the_order_of_his_customer(self):
        self.request.user_id = self.user_technician
        order = self.order.with_user(self.user_technician)
        self.assertEqual(order.aftersales_request_id.id, self.request.id)
        with self.assertRaises(AccessError):
            order.write({'order_line': [Command.clear()]})
