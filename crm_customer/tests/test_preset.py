from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestPreset(CrmCustomerCommon):
    def setUp(self):
        super().setUp()
        self.preset = self.env.ref('crm_customer.crm_preset_b3_hotel').with_user(self.user_manager)
        self.preset.sudo().loaded = False
        self.data = self.env['ir.model.data']
        self.data.search([('module', '=', 'crm_customer'), ('name', '=like', 'b3\\_%')]).unlink()
        # this addon's part only, whatever else is installed
        patcher = patch.object(
            self.registry['ir.module.module'],
            '_get_crm_suite_names',
            lambda model: ['crm_customer'],
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
        self.assertRecordValues(self.preset, [{'state': 'loaded', 'record_count': 3}])
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
            lambda preset: {'crm_customer': 'x', 'crm_other': 'presets/b3_hotel.xml'},
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
        with self.assertRaisesRegex(UserError, "used by 1 of"):
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

    def test_only_administrators(self):
        for user in (self.user_employee, self.user_own, self.user_all):
            with self.assertRaises(AccessError):
                self.preset.with_user(user).action_load()
        with self.assertRaises(AccessError):
            self.preset.write({'loaded': {'base': ['user_admin']}})
        with self.assertRaises(AccessError):
            self.preset.create([Command.create({'code': 'x'})[2]])
