from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common_sla import SlaCommon


@tagged('post_install', '-at_install')
class TestSettings(SlaCommon):
    """What a company sets up: of which company it is, and what refers to it."""

    # ------------------------------------------------------------
    # In use
    # ------------------------------------------------------------

    def test_settings_in_use_are_not_deleted(self):
        """Past requests and reports would not say any more what they were about."""
        policy = self._create_policy()
        warranty = self.env['aftersales.warranty.policy'].create({'name': "Standard"})
        self.product.aftersales_warranty_policy_id = warranty
        reason = self.env['aftersales.pause.reason'].create({'name': "Test drive"})
        policy.pause_reason_ids = reason
        request = self._create_request(team_id=self.team_workshop.id)
        for used in (request.type_id, request.team_id, request.sla_policy_id, warranty, reason):
            with self.subTest(used._name), self.assertRaises(UserError) as refusal:
                used.with_user(self.user_manager).unlink()
            self.assertIn("Archive it instead", str(refusal.exception))
            self.assertIn(used.display_name, str(refusal.exception))

    def test_whatever_refers_to_a_setting_is_known(self):
        """Also what an addon, or a later version, adds; lines of a setting go with it."""
        guarded = [
            model
            for model in self.env.values()
            if not model._abstract and isinstance(model, self.registry['aftersales.used.mixin'])
        ]
        self.assertEqual(len(guarded), 5)
        for model in guarded:
            own_tables = {getattr(field, 'relation', None) for field in model._fields.values()}
            refer = {
                (other._name, field.name)
                for other in self.env.values()
                if other._auto and not other._abstract and not other._transient
                for field in other._fields.values()
                if field.comodel_name == model._name
                and field.type in ('many2one', 'many2many')
                and (field.store or field.company_dependent)
                and (field.type == 'many2many' or field.ondelete != 'cascade')
                and getattr(field, 'relation', None) not in own_tables - {None}
            }
            with self.subTest(model._name):
                self.assertLessEqual(refer, set(model._get_used_by()))

    def test_a_policy_in_use_in_another_company(self):
        """Products have one in each company."""
        company = self.env['res.company'].create({'name': "Beta of the test"})
        policy = self.env['aftersales.warranty.policy'].create({'name': "Standard"})
        self.product.with_company(company).aftersales_warranty_policy_id = policy
        with self.assertRaises(UserError):
            policy.with_user(self.user_manager).unlink()
        self.assertTrue(policy.exists())

    def test_settings_for_some_do_not_become_settings_for_all(self):
        """No team at all means every team."""
        team = self.env['aftersales.team'].create({'name': "Night"})
        self._create_policy(team_ids=[Command.set(team.ids)])
        with self.assertRaises(UserError):
            team.unlink()

    def test_settings_nothing_refers_to_are_deleted(self):
        self._create_request()
        for model in ('request.type', 'team', 'sla.policy', 'warranty.policy', 'pause.reason'):
            with self.subTest(model):
                record = self.env[f'aftersales.{model}'].with_user(self.user_manager)
                record = record.create({'name': "By mistake"})
                record.unlink()
                self.assertFalse(record.exists())

    def test_the_last_stage_of_a_state_stays(self):
        """Without it the portal, mails and buttons of all others fail."""
        for state in ('new', 'open', 'waiting_customer', 'resolved', 'closed', 'cancelled'):
            stages = self.env['aftersales.request.stage'].search([('state', '=', state)])
            for change in (stages.action_archive, stages.unlink):
                with self.subTest(state), self.assertRaises(UserError):
                    change()
        other = self._stage('new').copy()
        self.assertEqual(other.state, 'new')
        other.action_archive()
        self.env['aftersales.request.stage'].search(
            [('state', '=', 'waiting_supplier')]
        ).action_archive()

    def test_archived_teams_get_nothing(self):
        with self.assertRaises(UserError) as refusal:
            self.team.action_archive()
        self.assertIn("Choose another default team", str(refusal.exception))
        self.type_fault.team_id = self.team_workshop
        self.assertEqual(self._create_request().team_id, self.team_workshop)
        self.team_workshop.action_archive()
        self.assertEqual(self._create_request().team_id, self.team)

    # ------------------------------------------------------------
    # Of which company
    # ------------------------------------------------------------

    def test_first_team_of_a_company_gets_its_requests(self):
        company = self.env['res.company'].create({'name': "Beta of the test"})
        self.assertFalse(company.aftersales_team_id.company_id, "the one all companies share")
        teams = self.env['aftersales.team'].create(
            [{'name': name, 'company_id': company.id} for name in ("First", "Second")]
        )
        self.assertEqual(company.aftersales_team_id, teams[0])
        self.env['aftersales.team'].create({'name': "Third", 'company_id': company.id})
        self.assertEqual(company.aftersales_team_id, teams[0])

    def test_what_a_manager_of_one_company_makes_can_be_used(self):
        """What all companies have can be combined with what is his own."""
        company = self.env['res.company'].create({'name': "Beta of the test"})
        manager = new_test_user(
            self.env,
            'aftersales_beta_manager',
            'crm_aftersales.group_manager',
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        env = self.env(user=manager)
        team = env['aftersales.team'].create({'name': "Beta Team"})
        self.assertEqual(team.company_id, company)
        request_type = self.type_fault.with_env(env)
        request_type.team_id = team
        macro = self.env['aftersales.macro'].create({'name': "Shared"}).with_env(env)
        macro.team_ids = team
        macro.tag_ids = env['aftersales.tag'].create({'name': "Beta of the test"})
        meter = env['aftersales.meter.type'].create({'name': "Hours", 'uom': "h"})
        self.product.product_tmpl_id.aftersales_meter_type_id = meter
        self.assertEqual(
            env['aftersales.request'].create({'name': "Beta of the test"}).team_id, team
        )
        self.assertEqual(self._create_request().team_id, self.team, "not the other company's")

    def test_where_requests_came_in_before_nothing_changes(self):
        self._create_request()
        self.env['aftersales.team'].create({'name': "Night", 'company_id': self.company.id})
        self.assertEqual(self.company.aftersales_team_id, self.team)

    def test_who_follows_a_shared_team_follows_his_companies_only(self):
        """Else he would be sent what he may not open."""
        company = self.env['res.company'].create({'name': "Beta of the test"})
        other = new_test_user(
            self.env,
            'aftersales_beta',
            'crm_aftersales.group_all',
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        followers = other.partner_id + self.user_service.partner_id
        subtype = self.env.ref('crm_aftersales.mt_team_request_new')
        self.team.message_subscribe(followers.ids, subtype.ids)
        for owner, follower in ((self.company, self.user_service), (company, other)):
            request = self._create_request(team_id=self.team.id, company_id=owner.id, unit_id=False)
            self.assertEqual(request.message_partner_ids & followers, follower.partner_id)
        queries = []
        for number in (2, 12):
            vals_list = [{'name': "Many", 'team_id': self.team.id} for _number in range(number)]
            before = self.cr.sql_log_count
            self.env['aftersales.request'].create(vals_list)
            self.env.flush_all()
            queries.append((self.cr.sql_log_count - before) / number)
        self.assertLessEqual(queries[1], queries[0])
