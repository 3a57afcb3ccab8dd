from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestHelper(AftersalesCommon):
    """Colleagues who help, and places that serve."""

    def _help(self, request, *users):
        request.with_user(self.user_service).helper_ids = [Command.set([user.id for user in users])]

    # ------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------

    def test_helper_sees_and_works(self):
        request = self._create_request(user_id=self.user_service.id, team_id=self.team.id)
        helped = request.with_user(self.user_technician)
        self.assertFalse(helped.search([('id', '=', request.id)]))
        with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
            helped.priority = '2'
        self._help(request, self.user_technician)
        self.assertEqual(helped.search([('id', '=', request.id)]), helped)
        helped.priority = '2'
        request.write({'check_ids': [Command.create({'name': "Look"})]})
        helped.check_ids.is_done = True
        self.assertEqual(request.user_id, self.user_service, "who is responsible stays so")
        self._help(request)
        self.assertFalse(helped.search([('id', '=', request.id)]))

    def test_offered_are_those_who_work_on_requests(self):
        """Others would be told of a request that they cannot open."""
        others = new_test_user(self.env, 'aftersales_stranger', 'base.group_user')
        fields_get = self.env['aftersales.request'].with_user(self.user_service).fields_get
        for name, description in fields_get(['user_id', 'helper_ids'], ['domain']).items():
            domain = safe_eval(description['domain'], {'company_id': self.company.id})
            offered = self.env['res.users'].with_user(self.user_service).search(domain)
            self.assertIn(self.user_service, offered, name)
            self.assertIn(self.user_technician, offered, name)
            self.assertNotIn(others, offered, name)

    def test_helper_reads_the_clocks_and_orders(self):
        self._create_policy()
        request = self._create_request(user_id=self.user_service.id, team_id=self.team.id)
        order = self.env['sale.order'].create({'partner_id': self.customer.id})
        for records in (order, request.sla_clock_ids):
            found = records.with_user(self.user_technician)
            self.assertFalse(found.search([('id', 'in', records.ids)]))
        self._help(request, self.user_technician)
        for records in (order, request.sla_clock_ids):
            self.assertTrue(records)
            found = records.with_user(self.user_technician)
            self.assertEqual(found.search([('id', 'in', records.ids)]).ids, records.ids)

    def test_helpers_follow_and_are_told(self):
        request = self._create_request(user_id=self.user_service.id)
        with self.mock_mail_gateway():
            self._help(request, self.user_technician)
        partner = self.user_technician.partner_id
        self.assertIn(partner, request.message_partner_ids)
        told = self.env['mail.message'].search(
            [('model', '=', request._name), ('partner_ids', 'in', partner.ids)]
        )
        self.assertTrue(told)
        self._help(request)
        self.assertNotIn(partner, request.message_partner_ids)

    def test_responsible_goes_on_following(self):
        request = self._create_request(user_id=self.user_technician.id)
        self._help(request, self.user_technician)
        self._help(request)
        self.assertIn(self.user_technician.partner_id, request.message_partner_ids)

    def test_new_requests_come_with_helpers(self):
        request = self._create_request(helper_ids=self.user_technician.ids)
        self.assertIn(self.user_technician.partner_id, request.message_partner_ids)

    def test_colleagues_of_another_company(self):
        """Who may not read a request is not invited to get its mails."""
        far = self._create_user('aftersales_far', 'crm_aftersales.group_all')
        far.write({'company_ids': [Command.set(self.company_2.ids)], 'company_id': self.company_2})
        request = self._create_request()
        for field_name in ('helper_ids', 'employee_ids'):
            with self.subTest(field_name), self.assertRaises(UserError):
                request[field_name] = far

    def test_helpers_follow_a_merge(self):
        survivor, source = self._create_request(), self._create_request()
        self._help(source, self.user_technician)
        source._merge_into(survivor)
        self.assertEqual(survivor.helper_ids, self.user_technician)

    # ------------------------------------------------------------
    # Service points
    # ------------------------------------------------------------

    def test_point_brings_its_team(self):
        point, counter = self.env['aftersales.service.point'].create(
            [{'name': "East", 'team_id': self.team_workshop.id}, {'name': "Counter"}]
        )
        request = self._create_request()
        self.assertEqual(request.team_id, self.team)
        with Form(request) as form:
            form.service_point_id = point
            self.assertEqual(form.team_id, self.team_workshop)
        request.service_point_id = counter
        self.assertEqual(request.team_id, self.team_workshop, "it has no team: nothing changes")
        Request = self.env['aftersales.request']
        self.assertEqual(Request.search(counter.action_view_requests()['domain']), request)

    def test_point_of_another_company(self):
        point = self.env['aftersales.service.point'].create(
            {'name': "Far", 'company_id': self.company_2.id}
        )
        with self.assertRaises(UserError):
            self._create_request(service_point_id=point.id)
        found = self.env['aftersales.service.point'].with_user(self.user_service)
        self.assertNotIn(point.id, found.search([]).ids)
