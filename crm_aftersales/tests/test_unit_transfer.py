from datetime import date

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestUnitTransfer(AftersalesCommon):
    """Who owned a product when, and what a former owner may no longer see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unit.date_delivered = '2026-01-10'

    def owners(self, unit=None):
        rows = (unit or self.unit).owner_ids.sorted('date_from')
        return [(row.partner_id, row.date_from, row.date_to or None) for row in rows]

    def count_queries(self, function, *args):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function(*args)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    # ------------------------------------------------------------
    # History
    # ------------------------------------------------------------

    def test_history_begins_with_the_delivery(self):
        self.assertEqual(self.owners(), [(self.customer, date(2026, 1, 10), None)])
        self.unit.date_delivered = '2025-12-24'
        self.assertEqual(self.owners(), [(self.customer, date(2025, 12, 24), None)])

    def test_transfer(self):
        with freeze_time('2026-03-10'):
            self.unit.with_user(self.user_service)._transfer(
                self.stranger, date(2026, 3, 2), "Sold privately"
            )
        self.assertEqual(self.unit.partner_id, self.stranger)
        self.assertEqual(
            self.owners(),
            [
                (self.customer, date(2026, 1, 10), date(2026, 3, 2)),
                (self.stranger, date(2026, 3, 2), None),
            ],
        )
        self.assertEqual(self.unit.owner_ids.sorted('date_from')[1].reason, "Sold privately")
        # the first owner's delivery is found out later, and is not let into the second's days
        self.unit.date_delivered = '2026-04-01'
        self.unit.date_delivered = '2026-02-01'
        self.assertEqual(self.owners()[0][1:], (date(2026, 2, 1), date(2026, 3, 2)))

    def test_owner_that_is_written(self):
        """Imports and programs write the owner: that is a transfer of today."""
        with freeze_time('2026-03-10'):
            self.unit.write({'partner_id': self.stranger.id})
        self.assertEqual(
            self.owners(),
            [
                (self.customer, date(2026, 1, 10), date(2026, 3, 10)),
                (self.stranger, date(2026, 3, 10), None),
            ],
        )

    def test_corrections_are_no_transfer(self):
        with freeze_time('2026-03-10'):
            self.unit._transfer(self.stranger)
            self.unit._transfer(self.customer_company)
        self.assertEqual(len(self.unit.owner_ids), 2)
        draft = self.unit.copy({'state': 'draft'})
        with freeze_time('2030-01-01'):
            draft.with_user(self.user_technician).partner_id = self.stranger
        self.assertEqual([owner for owner, *_days in self.owners(draft)], [self.stranger])

    def test_no_way_round_by_the_state(self):
        """What was in use is not "To Deliver" again because a technician says so."""
        unit = self.unit.with_user(self.user_technician)
        for state in ('active', 'in_service', 'loaned', 'retired'):
            self.unit.state = state
            with self.subTest(state), self.assertRaises(AccessError):
                unit.write({'state': 'draft'})
            with self.subTest(state), self.assertRaises(AccessError):
                unit.write({'state': 'draft', 'date_delivered': False})
        draft = self.unit.copy({'state': 'draft'}).with_user(self.user_technician)
        draft.write({'state': 'draft'})
        draft.action_deliver()
        self.assertEqual(draft.state, 'active')

    def test_delivered_piece_keeps_its_owners_whatever_its_state(self):
        self.unit.with_user(self.user_service).state = 'draft'
        with self.assertRaises(AccessError):
            self.unit.with_user(self.user_technician).partner_id = self.stranger
        with freeze_time('2026-03-10'):
            self.unit.with_user(self.user_service).partner_id = self.stranger
        self.assertEqual([owner for owner, *_days in self.owners()], [self.customer, self.stranger])

    def test_days_are_those_of_the_owner(self):
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        with freeze_time('2026-03-02 20:00:00'):
            unit = self.env['aftersales.unit'].create(
                {'product_id': self.product.id, 'partner_id': self.customer.id, 'state': 'draft'}
            )
            self.assertEqual(unit.owner_ids.date_from, date(2026, 3, 3))
            unit.action_deliver()
            action = unit.action_transfer()
            with Form(
                self.env[action['res_model']].with_context(action['context'], tz='Europe/Brussels')
            ) as form:
                form.partner_id = self.stranger
            self.assertEqual(form.record.date, date(2026, 3, 3))
            form.record.action_transfer()
        self.assertEqual(unit.partner_id, self.stranger)

    def test_same_owner_again(self):
        with freeze_time('2026-03-10'):
            self.unit._transfer(self.customer)
            self.unit.partner_id = self.customer
        self.assertEqual(len(self.unit.owner_ids), 1)

    def test_days_that_cannot_be(self):
        with freeze_time('2026-03-10'):
            for day, message in (
                (date(2026, 3, 11), "not on a day to come"),
                (date(2026, 1, 9), "belongs to .* since"),
            ):
                with self.subTest(day=day), self.assertRaisesRegex(ValidationError, message):
                    self.unit._transfer(self.stranger, day)
        self.assertEqual(self.unit.partner_id, self.customer)

    def test_two_owners_at_once_are_refused(self):
        rows = self.env['aftersales.unit.owner']
        values = {'unit_id': self.unit.id, 'partner_id': self.stranger.id}
        for days in (
            {'date_from': '2026-02-01'},
            {'date_from': '2025-12-01', 'date_to': '2026-01-11'},
        ):
            with (
                self.subTest(**days),
                mute_logger('odoo.sql_db'),
                self.assertRaises(psycopg2.IntegrityError),
                self.env.cr.savepoint(),
            ):
                rows.create({**values, **days})
        self.assertTrue(rows.create({**values, 'date_from': '2025-12-01', 'date_to': '2026-01-10'}))

    def test_queries_do_not_grow(self):
        units = self.unit.create(
            [{'product_id': self.product.id, 'partner_id': self.customer.id} for _n in range(40)]
        )
        units.owner_ids.date_from = '2020-01-01'
        few = self.count_queries(units[:10]._transfer, self.stranger)
        many = self.count_queries(units[10:]._transfer, self.stranger)
        self.assertEqual(few, many)

    def test_wizard(self):
        wizard = self.env['aftersales.unit.transfer'].with_user(self.user_service)
        action = self.unit.with_user(self.user_service).action_transfer()
        with freeze_time('2026-03-10'), Form(wizard.with_context(**action['context'])) as form:
            form.partner_id = self.stranger
            form.reason = "Inherited"
        form.record.action_transfer()
        self.assertEqual(self.unit.partner_id, self.stranger)

    def test_proof(self):
        check = self.env['crm.selfcheck'].sudo()._check_aftersales_owners
        self.unit._transfer(self.stranger)
        self.assertTrue(check()[0])
        for broken in (
            "date_to = date_to - 1 WHERE unit_id = %s AND date_to IS NOT NULL",
            "partner_id = 1 WHERE unit_id = %s AND date_to IS NULL",
        ):
            with self.subTest(broken=broken), self.env.cr.savepoint() as savepoint:
                statement = f'UPDATE aftersales_unit_owner SET {broken}'
                self.env.cr.execute(SQL(statement, self.unit.id))
                ok, message, count = check()
                self.assertEqual((ok, count), (False, 1))
                self.assertIn(self.unit.ref, message)
                savepoint.rollback()

    # ------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------

    def test_who_may(self):
        for user in (self.user_technician, self.user_customer):
            unit = self.unit.with_user(user)
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    unit._transfer(self.stranger)
                with self.assertRaises(AccessError):
                    unit.write({'partner_id': self.stranger.id})
        self.unit.with_user(self.user_manager)._transfer(self.stranger)

    def test_customers_read_products_without_their_history(self):
        unit = self.unit.with_user(self.user_customer)
        self.assertIn('serial', unit.fields_get())
        self.assertNotIn('owner_ids', unit.fields_get())

    def test_nobody_writes_the_history(self):
        for user in (self.user_manager, self.user_service):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.unit.owner_ids.with_user(user).date_from = '2020-01-01'

    # ------------------------------------------------------------
    # What the former owner had
    # ------------------------------------------------------------

    def test_former_owner_gets_nothing_any_more(self):
        request = self._create_request()
        ended = self._create_request()
        ended.action_close()
        documents = [self.unit, request, ended]
        tokens = [document._portal_ensure_token() for document in documents]
        self.unit.message_subscribe((self.customer | self.user_service.partner_id).ids)
        self.unit._transfer(self.stranger)
        changed = [
            document.access_token not in (False, token)
            for document, token in zip(documents, tokens, strict=True)
        ]
        self.assertEqual(changed, [True, True, False])
        self.assertNotIn(self.customer, self.unit.message_partner_ids)
        self.assertIn(self.user_service.partner_id, self.unit.message_partner_ids)
        self.assertEqual(request.partner_id, self.customer)
        self.assertFalse(self.unit.with_user(self.user_customer).search([]) & self.unit)

    def test_links_that_were_never_opened_end_too(self):
        """Links in mails are signed with the token of the document, also when it has none."""
        signed = self.unit._sign_token(self.customer.id)
        self.unit._transfer(self.stranger)
        self.assertNotEqual(self.unit._sign_token(self.customer.id), signed)

    def test_colleagues_are_one_owner(self):
        token = self.unit._portal_ensure_token()
        self.unit._transfer(self.customer_company)
        self.assertEqual(self.unit.access_token, token)
        self.assertEqual(self.unit.partner_id, self.customer_company)

    def test_requests_stay_with_who_raised_them(self):
        request = self._create_request()
        login = new_test_user(self.env, 'new_owner', groups='base.group_portal')
        self.unit._transfer(login.partner_id)
        self.assertFalse(request.with_user(login).search([]) & request)
        self.assertTrue(request.with_user(self.user_customer).search([]) & request)
        self.assertTrue(self.unit.with_user(login).search([]) & self.unit)


@tagged('post_install', '-at_install')
class TestUnitTransferPortal(AftersalesCommon, HttpCase):
    def test_pages_of_the_former_owner(self):
        link = self.unit.get_portal_url()
        self.assertIn('P 1', self.url_open(link).text)
        self.authenticate('aftersales_customer', 'aftersales_customer')
        page = f'/my/equipment/{self.unit.id}'
        self.assertIn('P 1', self.url_open(page).text)
        self.unit._transfer(self.stranger)
        for url in (page, link, '/my/equipment'):
            with self.subTest(url=url):
                self.assertNotIn('P 1', self.url_open(url).text)
        self.logout()
        self.assertNotIn('P 1', self.url_open(link).text)
