from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import convert_file

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestMembership(LoyaltyCommon):
    """What other addons, the contact, the order and the time line know of a member."""

    def setUp(self):
        super().setUp()
        self.card = self.create_card()
        self.earn(self.card, 1200, self.env.cr.now())
        self.card._evaluate_tiers()

    def test_get_loyalty_tier(self):
        self.assertEqual(self.member._get_loyalty_tier(self.env.company), self.silver)
        self.assertFalse(self.partner._get_loyalty_tier(self.env.company))
        other = self.create_program("Pro", tier_ids=self.tier_commands(("Pro", 0)))
        self.assertFalse(self.member._get_loyalty_tier(self.env.company, other))
        self.create_card(program=other)._evaluate_tiers()
        self.assertEqual(self.member._get_loyalty_tier(self.env.company, other), other.tier_ids)

    def test_main_program(self):
        other = self.create_program("Pro", tier_ids=self.tier_commands(("Pro", 0)), sequence=99)
        self.assertEqual(self.env.company._get_main_loyalty_program(), self.program)
        self.env.company.main_loyalty_program_id = other
        self.assertEqual(self.env.company._get_main_loyalty_program(), other)
        other.active = False
        self.assertEqual(self.env.company._get_main_loyalty_program(), self.program)

    def test_other_company(self):
        company = self.env['res.company'].create({'name': "Second"})
        self.assertFalse(company._get_main_loyalty_program())
        self.assertFalse(self.member._get_loyalty_tier(company))
        self.assertEqual(self.member.loyalty_tier_id, self.silver)
        self.env.user.company_ids += company
        self.assertFalse(self.member.with_company(company).loyalty_tier_id)
        self.program.company_id = False
        self.assertEqual(self.member._get_loyalty_tier(company), self.silver)

    def test_partner_fields(self):
        self.assertEqual(self.member.loyalty_main_card_id, self.card)
        self.assertEqual(self.member.loyalty_points_display, "1,200 Points")
        self.assertEqual(self.member.loyalty_tier_hint, "1,800 Points to Gold")
        action = self.member.action_view_membership()
        self.assertEqual(action['res_id'], self.card.id)

    def test_briefing(self):
        """Who meets a member knows his tier; a stranger has none."""
        stranger = self.create_partner("Stranger")
        partners = self.member | stranger

        def read(partners):
            for section in partners._get_readable_briefing_sections():
                if section.key == 'loyalty.tier':
                    return section.describe(partners)
            return None

        lines = read(partners)
        self.assertEqual([line.text for line in lines[self.member.id]], ["Silver, 1,200 Points"])
        self.assertNotIn(stranger.id, lines)
        user = new_test_user(self.env, 'l_employee_briefing', 'base.group_user')
        self.assertIsNone(read(partners.with_user(user)), "no right to read member cards")

    def test_plain_employee_reads_the_tier(self):
        user = new_test_user(self.env, 'l_employee', 'base.group_user')
        member = self.member.with_user(user)
        self.assertEqual(member._get_loyalty_tier(self.env.company).name, "Silver")
        self.assertFalse(member.loyalty_tier_id, "no right to read member cards")
        self.assertFalse(member.loyalty_main_card_id)
        self.assertEqual(self.member.loyalty_tier_id, self.silver, "each reader has his own value")
        self.silver.with_user(user).read()

    def test_own_members(self):
        user = new_test_user(self.env, 'l_own', 'crm_loyalty.group_own')
        foreign = self.partner
        self.member.user_id = user
        self.create_card(foreign)._evaluate_tiers()
        mine, other = self.member.with_user(user), foreign.with_user(user)
        self.assertEqual(mine.loyalty_main_card_id, self.card)
        self.assertEqual(mine.loyalty_points_display, "1,200 Points")
        self.assertEqual(mine.loyalty_tier_color, self.silver.color)
        self.assertFalse(other.loyalty_main_card_id)
        self.assertFalse(other.loyalty_points_display)
        self.assertFalse(other.loyalty_tier_hint)
        self.assertTrue(foreign.loyalty_points_display)

    def test_order_tells_members_to_sellers_only(self):
        portal = new_test_user(self.env, 'l_portal', 'base.group_portal')
        order = self.create_order(partner=portal.partner_id)
        self.create_card(portal.partner_id)._evaluate_tiers()
        order.message_subscribe(portal.partner_id.ids)
        for name in ('loyalty_tier_id', 'loyalty_tier_color', 'loyalty_tier_hint'):
            with self.assertRaises(AccessError):
                order.with_user(portal).read([name])
        seller = new_test_user(self.env, 'l_seller', 'sales_team.group_sale_salesman_all_leads')
        self.assertEqual(order.with_user(seller).loyalty_tier_id, self.basic)
        self.assertNotIn('loyalty_card_id', order._fields)

    def test_search_by_tier(self):
        partners = self.env['res.partner']
        self.assertEqual(partners.search([('loyalty_tier_id', '=', self.silver.id)]), self.member)
        self.assertEqual(partners.search([('loyalty_tier_id.name', '=', "Silver")]), self.member)
        without = partners.search([('loyalty_tier_id', '=', False)])
        self.assertIn(self.partner, without)
        self.assertNotIn(self.member, without)
        self.assertEqual(partners.search([('loyalty_tier_id', '!=', False)]), self.member)

    def test_search_by_tier_finds_what_one_reads(self):
        own = new_test_user(self.env, 'l_own', 'crm_loyalty.group_own')
        employee = new_test_user(self.env, 'l_employee', 'base.group_user')
        self.member.user_id = own
        self.create_card(self.partner)._evaluate_tiers()
        tiers = (self.silver | self.basic).ids
        both = self.member | self.partner
        for user, members in ((self.env.user, both), (own, self.member), (employee, both - both)):
            with self.subTest(user.login):
                partners = self.env['res.partner'].with_user(user)
                known = Domain('id', 'in', both.ids)
                found = partners.search(known & Domain('loyalty_tier_id', 'in', tiers))
                self.assertEqual(found, members)
                without = partners.search(known & Domain('loyalty_tier_id', '=', False))
                self.assertEqual(without, both - members, "as the field shows it")

    def test_demo_program_twice(self):
        """A program that outlived the addon keeps its rule and reward when it comes back."""
        for _time in range(2):
            convert_file(
                self.env, 'crm_loyalty', 'demo/loyalty_program_demo.xml', {}, 'init', noupdate=True
            )
        program = self.env.ref('crm_loyalty.demo_program').with_context(active_test=False)
        self.assertEqual((len(program.rule_ids), len(program.reward_ids)), (1, 1))

    def test_sale_order(self):
        order = self.create_order()
        self.assertEqual(order.loyalty_tier_id, self.silver)
        self.assertEqual(order.loyalty_tier_hint, "1,800 Points to Gold")
        with Form(self.env['sale.order']) as form:
            form.partner_id = self.member
            self.assertEqual(form.loyalty_tier_id, self.silver)
            form.partner_id = self.partner
            self.assertFalse(form.loyalty_tier_id)

    def test_sale_order_after_confirm(self):
        order = self.create_order(2000)
        self.assertEqual(order.loyalty_tier_id, self.silver)
        order.action_confirm()
        self.assertEqual(order.loyalty_tier_id, self.gold)
        self.assertEqual(order.loyalty_tier_hint, "Highest tier")

    def test_timeline(self):
        self.create_order(50).action_confirm()
        page = self.member.get_customer_timeline(sources=['loyalty.points', 'loyalty.tier'])
        titles = [entry['title'] for entry in page['entries']]
        self.assertIn("+50 Points", titles)
        self.assertIn("+1,200 Points", titles)
        self.assertIn("Silver", titles)
        found = self.member.get_customer_timeline(sources=['loyalty.tier'], search="silver")
        self.assertEqual(len(found['entries']), 1)

    def test_timeline_of_archived_contacts(self):
        contact = self.create_partner("Left", parent_id=self.member.id)
        self.earn(self.create_card(contact), 33, self.env.cr.now())
        contact.active = False
        page = self.member.get_customer_timeline(sources=['loyalty.points'])
        self.assertIn("+33 Points", [entry['title'] for entry in page['entries']])

    def test_settings(self):
        settings = self.env['res.config.settings'].create({})
        settings.main_loyalty_program_id = self.program
        settings.execute()
        self.assertEqual(self.env.company.main_loyalty_program_id, self.program)
