import base64
import re

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.crm_loyalty.barcode import get_code128, get_qr
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestStatementReport(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.create_card()
        cls.earn(cls.card, 1250, '2026-01-10 12:00:00')
        cls.earn(cls.card, -250, '2026-02-10 12:00:00', 'burn')

    def render(self, report, cards, data=None):
        content, _type = self.env['ir.actions.report']._render_qweb_html(
            f'crm_loyalty.action_report_{report}', cards.ids, data=data
        )
        return content.decode()

    def test_statement(self):
        page = self.render('statement', self.card)
        for text in (self.card.code, "王小明", "1,000 Points", "+1,250", "-250", "Redeemed"):
            self.assertIn(text, page)
        # as on paper, the oldest first
        self.assertLess(page.index("+1,250"), page.index("-250"))

    def test_chosen_days(self):
        page = self.render(
            'statement', self.card, {'date_from': '2026-02-01', 'date_to': '2026-02-28'}
        )
        self.assertNotIn("+1,250", page)
        self.assertIn("Balance before", page)
        dialog = self.env['loyalty.statement'].create(
            {'card_id': self.card.id, 'date_from': '2026-02-01'}
        )
        action = dialog.with_context(discard_logo_check=True).action_print()
        data = action['data']
        self.assertEqual(data, {'card_ids': self.card.ids, 'date_from': '2026-02-01'})
        # the web client sends no ids when there is data
        values = self.env['report.crm_loyalty.report_statement']._get_report_values(None, data)
        self.assertEqual(values['docs'], self.card)
        self.assertEqual(len(values['pages'][self.card.id]['statement']['movements']), 1)

    def test_language_of_the_member(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.member.lang = 'zh_CN'
        values = self.env['report.crm_loyalty.report_statement']._get_report_values(self.card.ids)
        statement = values['pages'][self.card.id]
        self.assertEqual(statement['card'].env.lang, 'zh_CN')
        self.assertEqual(statement['statement']['movements'][0]['kind_name'], "兑换")

    def test_only_who_may_read(self):
        employee = new_test_user(self.env, 'l_employee', 'base.group_user')
        own = new_test_user(self.env, 'l_own', 'crm_loyalty.group_own')
        report = self.env['report.crm_loyalty.report_statement']
        for user in (employee, own):
            with self.assertRaises(AccessError):
                report.with_user(user)._get_report_values(self.card.ids)
            with self.assertRaises(AccessError):
                self.card.with_user(user)._print_statement()
        self.member.user_id = own
        self.assertTrue(report.with_user(own)._get_report_values(self.card.ids)['pages'])

    def test_dialog(self):
        own = new_test_user(self.env, 'l_own', 'crm_loyalty.group_own')
        self.member.user_id = own
        action = self.card.with_user(own).action_view_statement()
        statement = (
            self.env[action['res_model']]
            .with_user(own)
            .with_context(**action['context'])
            .create({})
        )
        self.assertIn("1,000 Points", statement.body)
        statement.date_from = '2026-02-01'
        self.assertNotIn("+1,250", statement.body)
        statement.date_to = '2026-01-01'
        with self.assertRaises(UserError):
            statement.action_print()
        foreign = self.create_card(self.partner, points=5)
        with self.assertRaises(AccessError):
            self.env['loyalty.statement'].with_user(own).create({'card_id': foreign.id}).body  # noqa: B018

    def test_member_cards(self):
        cards = self.card
        for number in range(11):
            cards |= self.create_card(self.create_partner(f"Member {number}"))
        page = self.render('member_card', cards)
        for card in cards:
            self.assertIn(card.code, page)
            self.assertIn(card._get_bar_image(), page)
            self.assertIn(card._get_qr_image(), page)
        self.assertEqual(page.count('page-break-after: always'), 1, "ten on a page")

    def decode(self, image):
        self.assertTrue(image.startswith('data:image/svg+xml;base64,'))
        return base64.b64decode(image.split(',')[1]).decode()

    def test_codes(self):
        """Bars and squares are where the standards want them."""
        drawing = self.decode(get_code128("AB"))
        bars = [(int(x), int(w)) for x, w in re.findall(r'M(\d+) 0h(\d+)v1', drawing)]
        # start B, A, B, check 2 (104 + 33 + 2 * 34 = 205 = 102 + 103), stop; 10 empty around
        widths = ''.join(
            f'{width}{bars[index + 1][0] - left - width}' if index + 1 < len(bars) else str(width)
            for index, (left, width) in enumerate(bars)
        )
        self.assertEqual(widths, '2112141113231311234111312331112')
        self.assertEqual(bars[0][0], 10)
        square = self.decode(get_qr(self.card.code))
        boxes = {(int(x), int(y)) for x, y in re.findall(r'M(\d+) (\d+)h1', square)}
        # a finder pattern in three corners
        size = int(re.search(r'width="(\d+)"', square).group(1))
        for left, top in ((4, 4), (size - 11, 4), (4, size - 11)):
            self.assertTrue({(left + n, top) for n in range(7)} <= boxes)
            self.assertNotIn((left + 1, top + 1), boxes)
        with self.assertRaises(ValueError):
            get_code128("会员")

    def test_exceptions(self):
        """Adjustments, points of orders without an order, and cards in debt."""
        order = self.create_order(80)
        order.action_confirm()
        other = self.create_card(self.partner)
        other.points = 20
        view = self.env.ref('crm_loyalty.loyalty_history_view_search')
        arch = self.env['loyalty.history'].get_view(view.id, 'search')['arch']
        domain = re.search(r'name="exceptions"[^>]*domain="([^"]*)"', arch, re.DOTALL).group(1)
        domain = safe_eval(domain.replace('&amp;', '&').replace('&gt;', '>'))
        rows = self.env['loyalty.history'].search(
            [('card_id', 'in', (self.card | other).ids), *domain]
        )
        loose = self.card.history_ids.filtered(lambda row: not row.order_id)
        self.assertEqual(rows, loose | other.history_ids)
        # another system named its document
        self.env['loyalty.card'].sudo()._post(
            [Movement(self.card.id, 5, 'earn', "Receipt", origin="Receipt 123")]
        )
        self.assertEqual(
            self.env['loyalty.history'].search([('card_id', '=', self.card.id), *domain]), loose
        )
        self.earn(self.card, -5000, '2026-03-10 12:00:00', 'unearn')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_loyalty.loyalty_card_action_debt'
        )
        self.assertIn(self.card, self.env['loyalty.card'].search(safe_eval(action['domain'])))
