from unittest.mock import patch

from lxml import etree, html
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.modules.migration import load_script
from odoo.tests import Form, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import file_open, file_path

from odoo.addons.crm_customer.preset_file import PresetFile

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestPreset(CrmCustomerCommon):
    def setUp(self):
        super().setUp()
        self.preset = self.env.ref('crm_customer.crm_preset_b3_hotel').with_user(self.user_manager)
        self.preset.sudo().load_ids.unlink()
        self.data = self.env['ir.model.data']
        self.data.search([('module', '=', 'crm_customer'), ('name', '=like', 'b3\\_%')]).unlink()
        # a small part of its own, whatever else is installed
        patcher = patch.object(
            self.registry['crm.preset'],
            '_get_files',
            lambda preset: {'crm_customer': 'tests/presets/test_hotel.xml'},
        )
        patcher.start()
        self.addCleanup(patcher.stop)

    def count_tags(self):
        return self.env['res.partner.category'].search_count([])

    def load(self):
        self.preset.action_load()
        # the load was a transaction of its own
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner_category SET create_date = create_date - interval '1 day'"
        )
        return self.env.ref('crm_customer.b3_partner_category_guest')

    def test_load_and_undo(self):
        before = self.count_tags()
        tag = self.load()
        self.assertRecordValues(self.preset, [{'state': 'loaded', 'record_count': 5}])
        self.assertEqual(self.count_tags(), before + 3)
        xmlid = self.data.search([('model', '=', tag._name), ('res_id', '=', tag.id)])
        self.assertTrue(xmlid.noupdate, "an update of the addon leaves it alone")

        self.preset.action_undo()
        self.assertEqual(self.count_tags(), before)
        self.assertEqual(self.preset.state, 'new')
        self.assertFalse(xmlid.exists())

    def test_translations(self):
        self.env['res.lang']._activate_lang('zh_TW')
        tag = self.load()
        self.assertEqual(tag.with_context(lang='zh_TW').name, "飯店住客")
        self.env['res.lang']._activate_lang('zh_CN')
        self.env['ir.module.module']._load_module_terms(['crm_customer'], ['zh_CN'])
        tag.invalidate_recordset()
        self.assertEqual(tag.with_context(lang='zh_CN').name, "酒店客人")
        self.assertEqual(tag.with_context(lang='en_US').name, "Hotel Guest")

    def test_load_twice(self):
        tag = self.load()
        tag.name = "Our Guests"
        before = self.count_tags()
        self.preset.action_load()
        self.assertEqual((self.count_tags(), tag.name), (before, "Our Guests"))

    def test_parts_of_addons_installed_later(self):
        self.load()
        with patch.object(
            self.registry['crm.preset'],
            '_get_files',
            lambda preset: {
                'crm_customer': 'tests/presets/test_hotel.xml',
                'crm_other': 'presets/b3_hotel.xml',
            },
        ):
            self.preset.invalidate_recordset(['state'])
            self.assertEqual(self.preset.state, 'partial')

    def test_undo_is_refused_when_used_by_a_link(self):
        tag = self.load()
        self.customer.category_id = tag
        with self.assertRaisesRegex(UserError, "used by 1 of Contact"):
            self.preset.action_undo()
        self.assertTrue(tag.exists())
        self.customer.category_id = False
        self.preset.action_undo()

    def test_links_made_by_the_preset_are_no_use(self):
        partner = self.customer

        def load_file(preset, module, filename):
            names = load(preset, module, filename)
            partner.category_id = self.env.ref('crm_customer.b3_partner_category_guest')
            return names

        load = self.registry['crm.preset']._load_file
        with patch.object(self.registry['crm.preset'], '_load_file', load_file):
            tag = self.load()
        self.stranger.category_id = tag
        with self.assertRaisesRegex(UserError, "used by 1 of Contact"):
            self.preset.action_undo()
        self.stranger.category_id = False
        self.preset.action_undo()
        self.assertFalse(tag.exists())

    def test_derived_rows_are_no_use(self):
        tag = self.load()
        self.env['res.partner.category'].create({'name': "VIP Guest", 'parent_id': tag.id})
        with patch.object(
            self.registry['crm.preset'],
            '_get_derived_models',
            lambda preset: {'res.partner.category'},
        ):
            self.preset.action_undo()
        self.assertFalse(tag.exists())

    def test_undo_is_refused_when_used_by_a_record(self):
        tag = self.load()
        self.env['res.partner.category'].create({'name': "VIP Guest", 'parent_id': tag.id})
        with self.assertRaisesRegex(UserError, rf"\({tag.name}\): used by 1 of"):
            self.preset.action_undo()

    def test_undo_when_something_was_deleted(self):
        before = self.count_tags()
        self.load().unlink()
        self.preset.action_undo()
        self.assertEqual(self.count_tags(), before)

    def test_links_inside_the_preset_are_no_use(self):
        tag = self.load()
        other = self.env.ref('crm_customer.b3_partner_category_agency')
        other.parent_id = tag
        self.preset.action_undo()
        self.assertFalse(other.exists())

    # ------------------------------------------------------------
    # A USED DATABASE
    # ------------------------------------------------------------

    def test_what_exists_is_kept(self):
        self.env['res.lang']._activate_lang('zh_CN')
        own = self.env['res.partner.category'].create({'name': "Our guests", 'color': 9})
        own.with_context(lang='zh_CN').name = "酒店客人"
        company = self.env['res.partner.category'].create(
            {'name': "corporate account", 'active': False}
        )
        before = self.count_tags()
        self.assertIn("yours is kept", self.preset.contents)
        self.load()
        self.assertEqual(self.count_tags(), before + 1, "only the travel agency is new")
        self.assertEqual(self.env.ref('crm_customer.b3_partner_category_guest'), own)
        self.assertRecordValues(own, [{'name': "Our guests", 'color': 9}])
        agency = self.env.ref('crm_customer.b3_partner_category_agency')
        self.assertEqual(agency.parent_id, company, "what is new hangs on what is kept")
        self.assertFalse(company.active)
        self.assertEqual(self.preset.record_count, 3)

        self.preset.action_undo()
        self.assertTrue(own.exists())
        self.assertTrue(company.exists())
        self.assertFalse(agency.exists())
        self.assertFalse(self.env.ref('crm_customer.b3_partner_category_guest', False))

    def test_whose_contact_policy_is_kept(self):
        """A company has policies of its own: the page names the one that goes on to bind."""
        policies = self.env['crm.contact.policy'].with_context(active_test=False)
        policies.search([('company_id', '=', self.env.company.id)]).unlink()
        policy = policies.create({'name': "One letter a year", 'company_id': self.env.company.id})
        files = {'crm_customer': 'presets/b3_hotel.xml'}
        self.patch(self.registry['crm.preset'], '_get_files', lambda preset: files)
        for loaded in (False, True):
            with self.subTest(loaded=loaded):
                self.preset.invalidate_recordset()
                text = etree.tostring(
                    html.fromstring(self.preset.contents), encoding='unicode', method='text'
                )
                self.assertIn("two messages in 30 daysyours is kept: One letter a year", text)
                self.preset.action_load()
        found = policies.search([('company_id', '=', self.env.company.id)])
        self.assertEqual(found, policy)

    def test_settings(self):
        company = self.env.company
        company.crm_job_keep_days = 90
        self.load()
        self.assertEqual(company.crm_job_keep_days, 30)
        self.preset.action_undo()
        self.assertEqual(company.crm_job_keep_days, 90)
        self.load()
        company.crm_job_keep_days = 45
        self.preset.action_undo()
        self.assertEqual(company.crm_job_keep_days, 45, "decided after the preset")

    def test_own_settings_are_kept(self):
        self.env.company.crm_job_keep_days = 60
        self.load()
        self.assertEqual(self.env.company.crm_job_keep_days, 60)
        self.preset.action_undo()
        self.assertEqual(self.env.company.crm_job_keep_days, 60)

    def test_setting_of_an_addon_that_is_not_installed(self):
        setting = self.env['crm.preset.setting'].create({'field_name': 'crm_other', 'value': '1'})
        self.assertEqual(setting.state, 'unknown')
        setting.unlink()

    # ------------------------------------------------------------
    # TWO COMPANIES
    # ------------------------------------------------------------

    def in_other_company(self):
        """Return the preset as the administrator of the second company sees it."""
        self.user_manager.company_ids |= self.other_company
        return self.preset.with_context(allowed_company_ids=self.other_company.ids)

    def test_each_company_loads_and_takes_back_its_own(self):
        tags = self.count_tags()
        tag = self.load()
        goal = self.env.ref('crm_customer.b3_goal_returning')
        other = self.in_other_company()
        self.assertEqual((self.preset.state, other.state), ('loaded', 'new'))
        other.action_undo()
        self.assertTrue(goal.exists(), "nothing of it is hers")

        self.other_company.crm_job_keep_days = 90
        other.action_load()
        self.assertEqual(self.other_company.crm_job_keep_days, 30)
        theirs = self.env.ref(f'crm_customer.b3_goal_returning_company_{self.other_company.id}')
        self.assertEqual((theirs.company_id, theirs.target), (self.other_company, 35))
        self.assertEqual(self.count_tags(), tags + 3, "tags are shared")
        self.assertEqual(other.goal_ids, theirs)
        self.assertIn("Guests who come again", other.contents)

        other.action_undo()
        self.assertFalse(theirs.exists())
        self.assertTrue(goal.exists() and tag.exists())
        self.assertEqual(self.other_company.crm_job_keep_days, 90)
        self.assertEqual((self.preset.state, other.state), ('loaded', 'new'))

    def test_what_companies_share_goes_with_the_last(self):
        tags = self.count_tags()
        company = self.env.company
        company.crm_job_keep_days = 90
        tag = self.load()
        goal = self.env.ref('crm_customer.b3_goal_returning')
        other = self.in_other_company()
        other.action_load()
        self.preset.action_undo()
        self.assertFalse(goal.exists())
        self.assertEqual(company.crm_job_keep_days, 90)
        self.assertTrue(tag.exists())
        self.preset.action_load()
        goal = self.env.ref('crm_customer.b3_goal_returning')
        self.assertEqual(goal.company_id, company)
        self.assertEqual(self.count_tags(), tags + 3)
        self.preset.action_undo()
        other.action_undo()
        self.assertEqual(self.count_tags(), tags)
        self.assertFalse(self.preset.sudo().links)

    @mute_logger('odoo.sql_db')
    def test_a_company_takes_back_before_it_is_deleted(self):
        closing = self.env['res.company'].create({'name': "Closing"})
        load = self.env['crm.preset.load'].create(
            {'preset_id': self.preset.id, 'company_id': closing.id}
        )
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            closing.unlink()
        load.unlink()
        closing.unlink()

    @mute_logger('odoo.sql_db')
    def test_goals_and_days_that_are_none(self):
        company = self.env['res.company'].create({'name': "Wrong Numbers"})
        goal = self.env['crm.goal'].create({'name': "Guests", 'code': 'wrong_numbers'})
        for record, name, value in (
            (goal, 'target', -5),
            (goal, 'target', 1e20),
            (company, 'crm_job_keep_days', -5),
            (company, 'crm_message_keep_days', 2_000_000_000),
        ):
            with (
                self.subTest(name, value=value),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                record[name] = value
                self.env.flush_all()

    def test_names_of_what_is_kept_are_shared(self):
        own = self.env['res.partner.category'].create({'name': "Hotel Guest"})
        self.load()
        other = self.in_other_company()
        other.action_load()
        self.preset.action_undo()
        self.assertEqual(self.env.ref('crm_customer.b3_partner_category_guest'), own)
        other.action_undo()
        self.assertFalse(self.env.ref('crm_customer.b3_partner_category_guest', False))
        self.assertTrue(own.exists())

    def test_translations_of_another_company(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.load()
        self.in_other_company().action_load()
        theirs = self.env.ref(f'crm_customer.b3_goal_returning_company_{self.other_company.id}')
        self.assertEqual(theirs.with_context(lang='zh_CN').name, "回头客")

    def test_records_moved_to_another_company_stay(self):
        self.load()
        goal = self.env.ref('crm_customer.b3_goal_returning')
        goal.company_id = self.other_company
        with self.assertRaisesRegex(UserError, "take it back there"):
            self.preset.action_undo()
        self.assertTrue(goal.exists())

    def test_update_of_a_database_with_one_state_for_all(self):
        self.env.cr.execute(
            'ALTER TABLE crm_preset ADD COLUMN IF NOT EXISTS loaded jsonb,'
            ' ADD COLUMN IF NOT EXISTS date timestamp'
        )
        preset = self.preset.sudo()
        self.env.cr.execute(
            "UPDATE crm_preset SET loaded = %s, date = '2026-01-02', write_uid = %s WHERE id = %s",
            ['{"crm_customer": ["b3_x"]}', self.user_manager.id, preset.id],
        )
        path = file_path('crm_customer/migrations/19.0.1.1.0/post-presets.py')
        load_script(path, 'post_presets').migrate(self.env.cr, '19.0.1.0.0')
        preset.invalidate_recordset()
        self.assertEqual(self.preset.loaded, {'crm_customer': ['b3_x']})
        self.assertEqual(self.in_other_company().state, 'new')

    # ------------------------------------------------------------
    # FIRST START
    # ------------------------------------------------------------

    def start(self):
        action = self.preset.action_start()
        return Form(
            self.env['crm.preset.start']
            .with_user(self.user_manager)
            .with_context(**action['context'])
        )

    def test_first_start(self):
        start = self.start()
        self.assertIn("Hotel Guest", start.contents)
        self.assertRegex(str(start.contents), r'>\s*Customer File\s*<')
        self.assertIn("Keep Jobs for (Days): 30", start.contents)
        with start.goal_ids.edit(0) as goal:
            self.assertEqual((goal.name, goal.target), ("Guests who come again", 35))
            goal.target = 42
        action = start.save().action_load()
        self.assertEqual((action['res_model'], action['res_id']), ('crm.preset', self.preset.id))
        goal = self.env.ref('crm_customer.b3_goal_returning')
        self.assertRecordValues(goal, [{'target': 42, 'company_id': self.env.company.id}])
        self.assertEqual(self.preset.goal_ids, goal)
        self.assertEqual(self.preset.state, 'loaded')

    def test_goals_that_existed(self):
        own = self.env['crm.goal'].create(
            {'name': "Guests we know", 'code': 'test_repeat_rate', 'target': 20}
        )
        start = self.start()
        with start.goal_ids.edit(0) as goal:
            self.assertEqual(goal.target, 20, "the company's own, not the preset's")
            goal.target = 25
        start.save().action_load()
        self.assertRecordValues(own, [{'name': "Guests we know", 'target': 25}])
        self.preset.action_undo()
        self.assertEqual(own.target, 20, "as it was before")

    def test_addons_that_would_add(self):
        with (
            patch.object(
                self.registry['crm.preset'],
                '_get_files_not_installed',
                lambda preset: {'crm_absent': 'tests/presets/test_hotel.xml'},
            ),
            patch.object(PresetFile, '__init__', self.open_own_file),
        ):
            self.assertIn("Not installed; would add", self.preset.contents)

    @staticmethod
    def open_own_file(preset_file, module, filename):
        preset_file.module = module
        with file_open(f'crm_customer/{filename}', 'rb') as source:
            preset_file.tree = etree.parse(source)

    def test_after_load_hook(self):
        codes = []
        with patch.object(
            self.registry['crm.preset'],
            '_after_load_hook',
            lambda preset, code: codes.append(code),
        ):
            self.preset.action_load()
        self.assertEqual(codes, ['b3_hotel'])

    def test_goals_by_company(self):
        goal = self.env['crm.goal'].create(
            {'name': "G", 'code': 'x', 'company_id': self.other_company.id}
        )
        self.assertFalse(self.env['crm.goal'].with_user(self.user_all).search([('code', '=', 'x')]))
        with self.assertRaises(AccessError):
            goal.with_user(self.user_manager).target = 1
        with self.assertRaises(AccessError):
            self.env['crm.goal'].with_user(self.user_all).create({'name': "G", 'code': 'y'})

    def test_only_administrators(self):
        for user in (self.user_employee, self.user_own, self.user_all):
            for method in ('action_load', 'action_undo', 'action_start'):
                with self.assertRaises(AccessError):
                    getattr(self.preset.with_user(user), method)()
        with self.assertRaises(AccessError):
            self.preset.write({'loaded': {'base': ['user_admin']}})
        with self.assertRaises(AccessError):
            self.preset.create([Command.create({'code': 'x'})[2]])


@tagged('post_install', '-at_install')
class TestShippedPresets(CrmCustomerCommon):
    """The presets as they are shipped load into this database, whatever it holds, and go again."""

    def load_and_undo(self, code):
        preset = self.env.ref(f'crm_customer.crm_preset_{code}').with_user(self.user_manager)
        if preset.state == 'loaded':
            self.skipTest("the preset is loaded here")
        preset.action_load()
        self.assertEqual(preset.state, 'loaded')
        for module, names in preset.loaded.items():
            for name in names:
                self.assertTrue(self.env.ref(f'{module}.{name}', False), name)
        return preset

    def test_hotel(self):
        preset = self.load_and_undo('b3_hotel')
        rules = self.env['crm.occasion.rule'].search([('name', 'ilike', "pillow")])
        self.assertEqual(rules.department_id.code, 'housekeeping')
        health = self.env.ref('crm_customer.b3_note_category_health')
        self.assertEqual(health.visibility, 'confidential')
        self.assertEqual(
            health,
            self.env.ref('crm_customer.crm_note_category_health'),
            "the category of that name is used, not doubled",
        )
        preset.action_undo()
        self.assertTrue(health.exists())
        self.assertFalse(rules.exists())

    def test_supermarket(self):
        preset = self.load_and_undo('b5_supermarket')
        self.assertEqual(len(preset.goal_ids), 4)
        preset.action_undo()
        self.assertFalse(preset.goal_ids)
