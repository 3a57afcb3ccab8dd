import re
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import fields, http
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..controllers import public
from .common import AftersalesCommon

PIXEL = (
    b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89'
    b'\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82'
)
MARK = re.compile(r'name="mark"[^>]*value="([^"]+)"')


class PublicCase(AftersalesCommon, HttpCase):
    def setUp(self):
        super().setUp()
        # A test types faster than a person.
        self.patch(public, 'MIN_SECONDS', 0)
        self.env['crm.rate.limit'].search([]).unlink()
        self.authenticate(None, None)

    def _send(self, url='/aftersales/request', csrf=True, files=None, mark=None, **values):
        if mark is None:
            mark = MARK.search(self.url_open(url).text).group(1)
        data = {
            'name': "Zhao Min",
            'email': 'zhao@example.org',
            'phone': '',
            'product': '',
            'description': "The pump is dry.",
            'type_id': self.type_fault.id,
            'mark': mark,
            'csrf_token': http.Request.csrf_token(self) if csrf else '',
            **values,
        }
        return self.url_open(url, data=data, files=files)

    def _get_sent(self, channel='web'):
        return self.env['aftersales.request'].search([('channel', '=', channel)], order='id')


@tagged('post_install', '-at_install')
class TestPublicForm(PublicCase):
    """Requests without login."""

    def test_raise(self):
        response = self._send(phone='138 0013 8000', files={'attachments': ('leak.png', PIXEL)})
        request = self._get_sent()
        self.assertTrue(response.url.endswith('/aftersales/request/sent'))
        self.assertIn(request.number, response.text)
        self.assertRecordValues(
            request,
            [
                {
                    'name': "The pump is dry.",
                    'partner_id': False,
                    'unit_id': False,
                    'email_from': '"Zhao Min" <zhao@example.org>',
                    'type_id': self.type_fault.id,
                    'company_id': self.company.id,
                    'team_id': self.team.id,
                    'user_id': False,
                    'state': 'new',
                    'date_first_reply': False,
                }
            ],
        )
        for text in ("The pump is dry.", "Zhao Min", '138 0013 8000'):
            self.assertIn(text, request.description)
        self.assertEqual(request.message_ids.attachment_ids.mapped('name'), ['leak.png'])
        self.assertNotIn(request.number, self.url_open('/aftersales/request/sent').text)

    def test_long_text_becomes_a_short_subject(self):
        self._send(description="It drips.\n" + "and drips " * 50)
        self.assertLessEqual(len(self._get_sent().name), 80)

    def test_text_without_spaces_becomes_a_subject_too(self):
        text = "热泵从昨天晚上开始发出很大的噪音，热水也不热了。" * 5
        self._send(description=text)
        self.assertEqual(self._get_sent().name, text[:79] + '…')

    def test_text_is_not_trusted(self):
        self._send(description="<script>alert(1)</script>", name="<b>Zhao</b>", product='<i>x</i>')
        self.assertNotRegex(self._get_sent().description, r'<(script|b|i)>')

    def test_closed_form(self):
        self.company.aftersales_form = False
        self.assertEqual(self.url_open('/aftersales/request').status_code, 404)
        self.assertEqual(self._send(mark='x').status_code, 404)
        self.assertFalse(self._get_sent())

    def test_form_of_another_company(self):
        url = f'/aftersales/request?company={self.company_2.id}'
        self.env['aftersales.team'].create({'name': "Two", 'company_id': self.company_2.id})
        mark = MARK.search(self.url_open(url).text).group(1)
        self._send(mark=mark, company=self.company_2.id)
        self.assertEqual(self._get_sent().company_id, self.company_2)
        self.assertEqual(self._send(mark=mark).status_code, 422, "a mark is for one company")
        for company in ('999999', 'x'):
            self.url_open(f'/aftersales/request?company={company}')
        self.assertEqual(self.url_open('/aftersales/request?company=999999').status_code, 404)

    # ------------------------------------------------------------
    # Who it is
    # ------------------------------------------------------------

    def test_known_address(self):
        self._send(email='WANG@sunrise.example.com')
        self.assertEqual(self._get_sent().partner_id, self.customer)
        self.assertIn(self.customer, self._get_sent().message_partner_ids)

    def test_address_of_two_is_nobody(self):
        self.stranger.email = self.customer.email
        self._send(email=self.customer.email)
        self.assertFalse(self._get_sent().partner_id)

    def test_unknown_address_makes_no_contact(self):
        self._send()
        self.assertFalse(self.env['res.partner'].search([('email', '=', 'zhao@example.org')]))

    def test_unknown_address_becomes_a_contact_when_wanted(self):
        self.company.aftersales_form_contacts = True
        self._send(phone='123 456')
        self.assertRecordValues(
            self._get_sent().partner_id,
            [{'name': "Zhao Min", 'email': 'zhao@example.org', 'phone': '123 456'}],
        )

    def test_the_same_answer_whether_known_or_not(self):
        """An address or a serial number is not found out by trying."""
        pages = [
            re.sub(r'SR\d+|<strong>[^<]*</strong>', '', self._send(**values).text)
            for values in (
                {'email': 'nobody@example.org', 'product': 'NO-1'},
                {'email': self.customer.email, 'product': 'NO-2'},
                {'email': 'nobody2@example.org', 'product': self.unit.serial},
                {'email': self.customer.email, 'product': self.unit_stranger.serial},
            )
        ]
        main = [page[page.index('<h1') :] for page in pages]
        main = [re.sub(r'csrf_token:? ?"[^"]*"|\d{6,}', '', page) for page in main]
        self.assertEqual(main, [main[0]] * 4)
        self.assertNotIn(self.customer.name, pages[1])

    # ------------------------------------------------------------
    # Which product
    # ------------------------------------------------------------

    def test_own_serial_number(self):
        self._send(email=self.customer.email, product='p-1')
        self.assertEqual(self._get_sent().unit_id, self.unit)

    def test_serial_number_of_others_is_for_staff_to_judge(self):
        self._send(email=self.customer.email, product=self.unit_stranger.serial)
        request = self._get_sent()
        self.assertFalse(request.unit_id)
        note = request.message_ids.filtered(lambda m: "this serial number" in (m.body or ''))
        self.assertTrue(note.subtype_id.internal or note.is_internal)

    # ------------------------------------------------------------
    # Against programs
    # ------------------------------------------------------------

    def test_honeypot(self):
        response = self._send(website='https://spam.example.org')
        self.assertTrue(response.url.endswith('/sent'), "a program learns nothing")
        self.assertFalse(self._get_sent())

    def test_too_quick(self):
        self.patch(public, 'MIN_SECONDS', 3)
        response = self._send()
        self.assertEqual(response.status_code, 422)
        self.assertIn("very quick", response.text)
        self.assertIn("The pump is dry.", response.text, "what was typed is not lost")
        self.assertFalse(self._get_sent())
        self.patch(public, 'MIN_SECONDS', 0)
        self._send(mark=MARK.search(response.text).group(1))
        self.assertEqual(len(self._get_sent()), 1, "sent again it arrives")

    def test_mark_of_nobody(self):
        for mark in ('', 'x', 'AAAA', '§' * 9, 'A' * 500):
            self.assertEqual(self._send(mark=mark).status_code, 422, mark)
        self.assertFalse(self._get_sent())

    def test_mark_that_is_too_old(self):
        with patch.object(public, 'MAX_HOURS', -1):
            mark = MARK.search(self.url_open('/aftersales/request').text).group(1)
        response = self._send(mark=mark)
        self.assertIn("open for too long", response.text)
        self._send(mark=MARK.search(response.text).group(1))
        self.assertEqual(len(self._get_sent()), 1)

    def test_the_same_form_twice(self):
        mark = MARK.search(self.url_open('/aftersales/request').text).group(1)
        numbers = [
            re.search(r'<strong>(\S+)</strong>', self._send(mark=mark).text).group(1)
            for _time in range(2)
        ]
        self.assertEqual(len(set(numbers)), 1)
        self.assertEqual(len(self._get_sent()), 1)

    def test_the_same_form_at_the_same_moment(self):
        mark = MARK.search(self.url_open('/aftersales/request').text).group(1)
        self._send(mark=mark)
        nothing = self.env['aftersales.request'].browse()
        with (
            patch.object(public.AftersalesPublic, '_find_submitted', lambda self, key: nothing),
            mute_logger('odoo.sql_db'),
        ):
            response = self._send(mark=mark)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(len(self._get_sent()), 1)

    def test_limit_by_address(self):
        self.patch(public, 'MAX_BY_ADDRESS', 2)
        self.assertEqual([self._send().status_code for _try in range(3)], [200, 200, 429])
        self.assertEqual(self._send(email='other@example.org').status_code, 200)
        self.assertEqual(len(self._get_sent()), 3)

    def test_limit_by_phone_however_it_is_written(self):
        self.patch(public, 'MAX_BY_ADDRESS', 1)
        self._send(email='', phone='138-001')
        self.assertEqual(self._send(email='', phone='138 001').status_code, 429)

    def test_limit_by_computer(self):
        self.patch(public, 'MAX_BY_IP', 2)
        codes = [self._send(email=f'{n}@example.org').status_code for n in range(3)]
        self.assertEqual(codes, [200, 200, 429])

    @mute_logger('odoo.http')
    def test_without_csrf(self):
        self.assertEqual(self._send(csrf=False).status_code, 400)
        self.assertFalse(self._get_sent())

    # ------------------------------------------------------------
    # What is wrong with it
    # ------------------------------------------------------------

    def test_nonsense_is_refused(self):
        hidden = self.env.ref('crm_aftersales.aftersales_request_type_claim')
        for values in (
            {'name': ' '},
            {'description': '\0'},
            {'type_id': ''},
            {'type_id': hidden.id},
            {'email': 'zhao'},
            {'email': '', 'phone': ''},
            {'email': '', 'phone': 'call me'},
            {'email': '', 'phone': '+49 12'},
        ):
            with self.subTest(values=values):
                self.assertEqual(self._send(**values).status_code, 422)
        self.assertFalse(self._get_sent())

    def test_only_photos(self):
        for name, content in (
            ('photo.png', b'<html><script>alert(1)</script></html>'),
            ('photo.svg', b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
            ('run.exe', b'MZ\x90\0'),
        ):
            response = self._send(files={'attachments': (name, content)})
            self.assertEqual(response.status_code, 422, name)
        files = [('attachments', (f'{n}.png', PIXEL)) for n in range(6)]
        self.assertEqual(self._send(files=files).status_code, 422)
        self.assertFalse(self._get_sent())

    def test_large_photos(self):
        with patch('odoo.addons.crm_aftersales.controllers.portal.MAX_FILE_SIZE', 60):
            self.assertEqual(self._send(files={'attachments': ('a.png', PIXEL)}).status_code, 422)

    def test_language_of_the_visitor(self):
        self.env['res.lang']._activate_lang('zh_CN')
        page = self.url_open('/aftersales/request?lang=zh_CN').text
        self.assertIn('lang="zh-CN"', page)
        # the pages of a website lead here by the language in the address
        for browser in ('en-US,en', 'zh-CN,zh'):
            self.opener.cookies.pop('frontend_lang', None)
            headers = {'Accept-Language': browser}
            page = self.url_open('/zh_CN/aftersales/request', headers=headers).text
            self.assertRegex(page, '<html[^>]* lang="zh-CN"', browser)


@tagged('post_install', '-at_install')
class TestQrCode(PublicCase):
    """The code on a product: its page, its form, its label."""

    def setUp(self):
        super().setUp()
        self.url = self.unit._get_qr_url().partition(self.unit.get_base_url())[2]
        self.product.default_code = 'PU-100'
        self.unit.name = "Pump of Mrs. Wang"
        self.unit.date_delivered = self.unit.create_date.date()

    def test_page(self):
        page = self.url_open(self.url).text
        for text in ("Pump", 'PU-100', "Yes, for 24 more months", "Report a Fault"):
            self.assertIn(text, page)

    def test_owner_finds_his_page(self):
        """Who is known need not say who he is; everybody else reports by the public form."""
        own = f'/my/equipment/{self.unit.id}'
        self.assertNotIn(own, self.url_open(self.url).text)
        self.authenticate('aftersales_customer', 'aftersales_customer')
        page = self.url_open(self.url).text
        self.assertIn(f'"{own}"', page)
        self.assertIn(f'/my/requests/new?unit_id={self.unit.id}', page)
        self.assertNotIn(f'{self.url}/report', page)
        stranger = self.unit_stranger._get_qr_url().partition(self.unit.get_base_url())[2]
        self.assertNotIn('/my/equipment/', self.url_open(stranger).text)

    def test_nothing_personal(self):
        """D26: neither who owns it, nor what he calls it, nor its serial number or links."""
        request = self._create_request(name="Noise")
        self.unit._portal_ensure_token()
        page = self.url_open(self.url).text + self.url_open(f'{self.url}/report').text
        for text in (
            self.customer.name,
            self.customer_company.name,
            self.customer.email,
            self.unit.name,
            self.unit.serial,
            self.unit.ref,
            self.unit.access_token,
            request.number,
            "Noise",
            str(self.unit.warranty_end),
        ):
            self.assertNotIn(text, page)

    def test_warranty_in_words(self):
        for months, days, words in (
            (24, 0, "for 24 more months"),
            (2, 0, "for 2 more months"),
            (1, 0, "for one more month"),
            (0, 1, "for less than a month"),
            (0, 0, "No"),
        ):
            # of the visitor, who is on no zone's day but that of UTC
            today = fields.Date.today()
            self.unit.warranty_start = today + relativedelta(months=months - 24, days=days)
            self.assertIn(words, self.url_open(self.url).text)

    def test_token(self):
        token = self.unit.qr_token
        self.assertGreaterEqual(len(token) * 6, 128)
        self.assertNotEqual(token, self.unit._portal_ensure_token())
        self.assertEqual(self.unit._get_qr_url().rpartition('/')[2], token, "it stays")
        self.assertFalse(self.unit.copy({'serial': 'P 9'}).qr_token)

    def test_new_code(self):
        self.unit.with_user(self.user_service).action_renew_qr()
        self.assertEqual(self.url_open(self.url).status_code, 404)
        bodies = ''.join(self.unit.message_ids.mapped('body'))
        self.assertIn("old labels are void", bodies)

    def test_code_is_not_written_by_hand(self):
        with self.assertRaises(AccessError):
            self.unit.with_user(self.user_manager).write({'qr_token': '1234'})
        with self.assertRaises(AccessError):
            self.unit.with_user(self.user_customer).read(['qr_token'])

    def test_same_page_whatever_is_wrong(self):
        draft = self.unit.copy({'serial': 'P 9', 'state': 'draft'})
        retired = self.unit.copy({'serial': 'P 10'})
        urls = ['/s/' + unit._get_qr_url().rpartition('/')[2] for unit in draft + retired]
        retired.action_retire()
        token = self.unit._portal_ensure_token()
        pages = []
        for url in (*urls, '/s/x', '/s/%00', '/s/' + 'A' * 32, f'/s/{token}', f'/s/{self.unit.id}'):
            for path in (url, f'{url}/report', f'{url}/documents/1'):
                response = self.url_open(path)
                self.assertEqual(response.status_code, 404, path)
                pages.append(response.text[response.text.index('<h1') :])
        self.assertEqual(len({re.sub(r'"[^"]*"', '', page) for page in pages}), 1)

    def test_limit(self):
        self.patch(public, 'MAX_SCANS', 2)
        codes = [self.url_open(url).status_code for url in ('/s/x', self.url, self.url)]
        self.assertEqual(codes, [404, 200, 429])

    def test_pages_are_not_kept(self):
        headers = self.url_open(self.url).headers
        self.assertEqual(headers['Cache-Control'], 'no-store')
        self.assertEqual(headers['Referrer-Policy'], 'no-referrer')
        self.assertIn('noindex', headers['X-Robots-Tag'])

    # ------------------------------------------------------------
    # Report a fault
    # ------------------------------------------------------------

    def test_report(self):
        self._send(f'{self.url}/report')
        self.assertRecordValues(
            self._get_sent('qr'),
            [{'unit_id': self.unit.id, 'partner_id': False, 'product_id': self.product.id}],
        )

    def test_report_of_the_owner_and_of_others(self):
        self._send(f'{self.url}/report', email=self.customer.email)
        self._send(f'{self.url}/report', email=self.stranger.email)
        own, other = self._get_sent('qr')
        self.assertEqual((own.partner_id, other.partner_id), (self.customer, self.stranger))
        self.assertFalse(own.not_owner_confirmed)
        self.assertTrue(other.not_owner_confirmed)

    def test_limit_by_product(self):
        self.patch(public, 'MAX_BY_UNIT', 1)
        url = f'{self.url}/report'
        self.assertEqual(self._send(url).status_code, 200)
        self.assertEqual(self._send(url, email='b@example.org').status_code, 429)
        self.assertEqual(len(self._get_sent('qr')), 1)

    def test_mark_of_another_product(self):
        other = self.unit.copy({'serial': 'P 9'})
        url = '/s/' + other._get_qr_url().rpartition('/')[2]
        mark = MARK.search(self.url_open(f'{url}/report').text).group(1)
        self.assertEqual(self._send(f'{self.url}/report', mark=mark).status_code, 422)

    def test_closed_form(self):
        self.company.aftersales_form = False
        self.assertNotIn("Report a Fault", self.url_open(self.url).text)
        self.assertEqual(self.url_open(f'{self.url}/report').status_code, 404)
        self.assertEqual(self._send(f'{self.url}/report', mark='x').status_code, 404)

    # ------------------------------------------------------------
    # Label
    # ------------------------------------------------------------

    def test_label(self):
        report = self.env.ref('crm_aftersales.action_report_unit_label')
        units = self.unit + self.unit_stranger
        html, _type = report.with_user(self.user_technician)._render_qweb_html(
            report.report_name, units.ids
        )
        html = html.decode()
        self.assertEqual(html.count('data:image/svg+xml;base64'), 2)
        self.assertTrue(self.unit_stranger.qr_token)
        self.assertIn('P 1', html)
        self.assertNotIn(self.customer.name, html)


@tagged('post_install', '-at_install')
class TestDocuments(PublicCase):
    """Manuals of a model, and files of one piece."""

    def setUp(self):
        super().setUp()
        self.manual, self.terms, self.plan = self.env['product.document'].create(
            [
                {
                    'name': name,
                    'raw': b'%PDF-1.4',
                    'res_model': self.product.product_tmpl_id._name,
                    'res_id': self.product.product_tmpl_id.id,
                    'aftersales_shown_to': shown_to,
                }
                for name, shown_to in (
                    ('manual.pdf', 'everybody'),
                    ('terms.pdf', 'owner'),
                    ('circuit.pdf', False),
                )
            ]
        )
        self.report = self.env['ir.attachment'].create(
            {
                'name': 'handover.pdf',
                'raw': b'%PDF-1.4',
                'res_model': 'aftersales.unit',
                'res_id': self.unit.id,
            }
        )
        self.unit.customer_document_ids = [Command.set(self.report.ids)]
        self.url = self.unit._get_qr_url().partition(self.unit.get_base_url())[2]
        self.documents = {
            document.name: document
            for document in (*(self.manual + self.terms + self.plan).ir_attachment_id, self.report)
        }

    def _get_opened(self, url, token=''):
        """Return the names of the documents that open under an address, and are named there."""
        page = self.url_open(url + token).text
        opened = {
            name
            for name, document in self.documents.items()
            if self.url_open(f'{url}/documents/{document.id}{token}').content == b'%PDF-1.4'
        }
        self.assertEqual(opened, {name for name in self.documents if name in page})
        return opened

    def test_who_sees_what(self):
        url = f'/my/equipment/{self.unit.id}'
        self.assertEqual(self._get_opened(self.url), {'manual.pdf'})
        token = f'?access_token={self.unit._portal_ensure_token()}'
        self.assertEqual(self._get_opened(url, token), {'manual.pdf', 'terms.pdf'})
        self.assertFalse(self._get_opened(url, '?access_token=wrong'))
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertEqual(self._get_opened(url), {'manual.pdf', 'terms.pdf', 'handover.pdf'})
        self.assertFalse(self._get_opened(f'/my/equipment/{self.unit_stranger.id}'))

    def test_documents_of_another_product(self):
        other = self.unit.copy({'serial': 'P 9'})
        self.authenticate('aftersales_customer', 'aftersales_customer')
        url = f'/my/equipment/{other.id}'
        self.assertEqual(self._get_opened(url), {'manual.pdf', 'terms.pdf'})

    def test_neither_owner_gets_what_was_made_for_the_other(self):
        self.unit._transfer(self.stranger)
        self.assertFalse(self.unit.customer_document_ids)
        self.assertTrue(self.report.exists(), "staff keeps it")
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertFalse(self._get_opened(f'/my/equipment/{self.unit.id}'))

    def test_a_document_is_saved_and_not_run(self):
        self.report.write({'raw': b'<script>alert(1)</script>', 'name': 'page.html'})
        self.authenticate('aftersales_customer', 'aftersales_customer')
        headers = self.url_open(f'/my/equipment/{self.unit.id}/documents/{self.report.id}').headers
        self.assertIn('attachment', headers['Content-Disposition'])

    def test_link_to_a_page(self):
        self.manual.ir_attachment_id.write({'type': 'url', 'url': 'https://example.com/manual'})
        response = self.url_open(
            f'{self.url}/documents/{self.manual.ir_attachment_id.id}', allow_redirects=False
        )
        self.assertEqual(response.headers['Location'], 'https://example.com/manual')

    def test_history_of_the_owner(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [Command.create({'product_id': self.product.id})],
            }
        )
        self.unit.sale_line_id = order.order_line
        self.unit.date_delivered = '2026-01-05'
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertIn(f'/my/orders/{order.id}', self.url_open(f'/my/equipment/{self.unit.id}').text)
        self.unit._transfer(self.stranger)
        events = self.unit._get_portal_events(self.stranger)
        self.assertEqual([(event.text, event.url) for event in events], [("Delivered", '')])
