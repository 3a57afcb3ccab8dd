from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import SQL

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestConsentStaff(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.write({'email': 'chen@example.com', 'phone': '+86 571 5555 0123'})
        cls.user_staff = cls.user_salesman
        cls.user_staff.group_ids += cls.env.ref('base.group_partner_manager')
        cls.staff_contact = cls.contact.with_user(cls.user_staff)

    def open_dialog(self, **values):
        action = self.staff_contact.action_change_consent()
        form = Form(
            self.env['crm.consent.change']
            .with_user(self.user_staff)
            .with_context(**action['context'])
        )
        for name, value in {'status': 'out', 'told_by': 'phone', **values}.items():
            form[name] = value
        return form.save()

    def cell(self, purpose, channel):
        overview = self.staff_contact.get_consent_overview()
        row = next(row for row in overview['purposes'] if row['key'] == purpose)
        return next(cell for cell in row['cells'] if cell['channel'] == channel)

    def test_record_a_refusal(self):
        self.assertEqual(self.cell('care', 'sms')['status'], 'none')
        self.assertTrue(self.cell('care', 'sms')['allowed'])
        self.open_dialog(purpose='care', channel='sms', told_by='letter').action_save()
        cell = self.cell('care', 'sms')
        self.assertEqual((cell['status'], cell['allowed'], cell['source']), ('out', False, "Staff"))
        event = self.env['crm.consent.event'].search([], order='id desc', limit=1)
        self.assertEqual(event.user_id, self.user_staff)
        self.assertEqual(event.evidence, "By letter")

    def test_agreement_needs_evidence(self):
        dialog = self.open_dialog(status='in', evidence=" ")
        with self.assertRaises(UserError):
            dialog.action_save()
        self.open_dialog(status='in', evidence="Form 12").action_save()
        self.assertEqual(self.cell('promotion', 'email')['status'], 'in')

    def test_agreement_is_confirmed_by_mail(self):
        self.company.crm_consent_confirm = True
        dialog = self.open_dialog(status='in', channel='all', evidence="At the fair")
        self.assertTrue(dialog.must_confirm)
        dialog.action_save()
        self.assertEqual(self.cell('promotion', 'email')['status'], 'pending')
        self.assertEqual(self.cell('promotion', 'sms')['status'], 'in')
        person = self.env['crm.person']._for_partners(self.contact)
        message = self.env['crm.message'].sudo().search([('person_id', '=', person.id)])
        self.assertEqual(message.message_class, 'transactional')

    def test_all_but_orders(self):
        self.open_dialog(purpose='all', channel='all').action_save()
        for purpose in ('promotion', 'care', 'survey'):
            self.assertEqual(self.cell(purpose, 'post')['status'], 'out')
        self.assertEqual(self.cell('transactional', 'email')['status'], 'none')

    def test_preferences(self):
        action = self.staff_contact.action_change_preferences()
        wizard = (
            self.env['crm.preference.change']
            .with_user(self.user_staff)
            .with_context(**action['context'])
        )
        form = Form(wizard)
        form.preferred_channel = 'phone'
        form.preferred_hour_from = 18
        form.preferred_hour_to = 20.5
        form.do_not_disturb = True
        form.save().action_save()
        texts = ' '.join(self.staff_contact.get_consent_overview()['preferences'])
        self.assertIn('Phone', texts)
        self.assertIn('18:00', texts)
        self.assertIn('20:30', texts)
        again = Form(wizard)
        self.assertEqual(again.preferred_channel, 'phone')
        again.preferred_hour_to = 30
        with self.assertRaises(ValidationError):
            again.save()

    def test_nothing_is_said_for_the_customer(self):
        action = self.staff_contact.action_change_consent()
        form = Form(self.env['crm.consent.change'].with_context(**action['context']))
        self.assertEqual((form.status, form.told_by), (False, False))
        with self.assertRaises(AssertionError):
            form.save()

    def test_who_may(self):
        stranger = self.contact.with_user(self.user_employee)
        self.assertFalse(stranger.get_consent_overview()['can_change'])
        dialog = (
            self.env['crm.consent.change']
            .with_user(self.user_employee)
            .create({'partner_id': self.contact.id, 'status': 'out', 'told_by': 'phone'})
        )
        with self.assertRaises(AccessError):
            dialog.action_save()
        with self.assertRaises(AccessError):
            stranger.set_messaging_consent(['care'], ['email'], 'out', "x")

    def test_other_system(self):
        self.staff_contact.set_messaging_consent(['promotion'], ['email'], 'in', "Web shop, 7 May")
        self.assertEqual(self.cell('promotion', 'email')['source'], "Other System")

    def test_history_shows_merged_persons(self):
        self.open_dialog().action_save()
        person = self.env['crm.person']._for_partners(self.contact)
        other = self.env['crm.person']._for_partners(self.stranger)
        other.sudo()._merge_into(person.sudo())
        domain = self.staff_contact.action_view_consent_events()['domain']
        self.assertEqual(set(domain[0][2]), set((person | other).ids))

    def test_queries_do_not_grow(self):
        person = self.env['crm.person']._for_partners(self.contact)

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.contact.get_consent_overview()
            return self.cr.sql_log_count - before

        person._set_consent(['care'], ['sms'], 'out', company=self.company, source='staff')
        count()
        few = count()
        for _time in range(5):
            person._set_consent(
                ['promotion', 'care', 'survey'],
                ['email', 'sms', 'phone'],
                'out',
                company=self.company,
                source='staff',
            )
        self.assertEqual(count(), few)

    def test_deleted_and_imported_again(self):
        self.open_dialog().action_save()
        self.contact.unlink()
        address = self.env['crm.person.address']
        suppressed = address._get_suppressed_sql('email', SQL('%s::text', 'chen@example.com'))
        self.env.flush_all()
        self.assertEqual(self.env.execute_query(SQL('SELECT %s', suppressed)), [(True,)])

    def test_other_system_needs_evidence(self):
        for status, evidence in (('pending', "Web shop"), ('in', " "), ('maybe', "x")):
            with self.assertRaises(UserError):
                self.staff_contact.set_messaging_consent(['promotion'], ['email'], status, evidence)
        self.assertEqual(self.cell('promotion', 'email')['status'], 'none')

    def test_other_system_waits_for_confirmation(self):
        self.company.crm_consent_confirm = True
        self.staff_contact.set_messaging_consent(['promotion'], ['email', 'sms'], 'in', "Web shop")
        self.assertEqual(self.cell('promotion', 'email')['status'], 'pending')
        self.assertEqual(self.cell('promotion', 'sms')['status'], 'in')
        self.staff_contact.set_messaging_consent(['promotion'], ['email'], 'out', "Web shop")
        self.assertEqual(self.cell('promotion', 'email')['status'], 'out')

    def test_agrees_again(self):
        """Saying so once more silences nobody, and what needs no agreement is not asked for."""
        self.open_dialog(status='in', evidence="Form 12").action_save()
        self.company.crm_consent_confirm = True
        self.open_dialog(status='in', purpose='all', evidence="Form 13").action_save()
        for purpose in ('promotion', 'care', 'survey'):
            self.assertEqual(self.cell(purpose, 'email')['status'], 'in', purpose)
        person = self.env['crm.person']._for_partners(self.contact)
        events = person.sudo().consent_event_ids
        self.assertIn("By phone: Form 13", events.mapped('evidence'), "it is proof all the same")
        self.assertFalse(self.env['crm.message'].sudo().search([('person_id', '=', person.id)]))

    def test_left_alone_and_agrees(self):
        """Staff cannot free the address of somebody who was erased; its owner is asked."""
        person = self.env['crm.person']._for_partners(self.contact)
        person._suppress_addresses()
        self.open_dialog(status='in', evidence="Form 12").action_save()
        self.assertEqual(self.cell('promotion', 'email')['status'], 'pending')
        self.assertTrue(person._filter_suppressed('email', self.company))

    def test_number_left_alone_and_its_owner_is_heard(self):
        """Staff see the truth; an administrator with evidence lets the owner be heard again."""
        person = self.env['crm.person']._for_partners(self.contact)
        person._suppress_addresses()
        self.user_manager.group_ids += self.env.ref('base.group_partner_manager')
        for user in (self.user_staff, self.user_manager):
            dialog = self.open_dialog(channel='sms', status='in', evidence="Form 12")
            self.assertTrue(dialog.left_alone)
            self.assertFalse(dialog.must_confirm)
            dialog.with_user(user).action_save()
            cell = self.cell('promotion', 'sms')
            self.assertEqual(
                (cell['status'], cell['allowed'], cell['left_alone']), ('in', False, True)
            )
        self.assertTrue(self.open_dialog(channel='all', status='in', evidence="x").must_confirm)
        self.assertFalse(self.cell('transactional', 'sms')['left_alone'])
        dialog = self.open_dialog(channel='sms', status='in', evidence="Form 12")
        dialog.sudo().owner_heard = True
        with self.assertRaises(AccessError):
            dialog.action_save()
        dialog.with_user(self.user_manager).action_save()
        cell = self.cell('promotion', 'sms')
        self.assertEqual((cell['allowed'], cell['left_alone']), (True, False))
        self.assertEqual(self.cell('care', 'sms')['status'], 'out', "he was not asked about it")
        self.assertTrue(person._filter_suppressed('sms', self.other_company))
        self.assertTrue(person._filter_suppressed('phone', self.company))

    def test_other_system_names_several_customers(self):
        """One without an e-mail address does not keep the others' agreements out."""
        self.company.crm_consent_confirm = True
        silent = self.env['res.partner'].create({'name': "No Mail", 'phone': '+49301234567'})
        partners = (self.contact | silent).with_user(self.user_staff)
        partners.set_messaging_consent(['promotion'], ['email', 'sms'], 'in', "Web shop")
        for partner in partners:
            person = self.env['crm.person']._for_partners(partner)
            self.assertEqual(
                person._get_consent_statuses(self.company),
                {('promotion', 'email'): 'pending', ('promotion', 'sms'): 'in'},
            )
        with self.assertRaises(UserError):
            silent.set_messaging_consent(['care'], ['email'], 'in', "Web shop")

    def test_erased_and_imported_again(self):
        """What the gate refuses is not shown as allowed, before there is a person too."""
        email = self.contact.email
        self.contact._erase_personal_data()
        self.staff_contact = (
            self.env['res.partner']
            .create({'name': "Again", 'email': email})
            .with_user(self.user_staff)
        )
        cell = self.cell('care', 'email')
        self.assertEqual(
            (cell['status'], cell['allowed'], cell['left_alone']), ('none', False, True)
        )
        self.assertTrue(self.open_dialog(status='in', evidence="x").must_confirm)

    def test_preferences_of_a_hidden_contact(self):
        hidden = self.env['res.partner'].create(
            {'name': "Hidden", 'company_id': self.other_company.id}
        )
        self.env['crm.person']._for_partners(hidden).sudo().preferred_channel = 'post'
        with self.assertRaises(AccessError):
            self.env['crm.preference.change'].with_user(self.user_staff).with_context(
                default_partner_id=hidden.id
            ).default_get(['partner_id', 'preferred_channel'])

    def is_suppressed(self, channel, address, company=None):
        Address = self.env['crm.person.address']
        hashes = [Address._hash(channel, address)]
        return bool(Address._search_suppressed(channel, hashes, company or self.company))

    def test_deleted_after_any_refusal(self):
        self.open_dialog(purpose='care', channel='email').action_save()
        self.contact.unlink()
        self.assertTrue(self.is_suppressed('email', 'chen@example.com'))
        self.assertFalse(self.is_suppressed('sms', '+8657155550123'))
        self.assertFalse(self.is_suppressed('email', 'chen@example.com', self.other_company))

    def test_deleted_with_do_not_disturb(self):
        person = self.env['crm.person']._for_partners(self.contact).sudo()
        person.write({'do_not_disturb': True, 'do_not_disturb_until': '2099-01-01'})
        twin = self.contact.copy({'email': 'twin@example.com'})
        self.env['crm.person']._for_partners(twin).sudo().do_not_disturb = True
        (self.contact | twin).unlink()
        self.assertFalse(self.is_suppressed('email', 'chen@example.com'), "only until then")
        for company in self.company | self.other_company:
            self.assertTrue(self.is_suppressed('email', 'twin@example.com', company))
            self.assertTrue(self.is_suppressed('phone', '+8657155550123', company))

    def test_many_are_deleted(self):
        """The memory of many is one statement."""

        def count(number):
            partners = self.env['res.partner'].create(
                [{'name': f"P {i}", 'email': f'p{i}@example.com'} for i in range(number)]
            )
            persons = self.env['crm.person']._for_partners(partners)
            persons._set_consent(
                ['promotion'], ['email'], 'out', company=self.company, source='staff'
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            partners._suppress_refused()
            return self.cr.sql_log_count - before

        count(1)  # keeps the check of the secret
        count(1)
        self.assertEqual(count(40), count(4))
