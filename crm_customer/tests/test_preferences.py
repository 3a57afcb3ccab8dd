import json
import re

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from ..controllers.preferences import MAX_FALSE_LINKS
from ..models.crm_person_confirmation import MAX_CONFIRMATIONS
from ..models.crm_person_links import SCOPE_PREFERENCES
from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestPreferences(CrmCustomerCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.write({'email': 'chen@example.com', 'phone': '+86 571 5555 0123'})
        cls.person = cls.env['crm.person']._for_partners(cls.contact)

    def setUp(self):
        super().setUp()
        # who looked at the pages of this database by hand has used up tries
        self.env['crm.rate.limit'].sudo().search([]).unlink()

    def path(self, url):
        return '/' + url.split('/', 3)[3]

    def preference_path(self):
        return self.path(self.person._get_preference_url(self.company))

    def unsubscribe_path(self, purpose='promotion', channel='email'):
        return self.path(self.person._get_unsubscribe_url(self.company, purpose, channel))

    def post_form(self, path, **form):
        """Post the form of a page as a browser does, with the token of the page."""
        page = self.url_open(path)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
        return self.url_open(path, data={'csrf_token': token, **form})

    def statuses(self):
        self.env.invalidate_all()
        return self.person._get_consent_statuses(self.company)

    def events(self):
        return self.env['crm.consent.event'].search([('person_id', '=', self.person.id)])

    # ------------------------------------------------------------
    # Preferences by link
    # ------------------------------------------------------------

    def test_choose_by_link(self):
        ticked = ['promotion:email', 'care:email', 'care:sms', 'survey:email', 'survey:phone']
        response = self.post_form(
            self.preference_path(),
            consent=ticked,
            preferred_channel='sms',
            day_time='evening',
            lang='en_US',
            timezone='Asia/Tokyo',
            do_not_disturb='1',
            do_not_disturb_until='2099-12-31',
        )
        self.assertIn("Your choice was saved.", response.text)
        self.assertNotIn("Your choice was saved.", self.url_open(response.url).text)
        self.assertEqual(
            self.statuses(),
            {
                ('promotion', 'email'): 'in',
                ('care', 'phone'): 'out',
                ('survey', 'sms'): 'out',
            },
            "only what was changed is a decision",
        )
        self.assertEqual(set(self.events().mapped('source')), {'signed_link'})
        self.assertIn('Email', self.events().filtered(lambda e: e.status == 'in').wording)
        self.assertEqual(self.person.preferred_channel, 'sms')
        self.assertEqual((self.person.preferred_hour_from, self.person.preferred_hour_to), (17, 21))
        self.assertEqual(str(self.person.do_not_disturb_until), '2099-12-31')
        self.assertEqual(self.contact.customer_tz_choice, 'Asia/Tokyo')

    def test_stop_everything(self):
        self.post_form(self.preference_path(), stop_all='1', consent=['promotion:email'])
        self.assertNotIn('in', self.statuses().values())
        for purpose in ('care', 'survey'):
            for channel in ('email', 'sms', 'phone', 'post'):
                self.assertEqual(self.statuses()[purpose, channel], 'out')
        number = len(self.events())
        self.post_form(self.preference_path(), stop_all='1')
        self.assertEqual(len(self.events()), number, "said already")

    def test_page_left_open(self):
        """A page that was open while the customer refused elsewhere takes nothing of it back."""
        page = self.url_open(self.preference_path()).text
        form = {
            'csrf_token': re.search(r'name="csrf_token" value="([^"]+)"', page).group(1),
            'shown': re.search(r'name="shown" value="([^"]*)"', page).group(1),
            'consent': ['care:email', 'care:sms', 'care:phone', 'survey:email', 'survey:sms'],
        }
        self.url_open(self.unsubscribe_path('care'), data={'List-Unsubscribe': 'One-Click'})
        response = self.url_open(self.preference_path(), data=form)
        self.assertEqual(response.status_code, 422)
        self.assertIn("This page has changed meanwhile.", response.text)
        self.assertEqual(self.statuses(), {('care', 'email'): 'out'})
        self.person.do_not_disturb = True
        shown = re.search(r'name="shown" value="([^"]*)"', response.text).group(1)
        response = self.url_open(self.preference_path(), data={**form, 'shown': shown})
        self.assertEqual(response.status_code, 422)
        self.assertTrue(self.person.do_not_disturb)

    def test_bad_date(self):
        response = self.post_form(
            self.preference_path(), do_not_disturb='1', do_not_disturb_until='soon'
        )
        self.assertEqual(response.status_code, 422)
        self.assertFalse(self.statuses())

    def test_saved_is_said_of_what_was_saved(self):
        for path in (self.preference_path(), self.preference_path() + '?saved=1'):
            self.assertNotIn("Your choice was saved.", self.url_open(path).text)

    def test_nonsense_is_refused(self):
        """What the page does not offer, or no longer, is not called saved."""
        for form in (
            {'consent': ['transactional:email']},
            {'consent': ['promotion:email', 'promotion:pigeon']},
            {'consent': ['x']},
            {'preferred_channel': 'pigeon'},
            {'day_time': 'noon'},
            {'lang': 'xx'},
            {'timezone': 'Nowhere/City'},
        ):
            with self.subTest(form=form):
                response = self.post_form(self.preference_path(), **form)
                self.assertEqual(response.status_code, 422)
                self.assertIn("This page has changed meanwhile", response.text)
                self.assertFalse(self.statuses())
        self.post_form(self.preference_path(), consent=['x'], stop_all='1')
        self.assertEqual(set(self.statuses().values()), {'out'}, "stopping needs no fresh page")

    def test_opening_changes_nothing(self):
        self.person._request_consent(['promotion'], company=self.company, source='staff')
        before = self.statuses()
        confirm = self.path(self.person._get_confirm_url(self.company, ['promotion'], 'email'))
        for path in (self.preference_path(), self.unsubscribe_path(), confirm):
            self.assertEqual(self.url_open(path).status_code, 200)
            self.assertEqual(self.opener.head(self.base_url() + path).status_code, 200)
        self.assertEqual(self.statuses(), before)
        self.assertEqual(len(self.events()), 1)

    def test_shows_no_personal_data(self):
        page = self.url_open(self.preference_path())
        for secret in ('Chen', 'chen@example.com', '0123', self.person.person_key):
            self.assertNotIn(secret, page.text)
        self.assertIn('c***@e***.com', page.text)
        self.assertEqual(page.headers['Cache-Control'], 'no-store')
        self.assertIn('lang="en-US"', page.text)

    def test_posting_needs_the_page(self):
        response = self.url_open(self.preference_path(), data={'stop_all': '1'})
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.statuses())

    # ------------------------------------------------------------
    # False links
    # ------------------------------------------------------------

    def test_false_links(self):
        good = self.preference_path()
        token = good.rsplit('/', 1)[1]
        expired = self.person._sign_link(SCOPE_PREFERENCES, self.company, 'email', None, days=-1)
        pages = {
            self.url_open(f'/crm/{page}/{wrong}').text
            for page in ('preferences', 'unsubscribe', 'consent')
            for wrong in ('x', token[:-4] + 'AAAA', expired)
        }
        self.assertEqual(self.url_open('/crm/preferences/x').status_code, 404)
        bodies = {
            re.sub(r'csrf_token: "[^"]+"|odoo\.__session_info__.*', '', page) for page in pages
        }
        self.assertEqual(len({'This link does not work' in body for body in bodies}), 1)
        self.assertFalse(any('chen' in page for page in pages))
        self.assertEqual(self.url_open(f'/crm/unsubscribe/{token}').status_code, 404, "other scope")

    def test_guessing_is_stopped(self):
        codes = [
            self.url_open(f'/crm/unsubscribe/{number}').status_code
            for number in range(MAX_FALSE_LINKS + 1)
        ]
        self.assertEqual(codes[:-1], [404] * MAX_FALSE_LINKS)
        self.assertEqual(codes[-1], 429)
        self.assertEqual(self.url_open(self.unsubscribe_path()).status_code, 200)

    def test_link_of_merged_and_erased(self):
        path = self.unsubscribe_path()
        other = self.env['crm.person']._for_partners(self.stranger)
        self.person.sudo().write({'survivor_id': other.id, 'partner_id': False})
        self.assertEqual(self.url_open(path, data={'x': '1'}).status_code, 410)
        self.assertFalse(other._get_consent_statuses(self.company))
        self.stranger.email = 'Chen@example.com'
        self.assertEqual(self.url_open(path, data={'x': '1'}).status_code, 200)
        statuses = other._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'out'})
        other.sudo().erased_on = '2026-01-01 00:00:00'
        self.assertEqual(self.url_open(path).status_code, 404)

    # ------------------------------------------------------------
    # Unsubscribe
    # ------------------------------------------------------------

    def test_one_click(self):
        """RFC 8058: a POST without cookies or token of ours unsubscribes at once."""
        path = self.unsubscribe_path()
        for _time in range(2):
            response = self.url_open(path, data={'List-Unsubscribe': 'One-Click'})
            self.assertEqual(response.status_code, 200)
        self.assertEqual(self.statuses(), {('promotion', 'email'): 'out'})
        self.assertEqual(self.events().mapped('source'), ['unsubscribe'])

    def test_unsubscribed_already(self):
        path = self.unsubscribe_path()
        self.assertIn('method="post"', self.url_open(path).text)
        self.post_form(path)
        page = self.url_open(path).text
        self.assertIn("You will not get this from us any more", page)
        self.assertNotIn('method="post"', page)

    def test_unsubscribe_by_page(self):
        self.post_form(self.unsubscribe_path('care', 'sms'))
        self.assertEqual(self.statuses(), {('care', 'sms'): 'out'})

    def test_links_of_another_company(self):
        """The visitor is no user of the company that wrote to him."""
        company = self.other_company
        path = self.path(self.person._get_unsubscribe_url(company, 'promotion', 'email'))
        self.assertIn(company.name, self.url_open(path).text)
        response = self.url_open(path, data={'List-Unsubscribe': 'One-Click'})
        self.assertEqual(response.status_code, 200)
        self.post_form(self.path(self.person._get_preference_url(company)), lang='en_US')
        self.env.invalidate_all()
        statuses = self.person._get_consent_statuses(company)
        self.assertEqual(statuses['promotion', 'email'], 'out')
        self.assertEqual(self.statuses(), {})

    # ------------------------------------------------------------
    # Double opt-in
    # ------------------------------------------------------------

    def request_consent(self):
        self.person._request_consent(
            ['promotion'], company=self.company, source='staff', evidence="Fair"
        )
        message = self.env['crm.message'].search([('person_id', '=', self.person.id)])
        self.assertEqual(message.state, 'planned', "it passes the gate as any other")
        [content] = message._compose().values()
        self.assertIn(self.company.name, content.body)
        return re.search(r'href="[^"]*(/crm/consent/[^"]+)"', content.body).group(1)

    def test_double_opt_in(self):
        path = self.request_consent()
        self.assertEqual(self.statuses(), {('promotion', 'email'): 'pending'})
        self.post_form(path)
        self.assertEqual(self.statuses(), {('promotion', 'email'): 'in'})
        self.assertEqual(set(self.events().mapped('source')), {'staff', 'double_opt_in'})
        page = self.url_open(path)
        self.assertEqual(page.status_code, 200)
        self.assertIn("Thank you.", page.text)

    def test_refused_meanwhile(self):
        path = self.request_consent()
        self.person._set_consent(
            ['promotion'], ['email'], 'out', company=self.company, source='portal'
        )
        page = self.url_open(path)
        self.assertEqual(page.status_code, 410)
        self.assertIn("This request is over", page.text)
        self.assertNotIn("Yes, I agree", page.text)
        self.assertEqual(self.statuses(), {('promotion', 'email'): 'out'})

    def test_refused_while_the_page_was_open(self):
        path = self.request_consent()
        page = self.url_open(path)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
        self.person._set_consent(
            ['promotion'], ['email'], 'out', company=self.company, source='portal'
        )
        response = self.url_open(path, data={'csrf_token': token})
        self.assertEqual(response.status_code, 410)
        self.assertEqual(self.statuses(), {('promotion', 'email'): 'out'})

    # ------------------------------------------------------------
    # Former addresses
    # ------------------------------------------------------------

    def test_former_mailbox(self):
        """It decides nothing, and is told nothing of the new one."""
        paths = [self.preference_path(), self.unsubscribe_path(), self.request_consent()]
        tokens = []
        for path in paths:
            page = self.url_open(path).text
            tokens.append(re.search(r'name="csrf_token" value="([^"]+)"', page).group(1))
        before = self.statuses()
        self.contact.email = 'new.one@mail.test'
        for path, token in zip(paths, tokens, strict=True):
            posted = {'csrf_token': token, 'stop_all': '1', 'lang': 'en_US'}
            for page in (self.url_open(path), self.url_open(path, data=posted)):
                self.assertEqual(page.status_code, 410)
                self.assertIn("This link was sent to another address", page.text)
                self.assertNotIn('n***', page.text)
                self.assertNotIn(
                    '/crm/', re.sub(r'<head>.*</head>', '', page.text, flags=re.DOTALL)
                )
        self.assertEqual(self.statuses(), before)
        self.contact.email = 'CHEN@example.com'
        self.assertEqual(self.url_open(paths[0]).status_code, 200, "the same mailbox")

    def test_former_number(self):
        path = self.unsubscribe_path(channel='sms')
        choices = self.path(self.person._get_preference_url(self.company, 'sms'))
        page = self.url_open(choices).text
        self.assertIn('***23', page)
        self.assertNotIn('c***', page, "whoever has the number is told of the number")
        self.contact.email = 'new.one@mail.test'
        self.assertEqual(self.url_open(path).status_code, 200, "the number is the same")
        self.contact.phone = '+86 571 5555 0199'
        for old in (path, choices):
            self.assertEqual(self.url_open(old).status_code, 410)

    def test_link_on_paper(self):
        path = self.path(self.person._get_preference_url(self.company, 'post'))
        self.contact.email = 'new.one@mail.test'
        self.post_form(path, consent=['promotion:email'])
        self.assertEqual(self.statuses()['promotion', 'email'], 'pending', "proves no mailbox")

    # ------------------------------------------------------------
    # Language
    # ------------------------------------------------------------

    def get_page_lang(self, path, **kwargs):
        page = self.url_open(path, **kwargs).text
        return re.search(r'<html[^>]* lang="([^"]+)"', page).group(1)

    def test_language(self):
        """The one chosen here or before, of the contact as in his mail, else of the browser."""
        for code in ('zh_CN', 'fr_FR'):
            self.env['res.lang']._activate_lang(code)
        self.contact.lang = 'fr_FR'
        chinese = {'Accept-Language': 'zh-CN,zh;q=0.9'}
        path = self.unsubscribe_path()
        self.assertEqual(self.get_page_lang(path), 'fr-FR')
        self.assertEqual(self.get_page_lang(path, headers=chinese), 'fr-FR', "by the cookie")
        self.opener.cookies.clear()
        self.assertEqual(self.get_page_lang(path, headers=chinese), 'fr-FR', "by the contact")
        confirm = self.path(self.person._get_confirm_url(self.company, ['promotion'], 'email'))
        self.opener.cookies.clear()
        self.assertEqual(self.get_page_lang(confirm, headers=chinese), 'fr-FR')
        self.contact.lang = False
        self.opener.cookies.clear()
        self.assertEqual(self.get_page_lang(path, headers=chinese), 'zh-CN')
        page = self.url_open(path).text
        self.assertIn('href="?lang=en_US" lang="en-US"', page)
        self.assertNotIn("Chinese, Simplified", page)
        self.assertEqual(self.get_page_lang(path + '?lang=en_US'), 'en-US')
        self.assertEqual(self.get_page_lang(self.preference_path(), headers=chinese), 'en-US')
        self.assertEqual(self.get_page_lang(path + '?lang=xx_YY'), 'en-US')

    # ------------------------------------------------------------
    # Whose address it is
    # ------------------------------------------------------------

    def confirmations(self, person):
        self.env.invalidate_all()
        return self.env['crm.message'].search([('person_id', '=', person.id)])

    def save_in_portal(self, *ticked, email='p@example.com'):
        """Save the page as a portal user, and return his person."""
        user = self.env['res.users'].search([('login', '=', 'cc_portal')])
        if not user:
            user = new_test_user(self.env, 'cc_portal', 'base.group_portal', email=email)
        self.authenticate('cc_portal', 'cc_portal')
        self.post_form('/my/preferences', consent=list(ticked), lang='en_US')
        self.env.invalidate_all()
        return self.env['crm.person']._for_partners(user.partner_id)

    def test_portal_address_of_somebody_erased(self):
        """Typing the address of somebody else into an account frees it for nobody."""
        self.contact._erase_personal_data()
        person = self.save_in_portal('promotion:email', email='chen@example.com')
        self.assertEqual(
            person._get_consent_statuses(self.company), {('promotion', 'email'): 'pending'}
        )
        self.assertTrue(person._filter_suppressed('email', self.company))
        self.assertEqual(self.confirmations(person).message_class, 'transactional')
        self.assertNotIn('checked="checked"', self.boxes('/my/preferences'))

        self.post_form(self.path(person._get_confirm_url(self.company, ['promotion'], 'email')))
        self.env.invalidate_all()
        self.assertFalse(person._filter_suppressed('email', self.company))
        self.assertTrue(person._filter_suppressed('email', self.other_company))
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses['promotion', 'email'], 'in')
        self.assertEqual(statuses['care', 'email'], 'out', "he was asked about promotions only")

    def boxes(self, path):
        """Return the boxes of e-mail on a page."""
        page = self.url_open(path).text
        return ' '.join(re.findall(r'<input[^>]*value="\w+:email"[^>]*>', page))

    def test_portal_where_agreements_are_confirmed(self):
        self.company.crm_consent_confirm = True
        person = self.save_in_portal('promotion:email', 'care:email', 'survey:email')
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'pending'})
        self.assertEqual(len(self.confirmations(person)), 1)
        person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        self.save_in_portal('promotion:email')
        person = self.save_in_portal('promotion:email', 'care:email')
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses['care', 'email'], 'in', "the mailbox is proven")
        self.assertEqual(len(self.confirmations(person)), 1)

    def change_address(self, partner, email):
        """Save the page of a portal user's own address."""
        page = self.url_open('/my/preferences')
        values = {
            'csrf_token': re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1),
            'partner_id': partner.id,
            'name': partner.name,
            'email': email,
            'phone': '+8657155550123',
            'street': "1 Lake Road",
            'city': "Brussels",
            'zip': '1000',
            'country_id': self.env.ref('base.be').id,
        }
        response = self.url_open('/my/address/submit', data=values)
        self.assertIn('redirectUrl', response.json(), response.text)
        self.env.invalidate_all()
        self.assertEqual(partner.email, email)

    def test_portal_changes_the_address(self):
        """What was confirmed for one mailbox says nothing about the next."""
        person = self.save_in_portal('promotion:email')
        self.change_address(person.partner_id, 'second@example.com')
        self.assertFalse(self.confirmations(person), "the company wants no confirmations")
        self.company.crm_consent_confirm = True
        self.change_address(person.partner_id, 'Second@example.com')
        self.assertFalse(self.confirmations(person), "the same address")
        self.change_address(person.partner_id, 'victim@example.com')
        self.assertEqual(len(self.confirmations(person)), 1)
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses['promotion', 'email'], 'pending')
        self.assertEqual(statuses['care', 'email'], 'out')

        person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        self.change_address(person.partner_id, 'third@example.com')
        self.assertEqual(len(self.confirmations(person)), 2)
        self.company.crm_consent_confirm = False
        person._set_consent(['promotion'], ['email'], 'in', company=self.company, source='portal')
        self.company.crm_consent_confirm = True
        self.change_address(person.partner_id, 'victim@example.com')
        self.assertEqual(len(self.confirmations(person)), 2, "confirmed before")

    def test_address_changed_by_any_path(self):
        """Neither the page, nor the staff, nor a portal user by RPC takes an agreement along."""
        self.company.crm_consent_confirm = True
        person = self.save_in_portal('promotion:email')
        person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        user = person.partner_id.user_ids
        first = user.email
        message = self.env['crm.message']._plan(
            [
                {
                    'key': f'moved:{number}',
                    'person_id': person.id,
                    'company_id': self.company.id,
                    'message_class': 'offer',
                    'channel': 'email',
                }
                for number in range(2)
            ]
        )

        def reason(number):
            self.env.flush_all()
            query = message[number]._get_decision_sql(
                SQL('%s::timestamp', message[number].planned_at),
                SQL('%s::int[]', message[number].ids),
            )
            self.env.cr.execute(query)
            message.invalidate_recordset()
            return message[number].reason

        def allowed():
            self.env.invalidate_all()
            overview = person.partner_id.get_consent_overview()
            [cell] = [
                cell
                for purpose in overview['purposes']
                for cell in purpose['cells']
                if (purpose['key'], cell['channel']) == ('promotion', 'email')
            ]
            status = person._get_consent_statuses(self.company)['promotion', 'email']
            self.assertEqual(cell['status'], status)
            return cell['allowed']

        self.assertTrue(allowed())
        response = self.make_jsonrpc_request(
            '/web/dataset/call_kw/res.users/write',
            {
                'model': 'res.users',
                'method': 'write',
                'args': [user.ids, {'email': 'victim@example.com'}],
                'kwargs': {},
            },
        )
        self.assertTrue(response)
        self.assertFalse(allowed())
        self.assertEqual(reason(0), 'no_consent')
        self.assertNotIn('value="promotion:email" checked', self.boxes('/my/preferences'))
        person.partner_id.email = first
        self.assertTrue(allowed(), "it was never taken back")
        self.assertNotEqual(reason(1), 'no_consent')

        self.patch(self.registry['ir.cron'], '_commit_progress', lambda *_args, **_kwargs: 1)
        before = self.confirmations(person)
        person.partner_id.email = 'victim@example.com'
        self.env['crm.person']._cron_confirm_changed_mailboxes()
        self.env['crm.person']._cron_confirm_changed_mailboxes()
        self.assertEqual(len(self.confirmations(person) - before), 1, "asked once")
        person.partner_id.email = 'third@example.com'
        self.company.crm_consent_confirm = False
        self.assertFalse(allowed())

    def test_merge_proves_no_mailbox(self):
        self.company.crm_consent_confirm = True
        self.person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        twin = self.env['res.partner'].create({'name': "Chen", 'email': 'victim@example.com'})
        survivor = self.env['crm.person']._for_partners(twin)
        self.person.sudo()._merge_into(survivor.sudo())
        statuses = survivor._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'pending'})

    def test_portal_does_not_flood_a_mailbox(self):
        self.company.crm_consent_confirm = True
        for _time in range(MAX_CONFIRMATIONS + 2):
            person = self.save_in_portal('promotion:email', 'care:email', 'survey:email')
        self.assertEqual(len(self.confirmations(person)), MAX_CONFIRMATIONS)
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses, {('promotion', 'email'): 'pending'})

    def test_link_proves_its_mailbox(self):
        """Who opens a link agrees for the address it was sent to, and for no other."""
        self.company.crm_consent_confirm = True
        path = self.preference_path()
        ticked = ['promotion:email', 'care:email', 'survey:email']
        self.post_form(path, consent=ticked)
        self.assertEqual(self.statuses()['promotion', 'email'], 'in')
        self.assertFalse(self.confirmations(self.person))

    def test_page_behind_another_link_proves_no_more(self):
        """The page of choices behind a link sent to a phone proves no mailbox."""
        page = self.url_open(self.unsubscribe_path(channel='sms')).text
        choices = re.search(r'href="[^"]*(/crm/preferences/[^"]+)"', page).group(1)
        self.post_form(choices, consent=['promotion:email'])
        self.assertEqual(self.statuses()['promotion', 'email'], 'pending')
        self.assertEqual(len(self.confirmations(self.person)), 1)

    def test_link_to_an_address_left_alone(self):
        path = self.preference_path()
        self.person._suppress_addresses()
        self.post_form(path, consent=['promotion:email', 'promotion:sms'])
        statuses = self.statuses()
        self.assertEqual(statuses, {('promotion', 'email'): 'pending'}, "no proof of a number")
        self.assertIn('we leave this number alone', self.url_open(path).text)
        for channel in ('email', 'sms', 'phone'):
            self.assertTrue(self.person._filter_suppressed(channel, self.company), channel)

    # ------------------------------------------------------------
    # Portal
    # ------------------------------------------------------------

    def test_portal(self):
        user = new_test_user(self.env, 'cc_portal', 'base.group_portal', email='p@example.com')
        self.authenticate('cc_portal', 'cc_portal')
        self.post_form('/my/preferences', consent=['promotion:email'], lang='en_US')
        self.env.invalidate_all()
        person = self.env['crm.person']._for_partners(user.partner_id)
        statuses = person._get_consent_statuses(self.company)
        self.assertEqual(statuses['promotion', 'email'], 'in')
        self.assertEqual(statuses['care', 'email'], 'out')
        event = self.env['crm.consent.event'].search([('person_id', '=', person.id)])
        self.assertEqual(set(event.mapped('source')), {'portal'})
        self.assertEqual(event.user_id, user)

    def test_portal_needs_login(self):
        self.assertIn('/web/login', self.url_open('/my/preferences').url)

    def test_portal_user_cannot_use_rpc(self):
        new_test_user(self.env, 'cc_portal', 'base.group_portal')
        self.authenticate('cc_portal', 'cc_portal')
        for model in ('crm.person', 'crm.consent', 'crm.consent.event'):
            response = self.url_open(
                f'/web/dataset/call_kw/{model}/search_read',
                data=json.dumps(
                    {'params': {'model': model, 'method': 'search_read', 'args': [], 'kwargs': {}}}
                ),
                headers={'Content-Type': 'application/json'},
            )
            self.assertIn('AccessError', response.text, model)
