from datetime import date, timedelta

from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestAction(AftersalesCommon):
    """Who does what by when."""

    def _plan(self, request, summary, days, user):
        return request.activity_schedule(
            'mail.mail_activity_data_call',
            date_deadline=date.today() + timedelta(days=days),
            summary=summary,
            user_id=user.id,
        )

    def test_the_first_counts(self):
        request = self._create_request()
        self.assertTrue(request.lacks_next_action)
        self._plan(request, "Order the part", 5, self.user_service)
        first = self._plan(request, "Call the hotel", 1, self.user_technician)
        self.assertRecordValues(
            request,
            [
                {
                    'next_action': "Call the hotel",
                    'next_action_date': date.today() + timedelta(days=1),
                    'next_action_user_id': self.user_technician.id,
                    'lacks_next_action': False,
                }
            ],
        )
        first.action_feedback()
        self.assertEqual(request.next_action, "Order the part")
        self.assertEqual(request.next_action_user_id, self.user_service)

    def test_without_words(self):
        request = self._create_request()
        activity = self._plan(request, False, 1, self.user_service)
        self.assertEqual(request.next_action, activity.activity_type_id.name)

    def test_search(self):
        planned, late, none, ended = (self._create_request() for _number in range(4))
        self._plan(planned, "Order the part", 5, self.user_service)
        self._plan(late, "Call the hotel", -1, self.user_technician)
        ended.action_close()
        Request = self.env['aftersales.request']

        def search(*condition):
            return Request.search(
                [('id', 'in', (planned | late | none | ended).ids), condition], order='id'
            )

        self.assertEqual(search('lacks_next_action', '=', True), none)
        self.assertEqual(search('next_action', 'ilike', "part"), planned)
        self.assertEqual(search('next_action_date', '<', date.today()), late)
        self.assertEqual(search('next_action_user_id', '=', self.user_service.id), planned)

    def test_ended_needs_none(self):
        request = self._create_request()
        request.action_resolve()
        self.assertFalse(request.lacks_next_action)

    def test_filters_work(self):
        """Every filter of the search view has a domain that runs."""
        Request = self.env['aftersales.request'].with_user(self.user_service)
        arch = Request.get_view(
            self.env.ref('crm_aftersales.aftersales_request_view_search').id, 'search'
        )['arch']
        for name in ('no_next_action', 'next_action_late', 'my_next_action'):
            self.assertIn(f'name="{name}"', arch)

    def test_plan(self):
        request = self._create_request()
        action = request.action_plan_next()
        wizard = self.env['mail.activity.schedule'].with_context(**action['context'])
        wizard.create({'summary': "Call"}).action_schedule_activities()
        self.assertEqual(request.next_action, "Call")
