from odoo.tests import Form, tagged

from .common import CampaignsCommon


@tagged('post_install', '-at_install')
class TestResPartner(CampaignsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.firm = cls._make_partners(1, name="Firm", is_company=True, ref='partner')
        cls.contact = cls._make_partners(1, name="Contact", parent_id=cls.firm.id)
        cls._make_order(cls.contact, '2026-06-20 10:00:00', 70)
        cls._score()
        cls.segment = cls._make_segment(domain="[('ref', '=', 'partner')]")
        cls.segment.action_refresh()

    def test_contact_shows_the_score_of_his_firm(self):
        for partner in self.firm | self.contact:
            self.assertRecordValues(
                partner,
                [{'crm_frequency': 1, 'crm_monetary': 70.0, 'crm_recency': 10, 'crm_rfm': '511'}],
            )
        other = self._make_company("Elsewhere")
        self.assertFalse(self.firm.with_company(other).crm_score_id)

    def test_segments_are_searchable(self):
        Partner = self.env['res.partner']
        self.assertEqual(self.firm.crm_segment_ids, self.segment)
        self.assertEqual(Partner.search([('crm_segment_ids', 'in', self.segment.ids)]), self.firm)
        self.assertEqual(Partner.search([('crm_segment_ids', '=', self.segment.id)]), self.firm)
        self.assertEqual(
            Partner.search([('crm_segment_ids.name', '=', self.segment.name)]), self.firm
        )
        outside = Partner.search([('crm_segment_ids', 'not in', self.segment.ids)])
        self.assertIn(self.contact, outside)
        self.assertNotIn(self.firm, outside)
        self.assertNotIn(self.firm, Partner.search([('crm_segment_ids', '=', False)]))
        self.assertIn(self.firm, Partner.search([('crm_segment_ids', '!=', False)]))
        self.firm.ref = False
        self.segment.action_refresh()
        self.assertFalse(
            Partner.search([('crm_segment_ids', '!=', False), ('id', '=', self.firm.id)])
        )

    def test_timeline(self):
        mailing = self.env['mailing.mailing'].create(
            {
                'subject': "Spring tea",
                'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'mailing_domain': repr([('id', '=', self.contact.id)]),
                'body_html': "<p>Hello</p>",
            }
        )
        mailing.action_send_mail()
        mailing.mailing_trace_ids.set_sent()
        titles = self._get_titles(self.user_manager)
        self.assertIn("Spring tea", titles)
        self.assertIn("Entered segment Segment", titles)
        self.assertNotIn("Entered segment Segment", self._get_titles(self.user_sale))

    def _get_titles(self, user):
        timeline = self.firm.with_user(user).get_customer_timeline()
        return [entry['title'] for entry in timeline['entries']]

    def test_forms_open_for_each_role(self):
        for user in (self.user_own, self.user_all, self.user_manager, self.user_sale):
            with self.subTest(user.login):
                Form(self.firm.with_user(user), 'base.view_partner_form')

    def test_merge_keeps_membership_history(self):
        """Core deletes the rows of merged contacts where one would break a unique index."""
        double = self._make_partners(1, name="Double", ref='partner')
        self._make_order(double, '2026-06-21 10:00:00', 30)
        self._score()
        self.segment.action_refresh()
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.firm | double).ids, self.firm)
        rows = self.env['crm.segment.member'].search([('segment_id', '=', self.segment.id)])
        self.assertEqual(rows.partner_id, self.firm)
        self.assertEqual(len(rows), 2)
        self.assertEqual(len(rows.filtered('left_at')), 1)
        self.assertEqual(self._get_score(self.firm).monetary, 70.0)
        self._score()
        self.assertEqual(self._get_score(self.firm).monetary, 100.0)
