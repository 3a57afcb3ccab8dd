from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged, users
from odoo.tools import mute_logger

from .common import AftersalesCommon

OPERATIONS = ('read', 'write', 'create', 'unlink')


@tagged('post_install', '-at_install')
class TestAccessRights(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_sale = cls._create_user('aftersales_sale', 'sales_team.group_sale_salesman')
        cls.user_plain = cls._create_user('aftersales_plain', 'base.group_user')
        cls.user_accountant = cls._create_user(
            'aftersales_accountant', 'account.group_account_invoice'
        )
        cls.request_own = cls._create_request(user_id=cls.user_technician.id)
        cls.request_team = cls._create_request(team_id=cls.team_workshop.id)
        cls.request_desk = cls._create_request(user_id=cls.user_service.id)
        cls.request_stranger = cls._create_request(
            partner_id=cls.stranger.id, unit_id=cls.unit_stranger.id
        )
        cls.requests = cls.request_own + cls.request_team + cls.request_desk + cls.request_stranger

    def _visible(self, user, records):
        return records.with_user(user).search([('id', 'in', records.ids)]).with_env(self.env)

    # ------------------------------------------------------------
    # Matrix
    # ------------------------------------------------------------

    def test_matrix(self):
        """Who may do what at all: operations by role and model."""
        everything, own, read, nothing = 'rwcu', 'rwc', 'r', ''
        roles = (self.user_manager, self.user_service, self.user_technician, self.user_sale)
        roles += (self.user_customer, self.user_plain)
        matrix = {
            'aftersales.request': (everything, own, own, read, read, nothing),
            'aftersales.unit': (everything, own, own, read, read, nothing),
            'aftersales.unit.owner': (read, read, read, read, nothing, nothing),
            'aftersales.unit.transfer': (everything, everything, *[nothing] * 4),
            'aftersales.request.merge': (everything, everything, everything, *[nothing] * 3),
            'aftersales.request.split': (everything, everything, everything, *[nothing] * 3),
            'aftersales.warranty': (read, read, read, read, read, nothing),
            'aftersales.warranty.check': (*[everything] * 4, nothing, nothing),
            'aftersales.warranty.part': (everything, everything, *[nothing] * 4),
            'aftersales.warranty.void': (everything, *[nothing] * 5),
            'aftersales.warranty.policy': (everything, read, read, read, nothing, nothing),
            'aftersales.warranty.policy.rule': (everything, read, read, read, nothing, nothing),
            'aftersales.request.check': (everything, everything, everything, read, *[nothing] * 2),
            'aftersales.checklist.item': (everything, read, read, read, nothing, nothing),
            'aftersales.macro': (everything, read, read, *[nothing] * 3),
            'aftersales.macro.apply': (everything, everything, everything, *[nothing] * 3),
            'aftersales.tag': (everything, read, read, read, nothing, nothing),
            'aftersales.service.point': (everything, read, read, read, nothing, nothing),
            'aftersales.code': (everything, read, read, read, nothing, nothing),
            'aftersales.team': (everything, read, read, read, nothing, nothing),
            'aftersales.request.type': (everything, read, read, read, nothing, nothing),
            'aftersales.request.stage': (everything, read, read, read, nothing, nothing),
            'aftersales.sla.policy': (everything, read, read, read, nothing, nothing),
            'aftersales.sla.escalation': (everything, read, read, read, nothing, nothing),
            'aftersales.pause.reason': (everything, read, read, read, nothing, nothing),
            'aftersales.sla.event': (read, read, read, read, nothing, nothing),
            'aftersales.sla.clock': (read, read, read, read, nothing, nothing),
            'aftersales.sla.report': (read, read, *[nothing] * 4),
            'sale.order': ('rwc', read, read, 'rwc', read, nothing),
            'product.product': (everything, read, read, read, nothing, read),
        }
        for model, rights in matrix.items():
            for user, expected in zip(roles, rights, strict=True):
                with self.subTest(model=model, user=user.login):
                    Model = self.env[model].with_user(user)
                    allowed = ''.join(
                        operation[0] for operation in OPERATIONS if Model.has_access(operation)
                    )
                    self.assertEqual(allowed, expected)

    def test_records_by_role(self):
        for user, expected in (
            (self.user_manager, self.requests),
            (self.user_service, self.requests),
            (self.user_technician, self.request_own + self.request_team),
            (self.user_sale, self.requests),
            (self.user_customer, self.requests - self.request_stranger),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(self._visible(user, self.requests), expected.sorted())

    def test_clocks_and_events_by_role(self):
        """Who sees a request sees its clocks, and nobody else's."""
        self._create_policy()
        requests = self._create_request(user_id=self.user_technician.id)
        requests += self._create_request(user_id=self.user_service.id)
        for user, expected in (
            (self.user_manager, requests),
            (self.user_service, requests),
            (self.user_technician, requests[0]),
            (self.user_sale, requests),
        ):
            for name in ('sla_clock_ids', 'sla_event_ids'):
                with self.subTest(user=user.login, name=name):
                    self.assertEqual(
                        self._visible(user, requests[name]).request_id, expected.sorted('id')
                    )
        self.user_service.write(
            {'company_ids': [Command.set(self.company_2.ids)], 'company_id': self.company_2.id}
        )
        self.assertFalse(self._visible(self.user_service, requests.sla_clock_ids))
        self.assertFalse(self._visible(self.user_service, requests.sla_event_ids))

    def test_ratings_are_for_who_sees_the_request(self):
        """Core shows each rating to every employee, of other companies too."""
        for request in self.requests:
            request.rating_apply(1, token=request._rating_get_access_token(), feedback="Bad")
        ratings = self.requests.rating_ids
        self.assertEqual(len(ratings), 4)
        for user in (self.user_service, self.user_technician, self.user_sale, self.user_plain):
            may_read = self.requests.browse().with_user(user).has_access('read')
            visible = self._visible(user, self.requests) if may_read else self.requests.browse()
            expected = ratings.filtered(lambda rating, ids=visible.ids: rating.res_id in ids)
            hidden = ratings - expected
            with self.subTest(user.login):
                self.assertEqual(self._visible(user, ratings), expected)
                self.assertEqual(ratings.with_user(user)._filtered_access('read'), expected)
                groups = (
                    self.env['rating.rating']
                    .with_user(user)
                    ._read_group([('id', 'in', ratings.ids)], aggregates=['__count'])
                )
                self.assertEqual(groups, [(len(expected),)])
                with mute_logger('odoo.addons.base.models.ir_rule'):
                    for rating in hidden.with_user(user):
                        self.assertRaises(AccessError, rating.read, ['feedback'])
                        self.assertRaises(AccessError, rating.write, {'feedback': "Good"})
        self.assertEqual(len(self._visible(self.user_service, ratings)), 4)
        self.assertFalse(self._visible(self.user_plain, ratings))
        self.user_service.write(
            {'company_ids': [Command.set(self.company_2.ids)], 'company_id': self.company_2.id}
        )
        self.assertFalse(self._visible(self.user_service, ratings))

    def test_other_ratings_are_read_as_before(self):
        rating = self.env['rating.rating'].create(
            {
                'res_model_id': self.env['ir.model']._get_id('res.partner'),
                'res_id': self.customer.id,
                'rating': 5,
            }
        )
        self.assertEqual(self._visible(self.user_plain, rating), rating)
        self.assertTrue(rating.with_user(self.user_plain).has_access('write'))

    def test_settings_are_of_the_company_of_who_makes_them(self):
        """A manager of one company is shown no company, and rules for all were what he made."""
        models = ('sla.policy', 'team', 'warranty.policy', 'request.type', 'macro')
        for companies, expected in (
            (self.company_2, self.company_2),
            (self.company_2 + self.company, self.env['res.company']),
        ):
            self.user_manager.write(
                {'company_ids': [Command.set(companies.ids)], 'company_id': self.company_2.id}
            )
            for model in models:
                with self.subTest(model, companies=len(companies)):
                    made = self.env[f'aftersales.{model}'].with_user(self.user_manager)
                    vals = made.default_get(['company_id'])
                    self.assertEqual(vals.get('company_id', False), expected.id)

    def test_technician_does_not_write_what_is_others(self):
        self.request_own.with_user(self.user_technician).action_resolve()
        self.request_team.with_user(self.user_technician).action_take()
        with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
            self.request_desk.with_user(self.user_technician).name = "Mine"

    def test_what_the_system_keeps_is_not_written_by_hand(self):
        """Views show these fields read-only; a program could try to write them."""
        self._create_policy()
        for user in (self.user_technician, self.user_service, self.user_manager):
            request = self._create_request(team_id=self.team_workshop.id, user_id=user.id)
            request = request.with_user(user)
            for values in (
                {'number': 'X'},
                {'state': 'closed'},
                {'sla_deadline': '2030-01-01'},
                {'sla_policy_id': False},
                {'sla_missed': True},
                {'date_first_reply': '2020-01-01 00:00:00'},
                {'date_resolved': '2020-01-01 00:00:00'},
                {'reopen_count': 5},
            ):
                with (
                    self.subTest(user=user.login, values=values),
                    self.assertRaisesRegex(AccessError, "cannot be written"),
                ):
                    request.write(values)
            with self.assertRaises(AccessError):
                request.create({'name': "Past", 'sla_deadline': '2030-01-01'})
            past = request.with_context(default_reopen_count=3, default_date_closed='2020-01-01')
            made = past.create({'name': "Past", 'user_id': user.id})
            self.assertEqual((made.reopen_count, made.date_closed), (0, False))
            request.write({'number': request.number, 'name': "An import repeats the number"})
            # the ways that lead there stay open
            request.message_post(
                body="Hello", message_type='comment', subtype_xmlid='mail.mt_comment'
            )
            request.action_close()
            request.action_reopen()
            self.assertEqual((request.state, request.reopen_count), ('open', 1))

    @users('aftersales_sale')
    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_sales_reads_only(self):
        request = self.request_desk.with_env(self.env)
        self.assertTrue(request.name)
        self.assertTrue(request.unit_id.display_name)
        with self.assertRaises(AccessError):
            request.name = "Sold"

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_portal_reads_only_its_own_entity(self):
        mine = self.request_own.with_user(self.user_customer)
        self.assertTrue(mine.name)
        for record in (self.request_stranger, self.unit_stranger):
            with self.assertRaises(AccessError):
                record.with_user(self.user_customer).read(['name'])
        with self.assertRaises(AccessError):
            mine.write({'priority': '3'})
        with self.assertRaises(AccessError):
            self.unit.with_user(self.user_customer).read(['note'])

    def test_colleague_of_the_customer_sees_the_same(self):
        self.user_customer.partner_id.parent_id = False
        self.env.flush_all()
        request = self._create_request(partner_id=self.customer_company.id, unit_id=False)
        self.assertFalse(self._visible(self.user_customer, request))
        self.user_customer.partner_id.parent_id = self.customer_company
        self.env.flush_all()
        self.assertEqual(self._visible(self.user_customer, request), request)
        # who leaves the company sees nothing of it from that moment on
        self.user_customer.partner_id.parent_id = self.stranger
        self.env.flush_all()
        self.assertFalse(self._visible(self.user_customer, request))

    # ------------------------------------------------------------
    # Companies
    # ------------------------------------------------------------

    def test_companies(self):
        other = self.env['aftersales.request'].create(
            {'name': "Two", 'company_id': self.company_2.id, 'partner_id': self.customer.id}
        )
        unit = self.unit.copy({'company_id': self.company_2.id})
        team = self.env['aftersales.team'].create({'company_id': self.company_2.id, 'name': "Two"})
        records = {'aftersales.request': other, 'aftersales.unit': unit, 'aftersales.team': team}
        for user in (self.user_manager, self.user_service, self.user_technician, self.user_sale):
            for model, record in records.items():
                with self.subTest(model=model, user=user.login):
                    self.assertFalse(self._visible(user, record))
        self.user_manager.company_ids += self.company_2
        manager = self.user_manager.with_context(
            allowed_company_ids=[self.company_2.id, self.company.id]
        )
        found = (
            self.env['aftersales.request']
            .with_user(manager)
            .with_context(allowed_company_ids=manager.company_ids.ids)
        )
        self.assertIn(other.id, found.search([('id', '=', other.id)]).ids)

    @users('aftersales_service')
    def test_service_desk_opens_what_it_needs(self):
        """Every menu of the application opens for the service desk."""
        request = self.env['aftersales.request'].create(
            {'name': "By phone", 'partner_id': self.customer.id, 'unit_id': self.unit.id}
        )
        request.action_take()
        self.assertEqual(request.state, 'open')
        menus = self.env['ir.ui.menu'].load_menus(False)
        root = next(
            menu for menu in menus.values() if menu.get('xmlid') == 'crm_aftersales.menu_root'
        )
        self._open_menus(menus, root)

    @users('aftersales_service', 'aftersales_tech')
    def test_service_staff_opens_an_order(self):
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'order_line': [Command.create({'product_id': self.product.id})],
                }
            )
        )
        order.action_confirm()
        form = Form(order.with_user(self.env.user))
        self.assertEqual(form.partner_id, self.customer)
        self.assertEqual(len(form.order_line), 1)
        self.assertIn('aftersales_request_count', form._view['fields'])

    def test_technician_reads_orders_of_whom_he_serves(self):
        customer = self.env['res.partner'].create({'name': "Customer of Nobody"})
        registered, served, other = self.env['sale.order'].create(
            [
                {
                    'partner_id': partner.id,
                    'user_id': self.user_manager.id,
                    'order_line': [Command.create({'product_id': self.product.id})],
                }
                for partner in (customer, self.customer_company, customer)
            ]
        )
        registered.action_confirm()
        registered.action_create_aftersales_units()
        user_both = self._create_user(
            'aftersales_both', 'crm_aftersales.group_own,sales_team.group_sale_salesman'
        )
        own = other.copy({'user_id': user_both.id})
        orders = registered + served + other + own
        self.request_team.unlink()
        for user, expected in (
            (self.user_technician, registered + served),
            (self.user_service, orders),
            (self.user_manager, orders),
            (self.user_sale, self.env['sale.order']),
            (user_both, registered + own),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(self._visible(user, orders), expected.sorted())
                self.assertEqual(self._visible(user, orders.order_line).order_id, expected.sorted())
        own.with_user(user_both).client_order_ref = "42"
        self.request_own.user_id = self.user_service
        self.assertEqual(self._visible(self.user_technician, orders), registered)

    @users('aftersales_accountant')
    def test_accountant_reads_every_field_of_an_order(self):
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'order_line': [Command.create({'product_id': self.product.id})],
                }
            )
        )
        self.assertTrue(order.order_line.with_user(self.env.user).read())

    def _open_menus(self, menus, menu):
        if menu.get('actionID'):
            action = self.env['ir.actions.actions'].browse(menu['actionID'])
            action = self.env[menu['actionModel']].browse(action.id).sudo().read()[0]
            if action.get('res_model') and action['res_model'] != 'res.config.settings':
                Model = self.env[action['res_model']]
                views = [(False, mode) for mode in action['view_mode'].split(',')]
                Model.get_views(views)
                Model.search([], limit=5).read(['display_name'])
        for child in menu['children']:
            self._open_menus(menus, menus[child])

    @users('aftersales_manager')
    def test_administrator_opens_every_menu(self):
        menus = self.env['ir.ui.menu'].load_menus(False)
        root = next(
            menu for menu in menus.values() if menu.get('xmlid') == 'crm_aftersales.menu_root'
        )
        self._open_menus(menus, root)
