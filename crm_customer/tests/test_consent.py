import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CrmCustomerCommon, TwoCursorsCase


@tagged('post_install', '-at_install')
class TestConsent(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.write({'email': 'Chen@Example.com', 'phone': '+86 571 5555 0123'})
        cls.person = cls.env['crm.person']._for_partners(cls.contact)

    def decide(self, status, purposes=('promotion',), channels=('email',), **values):
        return self.person._set_consent(
            purposes,
            channels,
            status,
            **{'company': self.company, 'source': 'staff', **values},
        )

    def events(self):
        return self.env['crm.consent.event'].search([('person_id', '=', self.person.id)])

    def test_decision_and_proof(self):
        consents = self.decide(
            'in', ['promotion', 'care'], ['email', 'sms'], evidence="Form 12", wording="Yes please"
        )
        self.assertEqual(len(consents), 4)
        self.assertEqual(set(consents.mapped('status')), {'in'})
        events = self.events()
        self.assertEqual(len(events), 4)
        by_mail = events.filtered(lambda e: e.channel == 'email')[0]
        self.assertEqual((by_mail.evidence, by_mail.wording), ("Form 12", "Yes please"))
        self.assertEqual(by_mail.user_id, self.env.user)
        self.assertEqual(
            by_mail.address_hash,
            self.env['crm.person.address']._hash('email', 'chen@example.com'),
        )

    def test_present_state_keeps_its_date(self):
        self.decide('out', date='2026-01-05 10:00:00')
        self.decide('out', date='2026-02-05 10:00:00')
        consent = self.decide('out')
        self.assertEqual(str(consent.since), '2026-01-05 10:00:00')
        self.assertEqual(len(self.events()), 3, "each statement is proof")
        self.assertEqual(self.decide('in', date='2026-03-01 00:00:00').status, 'in')

    def test_words_are_checked(self):
        for values in (
            {'purposes': ['advertising']},
            {'channels': ['pigeon']},
            {'status': 'maybe'},
            {'source': 'rumour'},
        ):
            with self.assertRaises(ValidationError):
                self.decide(**{'status': 'in', **values})

    def test_import_and_merge_never_agree_for_who_refused(self):
        self.decide('out')
        self.assertEqual(self.decide('in', source='import').status, 'out')
        self.assertEqual(self.decide('pending', source='merge').status, 'out')
        self.assertEqual(self.decide('in', source='portal').status, 'in')

    def test_purchase_never_subscribes_again(self):
        self.decide('out')
        order = self.create_order(self.contact, '2026-03-01 10:00:00', state='draft')
        order.action_confirm()
        order._create_invoices().action_post()
        self.assertEqual(
            self.env['crm.consent'].search([('person_id', '=', self.person.id)]).mapped('status'),
            ['out'],
        )

    def test_opt_out_of_promotion_keeps_the_rest(self):
        self.decide('out')
        statuses = self.person._get_consent_statuses(self.company)
        self.assertFalse(
            self.company._is_consent_given('promotion', statuses.get(('promotion', 'email')))
        )
        for purpose in ('care', 'survey', 'transactional'):
            self.assertTrue(
                self.company._is_consent_given(purpose, statuses.get((purpose, 'email')))
            )

    def test_rules_for_the_undecided(self):
        self.assertFalse(self.company._is_consent_given('promotion', None))
        self.company.crm_consent_promotion = 'opt_out'
        self.company.crm_consent_survey = 'opt_in'
        self.assertTrue(self.company._is_consent_given('promotion', None))
        self.assertFalse(self.company._is_consent_given('survey', None))
        self.assertFalse(self.company._is_consent_given('promotion', 'pending'))
        self.assertFalse(self.company._is_consent_given('transactional', 'out'))

    def test_companies_are_apart(self):
        self.decide('out')
        self.assertFalse(self.person._get_consent_statuses(self.other_company))
        self.decide('in', company=self.other_company)
        Consent = self.env['crm.consent'].with_user(self.user_employee)
        Event = self.env['crm.consent.event'].with_user(self.user_employee)
        domain = [('person_id', '=', self.person.id)]
        self.assertEqual(Consent.search(domain).company_id, self.company)
        self.assertEqual(Event.search(domain).company_id, self.company)

    def test_proof_is_never_changed(self):
        self.decide('out', evidence="Call of 5 May")
        event = self.events()
        with self.assertRaises(UserError):
            event.sudo().write({'status': 'in'})
        with self.assertRaises(UserError):
            event.sudo().unlink()
        for query in (
            "UPDATE crm_consent_event SET evidence = '' WHERE id = %s",
            "UPDATE crm_consent_event SET status = 'in' WHERE id = %s",
            'DELETE FROM crm_consent_event WHERE id = %s',
        ):
            with (
                mute_logger('odoo.sql_db'),
                self.assertRaises(psycopg2.errors.RaiseException),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(query, [event.id])
        event._blank_personal_text("Erased")
        self.assertEqual(event.evidence, "Erased")
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.RaiseException),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE crm_consent_event SET evidence = ''")

    def test_nobody_writes_directly(self):
        self.decide('out')
        for model in ('crm.consent', 'crm.consent.event', 'crm.person', 'crm.person.address'):
            records = self.env[model].with_user(self.user_manager)
            for right in ('create', 'write', 'unlink'):
                self.assertFalse(records.has_access(right), (model, right))
        with self.assertRaises(AccessError):
            self.env['crm.person.address'].with_user(self.user_all).search([])


@tagged('post_install', '-at_install')
class TestConsentConcurrency(TwoCursorsCase):
    """The second of two that decide at once is run again on what the first left."""

    def test_two_decisions(self):
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            partner = env['res.partner'].create({'name': "Racing Customer"})
            person_id = env['crm.person']._for_partners(partner).id
            partner_id = partner.id
        self.addCleanup(self.execute_committed, 'DELETE FROM res_partner WHERE id = %s', partner_id)
        self.addCleanup(self.execute_committed, 'DELETE FROM crm_person WHERE id = %s', person_id)
        self.addCleanup(
            self.execute_committed, 'DELETE FROM crm_consent WHERE person_id = %s', person_id
        )
        self.addCleanup(
            self.execute_committed,
            'ALTER TABLE crm_consent_event DISABLE TRIGGER USER;'
            'DELETE FROM crm_consent_event WHERE person_id = %s;'
            'ALTER TABLE crm_consent_event ENABLE TRIGGER USER',
            person_id,
        )
        self.take_snapshots()

        def decide(env, status):
            env['crm.person'].browse(person_id)._set_consent(
                ['care'], ['email'], status, company=env.company, source='portal'
            )

        decide(self.env_1, 'out')
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            decide(self.env_2, 'in')
