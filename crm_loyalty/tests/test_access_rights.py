from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LoyaltyCommon

READ, WRITE, CREATE, UNLINK = 'read', 'write', 'create', 'unlink'


@tagged('post_install', '-at_install')
class TestAccessRights(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = new_test_user(cls.env, 'l_own', 'crm_loyalty.group_own')
        cls.all = new_test_user(cls.env, 'l_all', 'crm_loyalty.group_all')
        cls.manager = new_test_user(cls.env, 'l_manager', 'crm_loyalty.group_manager')
        cls.salesman = new_test_user(cls.env, 'l_salesman', 'sales_team.group_sale_salesman')
        cls.employee = new_test_user(cls.env, 'l_employee', 'base.group_user')
        cls.portal = new_test_user(cls.env, 'l_portal', 'base.group_portal')
        cls.member.user_id = cls.own
        cls.card = cls.create_card(points=10)
        cls.foreign_card = cls.create_card(cls.partner, points=10)
        (cls.card | cls.foreign_card)._evaluate_tiers()

    def test_matrix(self):
        matrix = {
            'loyalty.tier': {
                'portal': '', 'employee': 'r', 'salesman': 'r', 'own': 'r', 'all': 'r',
                'manager': 'rwcu',
            },
            'loyalty.tier.history': {
                'portal': '', 'employee': '', 'salesman': 'r', 'own': 'r', 'all': 'r',
                'manager': 'r',
            },
            'loyalty.card': {
                'portal': '', 'employee': '', 'own': 'r', 'all': 'rw', 'manager': 'rwc',
            },
            'loyalty.history': {
                'portal': '', 'employee': '', 'own': 'r', 'all': 'rc',
            },
            'loyalty.hold': {
                'portal': '', 'employee': '', 'salesman': 'r', 'own': 'r', 'all': 'r',
                'manager': 'r',
            },
            'loyalty.program': {
                'portal': '', 'employee': '', 'own': 'r', 'all': 'r', 'manager': 'rwcu',
            },
            'loyalty.backfill': {
                'portal': '', 'employee': '', 'salesman': '', 'own': '', 'all': '',
                'manager': 'rwcu',
            },
            'crm.job': {'employee': '', 'own': 'r', 'manager': 'ru'},
        }  # fmt: skip
        for model, roles in matrix.items():
            for role, rights in roles.items():
                records = self.env[model].with_user(getattr(self, role))
                for operation in (READ, WRITE, CREATE, UNLINK):
                    with self.subTest(model=model, role=role, operation=operation):
                        self.assertEqual(records.has_access(operation), operation[0] in rights)

    def test_own_members_only(self):
        for model in ('loyalty.card', 'loyalty.history', 'loyalty.tier.history'):
            field = 'id' if model == 'loyalty.card' else 'card_id'
            domain = [(field, 'in', (self.card | self.foreign_card).ids)]
            own = self.env[model].with_user(self.own).search(domain)
            everybody = self.env[model].with_user(self.all).search(domain)
            cards = own if model == 'loyalty.card' else own.card_id
            self.assertEqual(cards.ids, self.card.ids, model)
            self.assertEqual(len(everybody), 2, model)
        with self.assertRaises(AccessError):
            self.foreign_card.with_user(self.own).read(['points'])

    def test_salesperson_finds_every_card(self):
        """An own-records rule must not make an order overlook the card and make a second one."""
        self.own.group_ids = [Command.link(self.env.ref('sales_team.group_sale_salesman').id)]
        order = self.create_order(100, self.partner, user_id=self.own.id)
        order.with_user(self.own).action_confirm()
        self.assertEqual(self.get_card(self.partner), self.foreign_card)
        self.assertEqual(self.foreign_card.points, 110)

    def test_salesperson_confirms(self):
        order = self.create_order(1500, user_id=self.salesman.id)
        order.with_user(self.salesman).action_confirm()
        self.assertEqual(self.card.tier_id, self.silver)
        self.assertEqual(order.with_user(self.salesman).loyalty_tier_id.name, "Silver")

    def test_adjusting(self):
        wizard = self.env['loyalty.card.update.balance']
        vals = {'card_id': self.card.id, 'new_balance': 30, 'description': "Gift"}
        with self.assertRaises(AccessError):
            wizard.with_user(self.own).create(vals)
        wizard.with_user(self.all).create(vals).action_update_card_point()
        self.assertEqual(self.card.points, 30)
        self.assert_balanced(self.card)

    def test_columns_of_the_system(self):
        """Core lets salespersons write cards and movements, but tiers follow from the ledger."""
        for user in (self.salesman, self.manager):
            card = self.card.with_user(user)
            for values in (
                {'tier_id': self.gold.id},
                {'tier_since': '2020-01-01'},
                {'tier_until': '2099-01-01'},
                {'qualifying_value': 9999},
                {'merged_into_id': self.foreign_card.id},
            ):
                with self.subTest(user=user.login, values=values), self.assertRaises(AccessError):
                    card.write(values)
            rows = self.env['loyalty.history'].with_user(user)
            row = {'card_id': self.card.id, 'description': "x", 'issued': 5}
            for values in (
                {'qty': 9999},
                {'kind': 'earn'},
                {'date': '2020-01-01 00:00:00'},
                {'posted_at': '2020-01-01 00:00:00'},
                {'key': 'backfill:1'},
            ):
                with self.subTest(user=user.login, values=values):
                    with self.assertRaises(AccessError):
                        rows.create({**row, **values})
                    with self.assertRaises(AccessError):
                        self.card.history_ids[:1].with_user(user).write(values)
            posted = rows.with_context(
                default_kind='earn', default_date='2020-01-01 00:00:00', default_key='k'
            ).create(row)
            self.assertEqual((posted.kind, posted.key), ('adjust', False))
            self.assertGreater(posted.date.year, 2020)
            # what he has stored as his own defaults is no better
            for name, value in (('kind', 'earn'), ('date', '2020-01-01 00:00:00'), ('key', 'k')):
                self.env['ir.default'].set('loyalty.history', name, value, user_id=user.id)
            posted = rows.create(row)
            self.assertEqual((posted.kind, posted.key), ('adjust', False))
            self.assertGreater(posted.date.year, 2020)
        with self.assertRaises(AccessError):
            self.gold.with_user(self.manager).card_ids = self.card
        cards = self.env['loyalty.card'].with_user(self.manager)
        self.env['ir.default'].set('loyalty.card', 'tier_until', '2099-01-01')
        card = cards.with_context(
            default_tier_id=self.gold.id, default_qualifying_value=9999
        ).create({'partner_id': self.manager.partner_id.id, 'program_id': self.program.id})
        self.assertFalse(card.tier_until)
        self.assertTrue(card.is_member)
        self.assertFalse(card.tier_id)
        self.assertFalse(card.qualifying_value)

    def test_companies(self):
        company = self.env['res.company'].create({'name': "Second"})
        manager = new_test_user(
            self.env,
            'l_second',
            'crm_loyalty.group_manager',
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        for model in ('loyalty.tier', 'loyalty.tier.history', 'loyalty.card', 'loyalty.history'):
            records = self.env[model].with_user(manager)
            mine = [('program_id', '=', self.program.id)]
            self.assertFalse(records.search(mine), model)
        with self.assertRaises(AccessError):
            self.silver.with_user(manager).name = "Hacked"
        with self.assertRaises(AccessError):
            self.program.with_user(manager).action_evaluate_tiers()

    def test_branches(self):
        """Who works in a branch sees the tiers of the company above, as core shows its cards."""
        branch = self.env['res.company'].create(
            {'name': "Branch", 'parent_id': self.env.company.id}
        )
        user = new_test_user(
            self.env,
            'l_branch',
            'crm_loyalty.group_all',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        for model in ('loyalty.tier', 'loyalty.tier.history', 'loyalty.card', 'loyalty.history'):
            mine = self.env[model].with_user(user).search([('program_id', '=', self.program.id)])
            self.assertTrue(mine, model)
        self.assertEqual(branch._get_main_loyalty_program(), self.program)
        self.assertEqual(self.member.with_user(user).loyalty_tier_id, self.basic)

    def test_every_menu_opens(self):
        """Each role can open every menu it sees."""
        root = self.env.ref('crm_loyalty.menu_root')
        for user in (self.own, self.all, self.manager):
            menus = self.env['ir.ui.menu'].with_user(user)
            visible = menus.browse(menus._visible_menu_ids())
            ours = visible.filtered(lambda menu: menu.parent_path.startswith(f'{root.id}/'))
            self.assertTrue(ours)
            for menu in ours.filtered('action'):
                action = menu.action.sudo()
                with self.subTest(user=user.login, menu=menu.complete_name):
                    records = self.env[action.res_model].with_user(user)
                    records.get_views(action.views)
                    if not records._transient:
                        records.search([], limit=1)
