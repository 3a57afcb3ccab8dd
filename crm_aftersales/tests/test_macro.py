from markupsafe import Markup

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestMacro(AftersalesCommon):
    """Answers given often."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.macro'].search([]).active = False
        cls.tag = cls.env['aftersales.tag'].create({'name': "Part"})
        cls.macro = cls.env['aftersales.macro'].create(
            {
                'name': "Ask",
                'body': Markup(
                    "<p>Hello {{ object.partner_id.name }}, about {{object.unit_id.serial}}"
                    " ({{&nbsp;object.number }}): please send a photo. {{ user.name }}</p>"
                ),
                'stage_id': cls._stage('waiting_customer').id,
                'priority': '2',
                'responsible': 'me',
                'tag_ids': cls.tag.ids,
            }
        )

    def test_render(self):
        request = self._create_request()
        text = self.macro.with_user(self.user_service)._render(request)
        self.assertIn(f"Hello Wang Fang, about P 1 ({request.number})", text)
        self.assertIn(self.user_service.name, text)
        self.assertNotIn('{{', text)

    def test_address_without_a_name_is_greeted_as_its_company(self):
        address = self.env['res.partner'].create(
            {'type': 'other', 'parent_id': self.customer_company.id}
        )
        text = self.macro._render(self._create_request(partner_id=address.id, unit_id=False))
        self.assertIn(f"Hello {self.customer_company.name}, about", text)

    def test_values_are_text(self):
        """What a customer calls himself is neither markup nor a placeholder."""
        self.customer.name = '<img src="x"> {{ user.name }}'
        text = self.macro._render(self._create_request())
        self.assertIn("&lt;img", text)
        self.assertIn("{{ user.name }}", text)

    def test_in_a_link(self):
        """Editors encode what stands in an address."""
        self.macro.body = Markup('<p><a href="https://x.example.com/{{ object.number }}">x</a></p>')
        request = self._create_request()
        self.assertIn(f'"https://x.example.com/{request.number}"', self.macro._render(request))

    def test_only_known_placeholders(self):
        for expression in (
            'object.env.user.password',
            'object.partner_id.email',
            '7 * 7',
            "object.write({'name': 'x'})",
            'object.sudo().partner_id.name',
        ):
            with self.subTest(expression=expression), self.assertRaises(ValidationError) as refusal:
                self.macro.body = f"<p>{{{{ {expression} }}}}</p>"
            self.assertIn("object.partner_id.name", str(refusal.exception))
        # what came in by another way is left out, never run
        self.macro.flush_recordset()
        self.env.cr.execute(
            "UPDATE aftersales_macro SET body = %s WHERE id = %s",
            ['{"en_US": "<p>a{{ object.env.cr }}b</p>"}', self.macro.id],
        )
        self.macro.invalidate_recordset()
        self.assertEqual(self.macro._render(self._create_request()), "<p>ab</p>")

    def test_customers_language(self):
        self.env['res.lang']._activate_lang('fr_FR')
        self.macro.body = "<p>Hello {{ object.partner_id.name }}</p>"
        self.macro.update_field_translations(
            'body',
            {
                'fr_FR': {
                    "Hello {{ object.partner_id.name }}": "Bonjour {{ object.partner_id.name }}"
                }
            },
        )
        request = self._create_request()
        self.assertIn("Hello", self.macro._render(request))
        self.customer.lang = 'fr_FR'
        self.assertIn("Bonjour Wang Fang", self.macro._render(request))

    def test_apply(self):
        request = self._create_request()
        with self.mock_mail_gateway():
            self.macro.with_user(self.user_service)._apply(request.with_user(self.user_service))
        self.assertRecordValues(
            request,
            [
                {
                    'state': 'waiting_customer',
                    'priority': '2',
                    'user_id': self.user_service.id,
                    'tag_ids': self.tag.ids,
                }
            ],
        )
        message = request.message_ids.filtered(lambda m: m.message_type == 'comment')
        self.assertIn("please send a photo", message.body)
        self.assertIn(self.customer, message.notified_partner_ids)
        self.assertTrue(request.date_first_reply, "an answer of ours")

    def test_unknown_sender_gets_it_too(self):
        request = self.env['aftersales.request'].create(
            {'name': "A", 'email_from': 'new@example.com'}
        )
        with self.mock_mail_gateway():
            self.macro.with_user(self.user_service)._apply(request.with_user(self.user_service))
        self.assertEqual(request.partner_id.email, 'new@example.com')

    def test_note(self):
        request = self._create_request()
        self.macro.is_note = True
        self.macro.with_user(self.user_service)._apply(request.with_user(self.user_service))
        self.assertFalse(request.date_first_reply)
        note = request.message_ids.filtered(lambda m: m.message_type == 'comment')
        self.assertIn("please send a photo", note.body)
        self.assertEqual(note.subtype_id, self.env.ref('mail.mt_note'))

    def test_stage_asks_before_anything_goes_out(self):
        self._stage('waiting_customer').require_diagnosis = True
        request = self._create_request()
        with self.assertRaises(ValidationError):
            self.macro.with_user(self.user_service)._apply(request.with_user(self.user_service))
        self.assertNotIn("photo", str(request.message_ids.mapped('body')))

    def test_offered_for(self):
        Macro = self.env['aftersales.macro']
        desk = self._create_request(team_id=self.team.id)
        shop = self._create_request(team_id=self.team_workshop.id)

        def offered(requests):
            return Macro.search(Macro._get_offered_domain(requests))

        self.assertIn(self.macro, offered(desk | shop))
        self.macro.team_ids = self.team_workshop
        self.assertEqual([bool(offered(request)) for request in (desk, shop)], [False, True])
        self.assertFalse(offered(desk | shop))
        self.macro.type_ids = self.type_complaint
        self.assertFalse(offered(shop))
        with self.assertRaises(UserError):
            self.macro._apply(desk)
        self.macro.write({'team_ids': False, 'type_ids': False, 'company_id': self.company_2.id})
        self.assertFalse(offered(desk))
        far = self._create_request(company_id=self.company_2.id, unit_id=False, team_id=False)
        self.assertEqual(offered(far), self.macro)
        self.assertFalse(offered(desk | far))

    def test_rights(self):
        request = self._create_request(user_id=self.user_service.id)
        macro = self.macro.with_user(self.user_technician)
        with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
            macro._apply(request.with_user(self.user_technician))

    def test_wizard(self):
        request = self._create_request()
        wizard = self.env['aftersales.macro.apply'].with_user(self.user_service)
        with Form(wizard.with_context(default_request_ids=request.ids)) as form:
            form.macro_id = self.macro
            self.assertIn("Hello Wang Fang", form.body)
            form.body = "<p>Hello Ms Wang</p>"
        form.record.action_apply()
        message = request.message_ids.filtered(lambda m: m.message_type == 'comment')
        self.assertIn("Hello Ms Wang", message.body)

    def test_wizard_for_several(self):
        requests = self._create_request() | self._create_request()
        wizard = self.env['aftersales.macro.apply'].with_user(self.user_service)
        with Form(wizard.with_context(default_request_ids=requests.ids)) as form:
            form.macro_id = self.macro
            self.assertFalse(form.body)
        form.record.action_apply()
        for request in requests:
            self.assertIn(request.number, str(request.message_ids.mapped('body')))

    def test_tags_follow_a_merge(self):
        survivor, source = self._create_request(), self._create_request()
        source.tag_ids = [Command.link(self.tag.id)]
        source._merge_into(survivor)
        self.assertEqual(survivor.tag_ids, self.tag)
