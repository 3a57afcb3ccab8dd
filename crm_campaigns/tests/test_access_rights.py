from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import CampaignsCommon


@tagged('post_install', '-at_install')
class TestAccessRights(CampaignsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls._make_partners(1, ref='access')
        cls.partner.user_id = cls.user_sale
        cls.free = cls._make_partners(1, name="Free")
        for partner in cls.partner | cls.free:
            cls._make_order(partner, '2026-06-20 10:00:00', 70)
        cls.score_run = cls._score()
        cls.own_segment = cls._make_segment("Own", user_id=cls.user_own.id)
        cls.segment = cls._make_segment("Theirs", domain="[('ref', '=', 'access')]")
        cls.segment.action_refresh()
        cls.other_company = cls._make_company("Elsewhere")
        cls.foreign = cls._make_segment("Foreign", company_id=cls.other_company.id)
        cls.user_mailing = cls._make_user(
            'campaigns_mailing', 'mass_mailing.group_mass_mailing_user'
        )
        cls.user_portal = new_test_user(cls.env, 'campaigns_portal', groups='base.group_portal')

    def _can(self, user, model, operation):
        return self.env[model].with_user(user).has_access(operation)

    def test_matrix(self):
        """Model by role: which of read, write, create, unlink are allowed."""
        operations = ('read', 'write', 'create', 'unlink')
        users = (
            self.user_own,
            self.user_all,
            self.user_manager,
            self.user_mailing,
            self.user_sale,
            self.user_portal,
        )
        expected = {
            'crm.rfm.cell': ('r', 'r', 'rw', '', '', ''),
            'crm.score.run': ('r', 'r', 'rwcu', '', '', ''),
            'crm.customer.score': ('r', 'r', 'r', '', '', ''),
            'crm.customer.score.stage': ('', '', 'r', '', '', ''),
            'crm.segment': ('rwcu', 'rwcu', 'rwcu', 'r', '', ''),
            'crm.segment.member': ('r', 'r', 'r', 'r', '', ''),
            'crm.score.wizard': ('', '', 'rwc', '', '', ''),
        }
        for model, rights in expected.items():
            for user, allowed in zip(users, rights, strict=True):
                got = ''.join(name[0] for name in operations if self._can(user, model, name))
                self.assertEqual(got, allowed, f"{model} {user.login}")

    def test_own_documents(self):
        Segment = self.env['crm.segment'].with_user(self.user_own)
        self.assertEqual(Segment.search([]), self.own_segment)
        self.assertFalse(self.env['crm.segment.member'].with_user(self.user_own).search([]))
        scores = self.env['crm.customer.score'].with_user(self.user_own).search([])
        self.assertEqual(scores.partner_id, self.free)
        with self.assertRaises(AccessError):
            self.segment.with_user(self.user_own).action_refresh()

    def test_email_marketing_without_a_role(self):
        """One sees the segments of one's own mailings and gives none to a mailing by its id."""
        Segment = self.env['crm.segment'].with_user(self.user_mailing)
        Mailing = self.env['mailing.mailing'].with_user(self.user_mailing)
        self.assertFalse(Segment.search([]))
        self.assertFalse(self.env['crm.segment.member'].with_user(self.user_mailing).search([]))
        vals = {
            'subject': "News",
            'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
            'crm_segment_id': self.segment.id,
        }
        with self.assertRaises(AccessError):
            Mailing.create(vals)
        mailing = Mailing.create({**vals, 'crm_segment_id': False})
        with self.assertRaises(AccessError):
            mailing.crm_segment_id = self.segment
        mailing.sudo().crm_segment_id = self.segment
        self.assertEqual(Segment.search([]), self.segment)
        self.assertEqual(mailing._get_recipients(), self.segment.member_ids.partner_id.ids)
        mailing.subject = "Other news"
        mailing.write({'crm_segment_id': self.segment.id})

    def test_email_marketing_opens_mailings(self):
        """The form we add to is core's, and opens for who has no role of ours."""
        mailing = self.segment.with_user(self.user_manager).action_new_mailing()['res_id']
        mailing = self.env['mailing.mailing'].browse(mailing)
        mailing._plan_messages(self.segment.member_ids.partner_id.ids)
        mailing.invalidate_recordset()
        mine = mailing.with_user(self.user_mailing)
        self.assertIn("Audience", mine.crm_waterfall)
        self.assertEqual(Form(mine).subject, mailing.subject)
        with Form(self.env['mailing.mailing'].with_user(self.user_mailing)) as form:
            form.subject = "News"
            form.mailing_model_id = self.env['ir.model']._get('mailing.list')

    def test_all_documents(self):
        Segment = self.env['crm.segment'].with_user(self.user_all)
        self.assertEqual(Segment.search([]), self.own_segment | self.segment)
        scores = self.env['crm.customer.score'].with_user(self.user_all).search([])
        self.assertEqual(scores.partner_id, self.partner | self.free)

    def test_contacts_are_read_whole_by_each_role(self):
        """Without names all fields are read: those of closed models must not stand in the way.

        Core's own fields are left out: some of them cannot be read by anybody but administrators.
        """
        fields = self.env['res.partner']._fields.values()
        ours = {field.name for field in fields if 'crm_campaigns' in field._modules}
        user_employee = self._make_user('campaigns_employee', 'base.group_user')
        scored, members = {'crm_rfm', 'crm_score_id', 'crm_score_ids'}, {'crm_segment_ids'}
        for user, expected in (
            (user_employee, set()),
            (self.user_sale, set()),
            (self.user_portal, set()),
            (self.user_mailing, members),
            (self.user_own, scored | members),
        ):
            with self.subTest(user.login):
                partner = user.partner_id.with_user(user)
                visible = ours & partner.fields_get().keys()
                values = partner.read(['name', *visible])[0]
                self.assertEqual((scored | members) & values.keys(), expected)

    def test_other_companies_are_out_of_sight(self):
        for user in (self.user_own, self.user_all, self.user_manager):
            with self.assertRaises(AccessError):
                self.foreign.with_user(user).read(['name'])
        other = self._score(self.other_company)
        with self.assertRaises(AccessError):
            other.with_user(self.user_manager).read(['as_of'])

    def test_only_administrators_start_scoring(self):
        with self.assertRaises(AccessError):
            self.env['crm.score.wizard'].with_user(self.user_all).create({})
        with self.assertRaises(AccessError):
            self.score_run.with_user(self.user_all).action_score()

    def test_nobody_writes_scores_or_members_by_hand(self):
        with self.assertRaises(AccessError):
            self._get_score(self.free).with_user(self.user_manager).write({'monetary': 1})
        with self.assertRaises(AccessError):
            self.segment.member_ids.with_user(self.user_manager).unlink()

    def test_menus_open_for_each_role(self):
        """Every action of the root menu shows its first page."""
        root_id = self.env.ref('crm_campaigns.menu_root').id
        for user in (self.user_own, self.user_all, self.user_manager):
            menus = self.env['ir.ui.menu'].with_user(user).load_menus(False)
            shown = [menu for menu in menus.values() if menu.get('app_id') == root_id]
            self.assertGreater(len(shown), 12)
            for menu in shown:
                with self.subTest(user=user.login, menu=menu['name']):
                    if menu['action_model'] == 'ir.actions.act_window':
                        self._open(self.env[menu['action_model']].browse(menu['action_id']), user)

    def _open(self, action, user):
        if action.res_model == 'res.config.settings':
            return
        model = self.env[action.res_model].with_user(user)
        views = model.get_views([(False, mode) for mode in action.view_mode.split(',')])
        self.assertTrue(views['views'])
        model.search([], limit=1)
