import re
from datetime import timedelta

from freezegun import freeze_time
from lxml import html

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..controllers import portal_request
from ..controllers.portal import SHOWN_REQUESTS
from .common import AftersalesCommon


class PortalRequestCase(AftersalesCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.request_own = self._create_request(name="My own pump")
        self.request_stranger = self._create_request(
            name="Secret", partner_id=self.stranger.id, unit_id=self.unit_stranger.id
        )
        self.user_manager.partner_id.email = 'manager@example.com'

    def _login(self, login='aftersales_customer'):
        self.authenticate(login, login)

    def _post(self, action, request=None, csrf=True, **values):
        request = request or self.request_own
        values['csrf_token'] = http.Request.csrf_token(self) if csrf else ''
        return self.url_open(f'/my/requests/{request.id}/{action}', data=values)

    def _get_words(self):
        """Return what was said about the request, the last first."""
        return self.request_own.message_ids.filtered(lambda m: m.message_type == 'comment')

    def _get_page(self, request=None):
        return self.url_open(f'/my/requests/{(request or self.request_own).id}').text


@tagged('post_install', '-at_install')
class TestPortalRequest(PortalRequestCase):
    """What a customer does with his request on the portal."""

    # ------------------------------------------------------------
    # Where it stands
    # ------------------------------------------------------------

    def _get_steps(self):
        return [tuple(step) for step in self.request_own._get_portal_steps()]

    def test_steps(self):
        self.assertEqual(
            self._get_steps(),
            [
                ("Received", 'current'),
                ("In Progress", 'to_come'),
                ("Resolved", 'to_come'),
                ("Closed", 'to_come'),
            ],
        )
        self.request_own.stage_id = self._stage('waiting_customer')
        self.assertEqual(self._get_steps()[1], ("Waiting for Your Answer", 'current'))
        self.request_own.action_close()
        self.assertEqual(
            [status for _label, status in self._get_steps()], ['done'] * 3 + ['current']
        )
        self.request_own.action_cancel()
        self.assertEqual(self._get_steps(), [("Received", 'done'), ("Cancelled", 'current')])

    def test_every_state_has_its_step(self):
        for state, _label in self.request_own._fields['state']._description_selection(self.env):
            self.request_own.stage_id = self._stage(state)
            self.assertEqual([step[1] for step in self._get_steps()].count('current'), 1, state)

    def test_page_shows_the_present_step_to_everybody(self):
        self._login()
        self.assertRegex(self._get_page(), r'<li[^>]*aria-current="step"[^>]*>\s*[^§]*?Received')

    def test_decision_is_told_at_the_end(self):
        suggestion = self.env.ref('crm_aftersales.aftersales_request_type_suggestion')
        request = self._create_request(type_id=suggestion.id)
        request.write({'decision': 'later', 'decision_reason': "In spring."})
        self._login()
        self.assertNotIn("In spring.", self._get_page(request))
        request.action_resolve()
        self.assertIn("Later: In spring.", self._get_page(request))

    def test_promise_is_a_date_and_not_a_reproach(self):
        self._create_policy(response=1, calendar_source='always')
        now = fields.Datetime.now().replace(microsecond=0)
        due = self._create_request(name="Due", date_received=now)
        late = self._create_request(name="Late", date_received=now - timedelta(days=3))
        self._login()
        self.assertIn("Answer expected by", self._get_page(due))
        for page in (self._get_page(late), self.url_open('/my/requests?search=Late').text):
            self.assertNotRegex(page, "overdue|expected by|Too late")

    # ------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------

    def test_sort_and_search(self):
        second = self._create_request(name="Another pump")
        self._login()
        page = self.url_open('/my/requests?sortby=oldest').text
        self.assertLess(page.index("My own pump"), page.index("Another pump"))
        page = self.url_open('/my/requests?sortby=subject').text
        self.assertLess(page.index("Another pump"), page.index("My own pump"))
        page = self.url_open(f'/my/requests?search={second.number}').text
        self.assertNotIn("My own pump", page)
        self.assertEqual(self.url_open('/my/requests?sortby=id;drop').status_code, 200)

    def test_search_requests_by_product(self):
        self._create_request(name="About nothing", unit_id=False)
        self._login()
        page = self.url_open(f'/my/requests?search={self.unit.ref}').text
        self.assertIn("My own pump", page)
        self.assertNotIn("About nothing", page)

    def test_page_of_a_product_leads_to_all_requests(self):
        address = f'/my/equipment/{self.unit.id}'
        count = self.env['aftersales.request'].search_count([('unit_id', '=', self.unit.id)])
        for number in range(SHOWN_REQUESTS - count):
            self._create_request(name=f"Matter {number}")
        self._login()
        self.assertNotIn("All Requests", self.url_open(address).text)
        self._create_request(name="One too many").date_received = '2020-01-01'
        page = self.url_open(address).text
        self.assertNotIn("One too many", page)
        [link] = html.fromstring(page).xpath("//a[contains(., 'All Requests')]/@href")
        self.assertIn("One too many", self.url_open(f'{link}&sortby=oldest').text)

    def test_search_products_by_serial_number(self):
        self.unit.copy({'serial': 'ZZ-99', 'name': "Second pump"})
        self._login()
        page = self.url_open('/my/equipment?search=zz%2099').text
        self.assertIn("Second pump", page)
        self.assertNotIn('P 1<', page)
        self.assertIn("Nothing of yours fits", self.url_open('/my/equipment?search=qq').text)
        self.unit.copy({'plate': '京A·880', 'name': "My van"})
        page = self.url_open('/my/equipment?search=京a 880').text
        self.assertIn("My van", page)
        self.assertIn('京A·880', page)

    # ------------------------------------------------------------
    # Cancel
    # ------------------------------------------------------------

    def test_cancel(self):
        self._login()
        page = self._post('cancel', reason="It works again").text
        self.assertEqual(self.request_own.state, 'cancelled')
        self.assertIn("The request was cancelled.", page)
        self.assertNotIn('o_aftersales_cancel', page)
        message = self.request_own.message_ids.filtered(lambda m: "It works again" in m.body)
        self.assertEqual(message.author_id, self.customer)
        self.assertNotIn("was cancelled.", self._get_page(), "it is said once")

    def test_cancel_while_we_wait_for_the_customer(self):
        self.request_own.stage_id = self._stage('waiting_customer')
        self._login()
        self._post('cancel')
        self.assertEqual(self.request_own.state, 'cancelled')

    def test_what_has_ended_is_not_cancelled(self):
        self.request_own.action_close()
        self._login()
        page = self._post('cancel').text
        self.assertIn("has ended already", page)
        self.assertEqual(self.request_own.state, 'closed')

    # ------------------------------------------------------------
    # Rate
    # ------------------------------------------------------------

    def test_rating_of_a_merged_request_is_no_rating_of_the_end(self):
        """When a rating was given counts, not when it moved or was read."""
        now = fields.Datetime.now()
        with freeze_time(now - timedelta(days=2)):
            source = self._create_request()
            source.action_close()
            source._rate_from_portal(5)
            self.env.flush_all()
        with freeze_time(now - timedelta(days=1)):
            self.request_own.action_close()
            self.env.flush_all()
        source._merge_into(self.request_own)
        self.env.flush_all()
        self.assertTrue(self.request_own.rating_ids)
        self.assertTrue(self.request_own._can_be_rated_by_customer())

    # ------------------------------------------------------------
    # Reopen
    # ------------------------------------------------------------

    def test_reopen(self):
        self.request_own.action_close()
        self._login()
        self.assertIn('o_aftersales_reopen', self._get_page())
        page = self._post('reopen', reason="<b>Noisy</b> again").text
        self.assertRecordValues(self.request_own, [{'state': 'open', 'reopen_count': 1}])
        self.assertIn("is open again", page)
        self.assertIn('&lt;b&gt;Noisy', self._get_words()[0].body)

    def test_reopen_what_was_withdrawn(self):
        """Nothing was done yet that could be "still not right"."""
        self.request_own.action_cancel()
        self._login()
        self.assertIn("Why is it needed after all?", self._get_page())
        self.assertNotIn("still not right", self._get_page())
        self._post('reopen')
        self.request_own.action_resolve()
        self.assertIn("What is still not right?", self._get_page())

    def test_reopen_within_the_days_of_the_company(self):
        """4.4: later it becomes another request, which the customer raises himself."""
        self.request_own.action_close()
        days = self.company.aftersales_reopen_days
        closed = self.request_own.date_closed
        self.request_own.sudo().date_closed = closed - timedelta(days=days, minutes=1)
        self._login()
        self.assertNotIn('o_aftersales_reopen', self._get_page())
        self.assertIn("cannot be reopened any more", self._post('reopen').text)
        self.assertEqual(self.request_own.state, 'closed')
        self.assertFalse(self.request_own.child_ids)
        self.request_own.sudo().date_closed = closed - timedelta(days=days - 1)
        self._post('reopen')
        self.assertEqual(self.request_own.state, 'open')

    # ------------------------------------------------------------
    # Rate
    # ------------------------------------------------------------

    def test_rate(self):
        self.request_own.user_id = self.user_service
        self.request_own.action_resolve()
        self._login()
        self.assertIn('o_aftersales_rate', self._get_page())
        page = self._post('rate', rate=3, feedback="Took long").text
        self.assertIn("Thank you for your rating", page)
        self.assertNotIn('o_aftersales_rate"', page)
        rating = self.request_own.rating_ids
        self.assertRecordValues(
            rating,
            [
                {
                    'rating': 3,
                    'feedback': "Took long",
                    'consumed': True,
                    'partner_id': self.customer.id,
                    'rated_partner_id': self.user_service.partner_id.id,
                }
            ],
        )
        self.assertEqual(self.request_own.state, 'resolved', "a rating is no new question")
        self.assertIn("already", self._post('rate', rate=5).text)
        self.assertEqual(rating.rating, 3)

    def test_who_has_rated_is_not_asked_again(self):
        """4.7: one rating per end."""
        self.request_own.action_resolve()
        self._login()
        self._post('rate', rate=5)
        self.request_own.action_close()
        self.assertFalse(self._get_questions())

    def _get_questions(self):
        return self.env['crm.message'].search(
            [
                ('origin_model', '=', 'aftersales.request'),
                ('origin_id', '=', self.request_own.id),
                ('message_class', '=', 'survey'),
            ]
        )

    def test_no_rating_of_what_is_open_or_cancelled(self):
        self._login()
        self._post('rate', rate=5)
        self.request_own.action_cancel()
        self._post('rate', rate=5)
        self.request_own.action_resolve()
        for rate in ('2', '0', '-5', '99', 'x', ''):
            self._post('rate', rate=rate)
        self.assertFalse(self.request_own.rating_ids.filtered('consumed'))

    # ------------------------------------------------------------
    # Approve
    # ------------------------------------------------------------

    def _create_quotation(self, partner, state='sent'):
        return self.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'state': state,
                'order_line': [Command.create({'product_id': self.product.id, 'price_unit': 80})],
            }
        )

    def test_quotation_to_approve(self):
        order = self._create_quotation(self.customer)
        self.request_own.sale_order_id = order
        self._login()
        page = self._get_page()
        self.assertIn(order.name, page)
        url = re.search(r'href="([^"]*/my/orders/[^"]+)"', page).group(1).replace('&amp;', '&')
        self.assertEqual(self.url_open(url).status_code, 200)
        order.action_confirm()
        self.assertNotIn('o_aftersales_quotations', self._get_page())

    def test_quotation_of_others_is_not_shown(self):
        for order in (
            self._create_quotation(self.stranger),
            self._create_quotation(self.customer, 'draft'),
        ):
            self.request_own.sale_order_id = order
            self.assertFalse(self.request_own._get_portal_quotations())

    # ------------------------------------------------------------
    # By link, and by whom not
    # ------------------------------------------------------------

    def test_by_the_link_he_was_sent(self):
        self.authenticate(None, None)
        token = self.request_own._portal_ensure_token()
        page = self.url_open(self.request_own.get_portal_url()).text
        self.assertIn('o_aftersales_cancel', page)
        page = self._post('cancel', access_token=token, reason="By link").text
        self.assertEqual(self.request_own.state, 'cancelled')
        self.assertIn("The request was cancelled.", page)
        self.assertEqual(self._get_words()[0].author_id, self.customer)

    @mute_logger('odoo.http')
    def test_not_by_others(self):
        """4.7: ownership comes before elevated rights, whatever id or token is tried."""
        stranger, own = self.request_stranger, self.request_own._portal_ensure_token()
        for login in ('aftersales_customer', None):
            self.authenticate(login, login)
            for action in ('cancel', 'reopen', 'rate'):
                for values in ({}, {'access_token': 'wrong'}, {'access_token': own}):
                    response = self._post(action, stranger, rate=5, **values)
                    self.assertTrue(response.url.split('?')[0].endswith(('/my', '/login')))
                self.assertEqual(self._post(action, stranger, csrf=False).status_code, 400)
                get = self.url_open(f'/my/requests/{stranger.id}/{action}')
                self.assertEqual(get.status_code, 405)
        self.assertRecordValues(stranger, [{'state': 'new', 'rating_ids': []}])

    @mute_logger('odoo.http')
    def test_no_get_and_no_post_without_csrf(self):
        self._login()
        self.assertEqual(self._post('cancel', csrf=False).status_code, 400)
        url = f'/my/requests/{self.request_own.id}/cancel'
        self.assertEqual(self.url_open(url).status_code, 405)
        self.assertEqual(self.request_own.state, 'new')

    def test_staff_acts_in_the_application(self):
        self._login('aftersales_service')
        self.assertNotIn('o_aftersales_cancel', self._get_page())
        token = self.request_own._portal_ensure_token()
        for values in ({}, {'access_token': token}):
            self._post('cancel', **values)
        self.assertEqual(self.request_own.state, 'new')

    def test_former_owner_of_the_link(self):
        token = self.request_own._portal_ensure_token()
        self.unit._transfer(self.stranger)
        self.authenticate(None, None)
        self._post('cancel', access_token=token)
        self.assertEqual(self.request_own.state, 'new', "the link ended with the ownership")

    def test_not_without_end(self):
        self.patch(portal_request, 'MAX_ACTIONS', 1)
        self._login()
        self._post('cancel')
        self.assertIn("changed much lately", self._post('reopen').text)
        self.assertEqual(self.request_own.state, 'cancelled')

    def test_refusals_leave_nothing_half_done(self):
        with self.assertRaises(UserError):
            self.request_own._reopen_from_portal(self.customer)
        before = self.request_own.message_ids
        self._login()
        self._post('reopen', reason="Why")
        self.assertEqual(self.request_own.message_ids, before)

    # ------------------------------------------------------------
    # Answer
    # ------------------------------------------------------------

    def test_answer_with_a_photo(self):
        self.request_own.stage_id = self._stage('waiting_customer')
        self._login()
        upload = self.url_open(
            '/mail/attachment/upload',
            data={
                'thread_id': self.request_own.id,
                'thread_model': 'aftersales.request',
                'is_pending': True,
                'csrf_token': http.Request.csrf_token(self),
            },
            files={'ufile': ('leak.png', b'photo', 'image/png')},
        ).json()['data']
        self.make_jsonrpc_request(
            '/mail/message/post',
            {
                'thread_model': 'aftersales.request',
                'thread_id': self.request_own.id,
                'post_data': {
                    'body': "Here it leaks",
                    'message_type': 'comment',
                    'subtype_xmlid': 'mail.mt_comment',
                    'attachment_ids': [upload['attachment_id']],
                    'attachment_tokens': [
                        upload['store_data']['ir.attachment'][0]['ownership_token']
                    ],
                },
            },
        )
        message = self._get_words()[0]
        self.assertEqual(message.attachment_ids.mapped('name'), ['leak.png'])
        self.assertEqual(self.request_own.state, 'open', "we wait for him no longer")
