import json

from odoo.tests import HttpCase, tagged
from odoo.tools import file_open

from .common import AftersalesCommon

WIDTHS = (1280, 390)


@tagged('post_install', '-at_install')
class TestPages(AftersalesCommon, HttpCase):
    """Pages of customers and visitors can be read, understood and used, at a desk and on a phone.

    The rules stand in static/tests/checks/pages.js.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['crm.rate.limit'].search([]).unlink()
        cls.company.write({'aftersales_ask_nps': True, 'aftersales_ask_ces': True})
        cls._create_policy(response=8, resolution=40, calendar_source='always')
        cls.unit.write({'date_delivered': '2025-01-01', 'warranty_months': 12})
        cls.request = cls._create_request(
            name="The pump of the second heating circuit makes a noise that wakes all guests"
        )
        cls.closed = cls._create_request(name="Leaks", description="<p>From below</p>")
        cls.closed.action_close()
        cls.env['aftersales.article'].create(
            {
                'name': "Pump is loud",
                'symptom': "Noise",
                'solution': "<p>Tighten the screw</p>",
                'is_public': True,
                'state': 'published',
            }
        )
        cls.languages = cls.env['res.lang'].search([('code', 'in', ('en_US', 'zh_CN'))])

    def _check(self, urls, login=None):
        with file_open('crm_aftersales/static/tests/checks/pages.js') as file:
            code = file.read()
        call = f'checkPages({json.dumps(urls)}, {json.dumps(WIDTHS)})' if urls else 'checkRules()'
        for language in self.languages:
            with self.subTest(language=language.code):
                self.browser_js(
                    urls[0] if urls else '/web/login',
                    f'{code}\n{call};',
                    login=login,
                    cookies={'frontend_lang': language.code},
                )

    def test_rules_find_their_faults(self):
        self._check([])

    def test_pages_of_a_customer(self):
        urls = [
            '/my/equipment',
            f'/my/equipment/{self.unit.id}',
            '/my/requests',
            f'/my/requests/{self.request.id}',
            f'/my/requests/{self.closed.id}',
            '/my/requests/new',
            '/my/help?words=noise',
        ]
        self._check(urls, 'aftersales_customer')

    def test_pages_of_everybody(self):
        code = self.unit._get_qr_url().partition('/s/')[2]
        survey = self.closed._get_survey_url().partition('/aftersales/')[2]
        urls = [
            '/aftersales/request',
            '/aftersales/request/sent',
            f'/s/{code}',
            f'/s/{code}/report',
            f'/aftersales/{survey}',
        ]
        self._check(urls)
