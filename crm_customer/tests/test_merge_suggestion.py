from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, convert_file

from ..models.crm_merge_suggestion import MERGE_GROUP
from .common import CrmCustomerCommon, JobCase


@tagged('post_install', '-at_install')
class TestMergeSuggestion(CrmCustomerCommon, JobCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref('base.cn')
        cls.Suggestion = cls.env['crm.merge.suggestion']

    def make(self, **values):
        return self.env['res.partner'].create({'name': "Ms One", **values})

    def search_pairs(self):
        """Look for contacts that may be one, as the nightly job does."""
        job = self.Suggestion._enqueue_search()
        self.run_job(job)
        self.assertEqual(job.state, 'done', job.result)
        return job

    def get(self, *partners):
        """Return the suggestions on these contacts."""
        ids = [partner.id for partner in partners]
        return self.Suggestion.search(
            [('partner_a_id', 'in', ids), ('partner_b_id', 'in', ids)], order='id'
        )

    def get_score(self, one, two):
        return self.get(one, two).score

    # ------------------------------------------------------------
    # WHAT IS FOUND
    # ------------------------------------------------------------

    def test_signs_and_scores(self):
        pairs = [
            (self.make(name=f"Pair {i}a", **one), self.make(name=f"Pair {i}{end}", **two))
            for i, (end, one, two) in enumerate(
                [
                    ('b', {'phone': '138 0013 0001'}, {'phone': '+86-13800130001'}),
                    ('A', {'phone': '13800130002'}, {'phone': '(0086) 13800130002'}),
                    ('b', {'email': 'P3@x.example.com'}, {'email': '"P" <p3@X.example.com>'}),
                    ('b', {'vat': '91 330-MA28'}, {'vat': '91330ma28'}),
                    ('b', {'city': 'Wuxi'}, {'city': 'Wuxi'}),
                    ('a', {'birth_month': 5, 'birth_day': 6}, {'birth_month': 5, 'birth_day': 6}),
                    ('b', {'birth_month': 5, 'birth_day': 6}, {'birth_month': 5, 'birth_day': 6}),
                ]
            )
        ]
        self.search_pairs()
        scores = [self.get_score(*pair) for pair in pairs]
        self.assertEqual(scores, [45, 80, 60, 60, 0, 55, 0])
        self.assertEqual(self.get(*pairs[1]).reason, "Same Phone Number and Same Name")

    def test_phone_key_is_the_same_in_sql(self):
        numbers = [
            '13800138000', '+86 138 0013 8000', '0086-138 0013 8000', '+86 (0)571 5555 0188',
            '0571 5555 0188', '+44 117 496 0123', '0044 117 496 0123', '', 'none', '+', '86',
        ]  # fmt: skip
        partners = self.env['res.partner'].create(
            [{'name': str(i), 'phone': number} for i, number in enumerate(numbers)]
        )
        self.env.flush_all()
        for country in (self.env.ref('base.cn'), self.env['res.country']):
            rows = self.env.execute_query(
                SQL(
                    'SELECT p.id, %s FROM res_partner p LEFT JOIN res_country country'
                    ' ON country.id = %s WHERE p.id IN %s',
                    partners._get_phone_key_sql('p', 'country'),
                    country.id or None,
                    tuple(partners.ids),
                )
            )
            found = {partner_id: key or '' for partner_id, key in rows}
            expected = {p.id: partners._get_phone_key(p.phone, country) for p in partners}
            self.assertEqual(found, expected)

    def test_not_across_companies(self):
        here = self.make(name="A", email='c@x.example.com', company_id=self.company.id)
        there = self.make(name="B", email='c@x.example.com', company_id=self.other_company.id)
        shared = self.make(name="C", email='c@x.example.com')
        self.search_pairs()
        self.assertFalse(self.get(here, there))
        pair = self.get(here, shared)
        self.assertEqual(pair.company_id, self.company)
        other = new_test_user(
            self.env, 'ms_other', 'crm_customer.group_all',
            company_id=self.other_company.id, company_ids=[Command.set(self.other_company.ids)],
        )  # fmt: skip
        self.assertNotIn(pair, self.Suggestion.with_user(other).search([]))
        self.assertIn(self.get(there, shared), self.Suggestion.with_user(other).search([]))

    def test_people_of_one_company_share_its_switchboard(self):
        company = self.make(name="Firm", is_company=True, phone='057155550100', vat='9133X')
        people = [
            self.make(name=name, parent_id=company.id, phone='057155550100')
            for name in ("Wang", "Li", "li ")
        ]
        branch = self.make(name="Firm South", is_company=True, phone='057155550100')
        stranger = self.make(name="Somebody", phone='057155550100')
        self.search_pairs()
        found = self.get(company, branch, stranger, *people)
        expected = self.get(company, branch) | self.get(people[1], people[2])
        self.assertEqual(found, expected)
        self.assertEqual(len(found), 2)

    def test_a_number_many_share_is_no_sign(self):
        many = [self.make(name=f"Guest {i}", phone='057155550111') for i in range(6)]
        same = self.make(name="guest 3", phone='057155550111')
        self.search_pairs()
        self.assertEqual(self.get(*many, same), self.get(many[3], same))

    def test_archived_addresses_own_companies_and_users_are_left_alone(self):
        one = self.make(email='d@x.example.com')
        archived = self.make(email='d@x.example.com', active=False)
        address = self.make(email='d@x.example.com', type='invoice', parent_id=self.customer.id)
        self.company.partner_id.email = 'd@x.example.com'
        users = [
            new_test_user(self.env, login, 'base.group_user', email='u@x.example.com')
            for login in ('ms_u1', 'ms_u2')
        ]
        self.search_pairs()
        self.assertFalse(self.get(one, archived, address, self.company.partner_id))
        self.assertFalse(self.get(*[user.partner_id for user in users]))

    def test_what_is_no_longer_so_goes_away(self):
        one, two = self.make(email='e@x.example.com'), self.make(email='e@x.example.com')
        self.search_pairs()
        self.assertTrue(self.get(one, two))
        two.write({'email': 'other@x.example.com'})
        self.search_pairs()
        self.assertFalse(self.get(one, two))

    # ------------------------------------------------------------
    # WHAT STAFF DECIDE
    # ------------------------------------------------------------

    def test_not_the_same_is_remembered(self):
        one, two = self.make(phone='13800130010'), self.make(phone='13800130010')
        self.search_pairs()
        pair = self.get(one, two)
        pair.with_user(self.user_all).action_dismiss()
        two.email = one.email = 'f@x.example.com'
        self.search_pairs()
        self.assertEqual((pair.state, pair.score), ('dismissed', 100))
        pair.with_user(self.user_all).action_reopen()
        self.assertEqual(pair.state, 'open')

    def test_who_may_do_what(self):
        one, two = self.make(phone='13800130011'), self.make(phone='13800130011')
        self.search_pairs()
        pair = self.get(one, two)
        for method in ('action_dismiss', 'action_search_again'):
            with self.assertRaises(AccessError):
                getattr(pair.with_user(self.user_own), method)()
        with self.assertRaises(AccessError):
            self.Suggestion.with_user(self.user_employee).search([])
        with self.assertRaises(AccessError):
            pair.with_user(self.user_manager).write({'state': 'dismissed'})
        self.assertFalse(pair.with_user(self.user_all).can_merge)
        with self.assertRaisesRegex(UserError, "needs the right"):
            pair.with_user(self.user_all).action_merge()

    def test_merge_opens_the_wizard_of_core(self):
        one, two = self.make(phone='13800130012'), self.make(phone='13800130012')
        third = self.make(phone='13800130012')
        self.search_pairs()
        self.get(two, third).action_dismiss()
        action = self.get(one, two).action_merge()
        wizard = self.env[action['res_model']].with_context(**action['context']).create({})
        self.assertEqual(wizard.partner_ids, one | two)
        wizard.dst_partner_id = one
        after = wizard.action_merge()
        self.assertFalse(two.exists())
        self.assertEqual(
            after['params']['next']['res_model'], self.Suggestion._name, "those that are left"
        )
        pair = self.get(one, third)
        self.assertEqual(pair.state, 'dismissed', "said of the contact that stays")
        self.search_pairs()
        self.assertEqual(self.get(one, third), pair)

    def test_different_emails(self):
        """What core would refuse at the end is said at the beginning."""
        one = self.make(phone='13800130014', email='h@x.example.com')
        two = self.make(phone='13800130014')
        self.search_pairs()
        clerk = new_test_user(self.env, 'ms_clerk', f'crm_customer.group_all,{MERGE_GROUP}')
        pair = self.get(one, two)
        with self.assertRaisesRegex(UserError, 'h@x.example.com, none'):
            pair.with_user(clerk).action_merge()
        self.assertTrue(pair.with_user(self.env.ref('base.user_admin')).action_merge())
        two.email = one.email
        self.assertTrue(pair.with_user(clerk).action_merge())

    def test_demo_merged(self):
        """An update does not suggest again what was merged by those who tried it."""
        pair = self.env.ref('crm_customer.crm_merge_suggestion_li', raise_if_not_found=False)
        if not pair:
            self.skipTest("without demo data")
        self.env['base.partner.merge.automatic.wizard']._merge(
            (pair.partner_a_id | pair.partner_b_id).ids, pair.partner_a_id
        )
        self.assertFalse(pair.exists())
        path = 'demo/crm_merge_suggestion_demo.xml'
        convert_file(self.env, 'crm_customer', path, None, mode='update', noupdate=True)
        self.assertFalse(
            self.env.ref('crm_customer.crm_merge_suggestion_li', raise_if_not_found=False)
        )

    def test_times_are_those_of_the_reader(self):
        one, two = self.make(vat='CN-T-1'), self.make(vat='CN-T-1')
        self.search_pairs()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2026-03-01 20:30:15.123' WHERE id = %s", [one.id]
        )
        one.invalidate_recordset()
        self.env.user.tz = 'Asia/Shanghai'
        shown = self.get(one, two)._show_value(one, 'create_date')
        self.assertIn("03/02/2026 04:30", shown)
        self.assertNotIn("123", shown)

    def test_side_by_side(self):
        one = self.make(phone='13800130013', city="Wuxi")
        two = self.make(phone='+86 138 0013 0013', city="Wuxi", email='g@x.example.com')
        self.search_pairs()
        rows = {row[0]: row[1:] for row in self.get(one, two)._get_comparison_rows()}
        self.assertEqual(rows["City"], ("Wuxi", "Wuxi", True))
        self.assertEqual(rows["Email"], ('', 'g@x.example.com', False))
        self.assertTrue(rows["Phone"][2], "however it is written")
        self.assertNotIn("Street", rows, "what neither has is not shown")
        self.assertIn("Wuxi", self.get(one, two).comparison)

    def test_search_runs_once_at_a_time(self):
        job = self.Suggestion._enqueue_search()
        self.assertEqual(self.Suggestion._enqueue_search(), job)
