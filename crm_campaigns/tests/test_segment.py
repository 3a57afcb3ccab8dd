from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CampaignsCommon


@tagged('post_install', '-at_install')
class TestSegment(CampaignsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._make_partners(5, name="Segment test", ref='in')
        cls.segment = cls._make_segment(domain="[('ref', '=', 'in')]")

    def test_enter_leave_and_history(self):
        self.segment.action_refresh()
        self.assertEqual(self._get_members(self.segment), self.partners)
        self.assertEqual(self.segment.member_count, 5)
        self.partners[0].ref = 'out'
        self.segment.action_refresh()
        self.assertEqual(self._get_members(self.segment), self.partners[1:])
        self.partners[0].ref = 'in'
        self.segment.action_refresh()
        rows = self.segment.member_ids.filtered(lambda row: row.partner_id == self.partners[0])
        self.assertEqual(len(rows), 2, "the first stay is remembered")
        self.assertEqual(len(rows.filtered('left_at')), 1)
        self.assertEqual(self._get_members(self.segment), self.partners)

    def test_hook_reads_the_new_number_of_members(self):
        seen = []
        self.patch(
            self.registry['crm.segment'],
            '_after_refresh_hook',
            lambda segment, entered, left: seen.append((segment.member_count, entered, left)),
        )
        self.assertEqual(self.segment.member_count, 0)
        self.segment.action_refresh()
        self.partners[0].ref = 'out'
        self.segment.action_refresh()
        self.assertEqual(seen, [(5, 5, 0), (4, 0, 1)])

    def test_archived_contacts_never_enter(self):
        self.partners[0].active = False
        self.segment.domain = "[('ref', '=', 'in'), ('active', 'in', [True, False])]"
        self.segment.action_refresh()
        self.assertEqual(self._get_members(self.segment), self.partners[1:])

    def test_twice_changes_nothing(self):
        self.segment.action_refresh()
        self.env.cr.execute(
            "SELECT id, xmin::text, ctid::text, xmax::text FROM crm_segment_member ORDER BY id"
        )
        before = self.env.cr.fetchall()
        self.segment.action_refresh()
        self.env.cr.execute(
            "SELECT id, xmin::text, ctid::text, xmax::text FROM crm_segment_member ORDER BY id"
        )
        self.assertEqual(before, self.env.cr.fetchall())

    def test_rfm_cells_and_ranges(self):
        partners = self._make_partners(120)
        self._generate_orders(partners)
        self._score()
        cells = self.env.ref('crm_campaigns.crm_rfm_cell_champions') | self.env.ref(
            'crm_campaigns.crm_rfm_cell_loyal'
        )
        by_cell = self._make_segment(kind='rfm', cell_ids=cells.ids)
        by_range = self._make_segment(kind='rfm', rfm_r_min=4, rfm_m_min=2, rfm_m_max=3)
        (by_cell | by_range).action_refresh()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        self.assertTrue(by_cell.member_count and by_range.member_count)
        self.assertEqual(
            set(self._get_members(by_cell)),
            set(scores.filtered(lambda score: score.cell_id in cells).partner_id),
        )
        self.assertEqual(
            set(self._get_members(by_range)),
            set(scores.filtered(lambda score: score.r >= 4 and score.m in (2, 3)).partner_id),
        )

    def test_built_on_other_segments(self):
        first = self._make_segment(domain=f"[('id', 'in', {self.partners[:3].ids})]")
        second = self._make_segment(domain=f"[('id', 'in', {self.partners[2:4].ids})]")
        both = self._make_segment(
            domain="[('ref', '=', 'in')]", include_ids=first.ids, exclude_ids=second.ids
        )
        # given in the wrong order, refreshed in the right one
        (both | first | second).action_refresh()
        self.assertEqual(self._get_members(both), self.partners[:2])

    def test_exclusion_holds_for_an_owner_who_cannot_see_it(self):
        hidden = self._make_segment(domain=f"[('id', 'in', {self.partners[:3].ids})]")
        mine = self._make_segment(
            domain="[('ref', '=', 'in')]", exclude_ids=hidden.ids, user_id=self.user_own.id
        )
        (hidden | mine).action_refresh()
        self.assertEqual(self._get_members(mine), self.partners[3:])

    def test_an_owner_without_the_application_may_build_on_segments(self):
        first = self._make_segment(domain=f"[('id', 'in', {self.partners[:3].ids})]")
        theirs = self._make_segment(
            domain="[('ref', '=', 'in')]", include_ids=first.ids, user_id=self.user_sale.id
        )
        (first | theirs).action_refresh()
        self.assertEqual(self._get_members(theirs), self.partners[:3])

    def test_cycle_is_refused(self):
        first = self._make_segment("First", include_ids=self.segment.ids)
        second = self._make_segment("Second", exclude_ids=first.ids)
        with self.assertRaisesRegex(ValidationError, "would depend on itself"):
            self.segment.include_ids = second
        with self.assertRaisesRegex(ValidationError, "would depend on itself"):
            self.segment.exclude_ids = self.segment

    def test_a_segment_that_names_itself_in_its_conditions(self):
        self.segment.name = "Ring"
        own, name = self.segment.id, "Ring"
        for domain in (
            f"[('crm_segment_ids', 'in', [{own}])]",
            f"[('crm_segment_ids', 'not in', [{own}])]",
            f"[('crm_segment_ids', '=', {own})]",
            f"[('crm_segment_ids', '=', '{name}')]",
            f"[('crm_segment_ids', 'ilike', '{name}')]",
            f"[('crm_segment_ids.name', '=', '{name}')]",
            f"[('crm_segment_ids', 'any', [('name', '=', '{name}')])]",
            f"[('child_ids', 'any', [('crm_segment_ids', 'in', [{own}])])]",
            f"[('parent_id.crm_segment_ids', 'in', [{own}])]",
            f"[('crm_segment_member_ids.segment_id', 'in', [{own}])]",
            f"[('crm_segment_member_ids', 'any', [('segment_id', '=', {own})])]",
            f"['|', ('ref', '=', 'x'), '!', ('crm_segment_ids', 'in', [{own}])]",
            "[('crm_segment_ids', '=', False)]",
        ):
            with (
                self.subTest(domain=domain),
                self.assertRaisesRegex(ValidationError, "would depend on itself"),
            ):
                self.segment.domain = domain

    def test_cycle_through_conditions(self):
        other = self._make_segment(
            "Other", domain=f"[('crm_segment_ids', 'in', {self.segment.ids})]"
        )
        self.assertEqual((other | self.segment)._sort_by_dependency(), self.segment | other)
        with self.assertRaisesRegex(ValidationError, "would depend on itself"):
            self.segment.include_ids = other
        last = self._make_segment("Last", include_ids=other.ids)
        with self.assertRaisesRegex(ValidationError, "would depend on itself"):
            self.segment.domain = f"[('crm_segment_ids', 'in', {last.ids})]"

    def test_segments_of_another_company_are_refused(self):
        company = self._make_company("Elsewhere")
        other = self._make_segment(company_id=company.id)
        with self.assertRaisesRegex(ValidationError, "its own company"):
            self.segment.include_ids = other

    @mute_logger('odoo.domains')
    def test_bad_conditions_are_refused(self):
        for domain in (
            "[('no_such_field', '=', 1)]",
            "[('ref', '=', ",
            "__import__('os').getcwd()",
            "[('ref', 'no operator', 1)]",
            "42",
        ):
            with (
                self.subTest(domain),
                self.assertRaisesRegex(ValidationError, "cannot be evaluated"),
            ):
                self.segment.domain = domain

    def test_conditions_run_with_the_rights_of_the_owner(self):
        domain = "[('crm_score_ids.r', '>', 1)]"
        with self.assertRaisesRegex(ValidationError, "may not read"):
            self._make_segment(domain=domain, user_id=self.user_sale.id)
        self._make_segment(domain=domain, user_id=self.user_own.id)

    def test_nobody_borrows_the_rights_of_another_owner(self):
        segment = self.segment.with_user(self.user_all)
        with self.assertRaisesRegex(ValidationError, "Make yourself the owner"):
            segment.domain = "[('ref', '=', 'other')]"
        segment.write({'user_id': self.user_all.id, 'domain': "[('ref', '=', 'other')]"})
        with self.assertRaisesRegex(ValidationError, "Make yourself the owner"):
            segment.user_id = self.user_manager
        with self.assertRaisesRegex(ValidationError, "Choose a person"):
            self.segment.user_id = self.env.ref('base.user_root')
        self.assertEqual(self._make_segment().user_id, self.env.ref('base.user_admin'))

    def test_score_ranges_are_checked(self):
        with self.assertRaises(CheckViolation), mute_logger('odoo.sql_db'), self.env.cr.savepoint():
            self.segment.write({'rfm_r_min': 4, 'rfm_r_max': 2})

    def test_cron_goes_on_after_a_segment_that_fails(self):
        self.env['crm.segment'].search([('id', '!=', self.segment.id)]).refresh = 'manual'
        broken = self._make_segment("A broken one")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_segment SET domain = '[(''gone'', ''='', 1)]' WHERE id = %s", [broken.id]
        )
        self.env.invalidate_all()
        archived = self._make_segment("Not in use", state='archived', domain="[('ref', '=', 'in')]")
        with self.enter_registry_test_mode(), mute_logger('odoo.domains'):
            self.env.ref('crm_campaigns.ir_cron_segment').method_direct_trigger()
        self.assertIn('gone', broken.last_error)
        self.assertEqual(self.segment.member_count, 5)
        self.assertFalse(archived.member_count)

    def test_selfcheck(self):
        self.env['crm.segment'].search([('id', '!=', self.segment.id)]).state = 'archived'
        self.segment.action_refresh()
        self.partners[0].ref = 'out'
        self.env.flush_all()
        self.patch(
            self.registry['crm.segment'],
            '_get_diff_sql',
            lambda _self, _target: self.fail("a check must not write"),
        )
        self.assertEqual(self.segment._fetch_diff(), ([], self.partners[0].ids))
        check = self.env['crm.selfcheck']
        self.assertEqual(check._check_campaign_segments(), (True, '', 0))
        self.assertEqual(self.segment.member_count, 5, "the check changes nothing")
        self.segment.last_build_at = '2020-01-01 00:00:00'
        self.assertEqual(check._check_campaign_segments(), (False, self.segment.name, 1))

    def test_states(self):
        draft = self._make_segment(state='draft', domain="[('ref', '=', 'in')]")
        with self.assertRaises(UserError):
            draft.action_new_mailing()
        draft.action_activate()
        self.assertEqual((draft.state, draft.member_count), ('active', 5))
        draft.action_archive_segment()
        self.assertEqual((draft.state, draft.member_count), ('archived', 5))

    def test_company_the_owner_does_not_work_in_is_refused(self):
        other = self._make_company("Foreign Company")
        self.segment.user_id = self.user_manager
        with self.assertRaisesRegex(ValidationError, "does not work in Foreign Company"):
            self.segment.company_id = other
