from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from .common import AS_OF, CampaignsCommon


@tagged('post_install', '-at_install')
class TestScoreRefund(AccountTestInvoicingCommon):
    """Credit notes need a chart of accounts."""

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref('crm_campaigns.group_manager')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data['company']
        cls.company.write({'crm_score_min_buyers': 1, 'crm_score_min_days': 0})
        cls.eur = cls.setup_other_currency(
            'EUR', rates=[('2026-01-01', 1 / 1.10), ('2026-03-01', 1 / 1.20)]
        )
        cls.env['product.pricelist'].search([]).active = False
        cls.pricelist = cls.env['product.pricelist'].create(
            {'name': "EUR", 'currency_id': cls.eur.id, 'company_id': cls.company.id}
        )
        cls.product = cls.env['product.product'].create(
            {'name': "Tea", 'type': 'service', 'invoice_policy': 'order', 'taxes_id': False}
        )
        cls.customer = cls.env['res.partner'].create({'name': "Customer"})

    def _order_of_100_eur(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'pricelist_id': self.pricelist.id,
                'date_order': '2026-01-15 10:00:00',
                'state': 'sale',
                'order_line': [
                    Command.create(
                        {'product_id': self.product.id, 'price_unit': 100, 'tax_ids': False}
                    )
                ],
            }
        )
        invoice = order._create_invoices()
        invoice.invoice_date = '2026-01-15'
        invoice.action_post()
        return order, invoice

    def _refund(self, invoice, amount):
        refund = invoice._reverse_moves([{'invoice_date': date(2026, 3, 10)}])
        refund.invoice_line_ids.price_unit = amount
        refund.action_post()
        return refund

    def _score(self):
        run = self.env['crm.score.run'].create({'company_id': self.company.id, 'as_of': AS_OF})
        run._execute()
        return self.env['crm.customer.score'].search([('partner_id', '=', self.customer.id)])

    def test_rule_5_10_refund_at_its_own_rate(self):
        """100 EUR at 1.10, 40 EUR back at 1.20: 110 - 48 = 62 USD, still one order."""
        _order, invoice = self._order_of_100_eur()
        self._refund(invoice, 40)
        score = self._score()
        self.assertRecordValues(
            score, [{'monetary': 62.0, 'refunds': 48.0, 'frequency': 1, 'recency': 166}]
        )

    def test_rule_5_10_full_refund(self):
        """Everything back: no purchase, though the rates leave 110 - 120 USD."""
        _order, invoice = self._order_of_100_eur()
        self._refund(invoice, 100)
        score = self._score()
        self.assertRecordValues(
            score,
            [
                {
                    'frequency': 0,
                    'monetary': -10.0,
                    'last_order': False,
                    'rfm': False,
                    'cell_id': False,
                }
            ],
        )

    def test_refund_of_another_company_does_not_count(self):
        _order, invoice = self._order_of_100_eur()
        self._refund(invoice, 40)
        other = self.setup_other_company(crm_score_min_buyers=1, crm_score_min_days=0)['company']
        run = self.env['crm.score.run'].create({'company_id': other.id, 'as_of': AS_OF})
        run._execute()
        self.assertEqual(run.customer_count, 0)

    def test_draft_refund_and_refund_after_the_day(self):
        _order, invoice = self._order_of_100_eur()
        self._refund(invoice, 40)
        run = self.env['crm.score.run'].create(
            {'company_id': self.company.id, 'as_of': date(2026, 3, 9)}
        )
        run._execute()
        score = self.env['crm.customer.score'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual(score.monetary, 110.0)

    def test_selfcheck_agrees_and_notices(self):
        _order, invoice = self._order_of_100_eur()
        self._refund(invoice, 100)
        run = self.env['crm.score.run'].create({'company_id': self.company.id, 'as_of': AS_OF})
        run._execute()
        score = self.env['crm.customer.score'].search([('partner_id', '=', self.customer.id)])
        check = self.env['crm.selfcheck']
        self.assertEqual(check._sum_documents(run, self.customer), (0, score.monetary))


@tagged('post_install', '-at_install')
class TestScoreRfm(CampaignsCommon):
    def test_free_cancelled_and_draft_orders_are_left_out(self):
        partner = self._make_partners(1)
        self._make_order(partner, '2026-05-01 10:00:00', 80)
        self._make_order(partner, '2026-05-02 10:00:00', 0)
        self._make_order(partner, '2026-05-03 10:00:00', 50, state='cancel')
        self._make_order(partner, '2026-05-04 10:00:00', 50, state='draft')
        self._score()
        self.assertRecordValues(
            self._get_score(partner),
            [{'frequency': 1, 'monetary': 80.0, 'last_order': date(2026, 5, 1)}],
        )

    def test_contacts_roll_up_to_their_company(self):
        firm = self._make_partners(1, is_company=True)
        contacts = self._make_partners(2, parent_id=firm.id)
        for partner in firm | contacts:
            self._make_order(partner, '2026-05-01 10:00:00', 10)
        self._score()
        self.assertRecordValues(self._get_score(firm), [{'frequency': 3, 'monetary': 30.0}])
        self.assertFalse(self._get_score(contacts[0]))

    def test_days_are_the_companys(self):
        """Eight in the evening in London is the next day in Shanghai."""
        self.company.resource_calendar_id.tz = 'Asia/Shanghai'
        early, late = self._make_partners(2)
        self._make_order(early, '2026-06-30 15:59:59', 10)
        self._make_order(late, '2026-06-30 16:00:00', 10)
        self._score()
        self.assertEqual(self._get_score(early).last_order, date(2026, 6, 30))
        self.assertFalse(self._get_score(late), "already the first of July over there")

    def test_companies_apart(self):
        other = self._make_company("Other Company")
        partner = self._make_partners(1)
        self._make_order(partner, '2026-05-01 10:00:00', 10)
        self._make_order(partner, '2026-05-02 10:00:00', 500, company=other)
        self._score()
        self._score(other)
        self.assertEqual(self._get_score(partner).monetary, 10.0)
        self.assertEqual(self._get_score(partner, other).monetary, 500.0)

    def test_window(self):
        """Orders before the window make a lost customer, not a forgotten one."""
        lost, back = self._make_partners(2)
        self._make_order(lost, '2024-06-30 10:00:00', 10)
        self._make_order(back, '2024-06-30 10:00:00', 10)
        self._make_order(back, '2024-07-01 10:00:00', 10)
        self._score()
        self.assertRecordValues(
            self._get_score(lost) | self._get_score(back),
            [
                {'frequency': 0, 'monetary': 0.0, 'first_order': date(2024, 6, 30)},
                {'frequency': 1, 'monetary': 10.0, 'first_order': date(2024, 6, 30)},
            ],
        )
        self.assertEqual(self._get_score(lost).cell_id.code, 'lost')

    def test_equal_values_get_equal_scores(self):
        """Eight of ten bought once: a fifth of them may not be better than the rest."""
        partners = self._make_partners(10)
        for partner in partners:
            self._make_order(partner, '2026-05-01 10:00:00', 10)
        for partner in partners[8:]:
            self._make_order(partner, '2026-05-01 10:00:00', 10)
        self._score()
        scores = self._get_score(partners[0]).search([('partner_id', 'in', partners.ids)])
        once = scores.filtered(lambda score: score.frequency == 1)
        twice = scores - once
        self.assertEqual((len(once), set(once.mapped('rfm'))), (8, {'511'}))
        self.assertEqual(set(twice.mapped('rfm')), {'555'})

    def test_cells_cover_every_customer(self):
        partners = self._make_partners(300)
        self._generate_orders(partners)
        self._score()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        self.assertTrue(all(score.cell_id for score in scores if score.last_order))
        for score in scores.filtered('rfm'):
            self.assertEqual(score.cell_id.code, self._expect_cell(score), score.rfm)

    def _expect_cell(self, score):
        """The criteria as the cells state them, in words of Python."""
        value = -(-(score.f + score.m) // 2)
        only_order = score.frequency == 1 and score.first_order == score.last_order
        if score.r <= 2:
            if value >= 3:
                return 'cannot_lose' if score.r == 1 and value >= 4 else 'at_risk'
            return 'lost' if score.r == 1 else 'hibernating'
        if value >= 4:
            return 'champions' if score.r + value >= 9 else 'loyal'
        if score.r == 3:
            return 'attention'
        if only_order:
            return 'new' if score.r == 5 else 'promising'
        return 'potential'

    def test_archived_customer_keeps_his_score_and_leaves_segments(self):
        partner = self._make_partners(1)
        self._make_order(partner, '2026-05-01 10:00:00', 10)
        self._score()
        segment = self._make_segment(kind='rfm')
        segment.action_refresh()
        self.assertEqual(self._get_members(segment), partner)
        partner.active = False
        segment.action_refresh()
        self._score()
        self.assertFalse(self._get_members(segment))
        self.assertTrue(self._get_score(partner))
