from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestOwner(AftersalesCommon):
    """A request is about a product of its customer's company, unless staff confirms otherwise."""

    def test_product_of_somebody_else(self):
        with self.assertRaisesRegex(ValidationError, "belongs to Stranger"):
            self._create_request(unit_id=self.unit_stranger.id)
        request = self._create_request(unit_id=self.unit_stranger.id, not_owner_confirmed=True)
        self.assertTrue(request.owner_differs)
        with self.assertRaises(ValidationError):
            request.not_owner_confirmed = False
        other = self._create_request()
        with self.assertRaises(ValidationError):
            other.unit_id = self.unit_stranger
        with self.assertRaises(ValidationError):
            other.partner_id = self.stranger

    def test_colleague_and_company_are_the_owner_too(self):
        colleague = self.env['res.partner'].create(
            {'name': "Colleague", 'parent_id': self.customer_company.id}
        )
        for partner in (colleague, self.customer_company):
            self.assertFalse(self._create_request(partner_id=partner.id).owner_differs)

    def test_without_customer_or_product(self):
        self._create_request(partner_id=False)
        self._create_request(unit_id=False)

    def test_product_that_is_sold_on(self):
        """What was right stays right, and the request goes on working."""
        request = self._create_request()
        self.unit.partner_id = self.stranger
        request.name = "Still noisy"
        request.action_resolve()
        self.assertTrue(request.owner_differs)

    def test_follow_up_after_the_product_was_sold_on(self):
        request = self._create_request()
        request.action_close()
        request.sudo().date_closed = '2020-01-01'
        self.unit.partner_id = self.stranger
        request.message_post(
            body="Again", author_id=self.customer.id, message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )  # fmt: skip
        self.assertTrue(request.child_ids.not_owner_confirmed)

    def test_sender_who_becomes_a_contact(self):
        request = self._create_request(
            partner_id=False, email_from='new@example.com', unit_id=self.unit_stranger.id
        )
        contact = self.env['res.partner'].create({'name': "New", 'email': 'new@example.com'})
        request.with_user(self.user_service).message_post(
            body="Hello", partner_ids=contact.ids, message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )  # fmt: skip
        self.assertEqual(request.partner_id, contact)
        self.assertTrue(request.not_owner_confirmed)
