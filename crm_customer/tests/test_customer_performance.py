from lxml import etree

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_customer import models as our_models

from .common import CrmCustomerCommon

#: methods that run for every contact in a list, or on every contact that is made
HOT_METHODS = ('create', 'write', '_compute_display_name', '_search', 'web_search_read', 'fetch')


@tagged('post_install', '-at_install')
class TestCustomerPerformance(CrmCustomerCommon):
    """The contact list and the making of contacts cost what they cost in core."""

    def count_queries(self, function):
        function()  # what outlives a request
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def get_list_fields(self):
        """Return what the web client asks for: the columns shown, not the optional ones."""
        arch = self.env['res.partner'].get_view(self.env.ref('base.view_partner_tree').id, 'list')
        nodes = etree.fromstring(arch['arch']).iter('field')
        shown = {node.get('name') for node in nodes if node.get('optional') != 'hide'}
        return {name: {} for name in shown}

    def test_no_column_of_ours_is_shown_unasked(self):
        ours = [
            name
            for name, field in self.env['res.partner']._fields.items()
            if field._module == 'crm_customer'
        ]
        self.assertIn('customer_type_id', ours)
        self.assertFalse(set(ours) & set(self.get_list_fields()))

    def test_hot_methods_are_those_of_core(self):
        """Nothing of ours stands between the client and core's list."""
        for cls in type(self.env['res.partner']).mro():
            if cls.__module__.startswith(our_models.__name__):
                self.assertFalse(set(HOT_METHODS) & set(vars(cls)), cls)

    def test_list(self):
        """As many queries with our stored columns as without, for 10 contacts and for 80."""
        fields = self.get_list_fields()
        with_ours = {**fields, 'customer_file_kind': {}, 'customer_confirmed_on': {}}
        partners = self.env['res.partner'].create([{'name': f"P {n}"} for n in range(80)])

        def read(limit, specification):
            domain = [('id', 'in', partners.ids)]
            return self.count_queries(
                lambda: self.env['res.partner'].web_search_read(domain, specification, limit=limit)
            )

        few = read(10, fields)
        self.assertEqual(read(80, fields), few)
        self.assertEqual(read(80, with_ours), few)

    def test_computed_columns(self):
        """Those who show our computed columns pay once, not per contact."""
        tag = self.env['res.partner.category'].create({'name': "Tag"})
        partners = self.env['res.partner'].create(
            [
                {
                    'name': f"P {n}",
                    'birth_day': 1,
                    'birth_month': 1 + n % 12,
                    'country_id': self.env.ref('base.us').id,
                    'category_id': [Command.link(tag.id)],
                }
                for n in range(80)
            ]
        )
        names = ('customer_tz', 'birthday_text', 'customer_completeness')

        def read(number):
            return self.count_queries(lambda: partners[:number].read(names))

        self.assertEqual(read(80), read(10))

    def test_create(self):
        """Contacts are made with as many queries as when our fields have no say at all."""
        Partner = self.env['res.partner']

        def create():
            return self.count_queries(lambda: Partner.create({'name': "Somebody"}))

        with_ours = create()
        hooks = [
            method
            for method in Partner._constraint_methods
            if method.__module__.startswith(our_models.__name__)
        ]
        self.assertTrue(hooks)
        others = [method for method in Partner._constraint_methods if method not in hooks]
        self.patch(type(Partner), '_constraint_methods', others)
        self.assertEqual(with_ours, create())
        computed = [
            name
            for name, field in Partner._fields.items()
            if field._module == 'crm_customer' and field.store and (field.compute or field.default)
        ]
        self.assertFalse(computed, "no column of ours is filled for every new contact")
