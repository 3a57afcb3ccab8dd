from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.tests import new_test_user, tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestOwner(LoyaltyCommon):
    """Whose a card was: merged, handed over and erased contacts leave a dated row."""

    def test_merge(self):
        source = self.create_partner("Wang")
        card = self.create_card(source, points=10)
        survivor = self.create_card(points=5)
        number = source.id
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [source.id, self.member.id], self.member
        )
        owner = card.owner_ids
        self.assertEqual((owner.partner_number, owner.name), (number, "Wang"))
        self.assertEqual(owner.reason, 'merge')
        self.assertFalse(survivor.owner_ids)
        self.assert_balanced(card, survivor)

    def test_merge_into_contact_without_card(self):
        source = self.create_partner("Wang")
        card = self.create_card(source, points=10)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [source.id, self.member.id], self.member
        )
        self.assertEqual(card.partner_id, self.member)
        self.assertEqual(card.owner_ids.mapped('reason'), ['merge'])

    def test_hand_over(self):
        card = self.create_card(points=10)
        card.partner_id = self.partner
        self.assertEqual(card.owner_ids.name, "王小明")
        self.assertEqual(card.owner_ids.reason, 'transfer')
        card.partner_id = self.partner
        self.assertEqual(len(card.owner_ids), 1)

    def test_written_by_the_system_only(self):
        card = self.create_card(points=10)
        manager = new_test_user(self.env, 'l_manager', 'crm_loyalty.group_manager')
        with self.assertRaises(AccessError):
            self.env['loyalty.card.owner'].with_user(manager).create(
                {'card_id': card.id, 'partner_number': 1, 'reason': 'merge'}
            )

    def test_member_is_not_deleted(self):
        card = self.create_card(points=10)
        manager = new_test_user(
            self.env, 'l_manager', 'crm_loyalty.group_manager,base.group_partner_manager'
        )
        with self.assertRaises(RedirectWarning) as caught:
            self.member.with_user(manager).unlink()
        message, action, _button, _context = caught.exception.args
        self.assertIn("王小明", message)
        self.assertEqual(action['res_model'], 'crm.erasure')
        self.assertEqual(action['context']['default_partner_id'], self.member.id)
        clerk = new_test_user(
            self.env, 'l_clerk', 'crm_loyalty.group_all,base.group_partner_manager'
        )
        with self.assertRaises(UserError):
            self.member.with_user(clerk).unlink()
        with self.assertRaises(UserError):
            card.unlink()
        self.create_partner("Nobody").unlink()

    def test_contact_of_a_coupon_is_deleted(self):
        """Cards without a ledger are core's affair."""
        program = self.create_program("Wallet", managed=False)
        card = self.create_card(points=30, program=program)
        self.member.unlink()
        self.assertTrue(card.exists())

    def test_close_and_anonymise(self):
        source = self.create_partner("Wang")
        card = self.create_card()
        self.create_card(source, points=10)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [source.id, self.member.id], self.member
        )
        code = card.code
        self.earn(card, 30, '2026-01-10')
        card.history_ids[:1]._write({'description': "For 王小明"})
        wizard = self.env['crm.erasure'].create({'partner_id': self.member.id})
        self.assertIn("Member Cards", wizard.line_ids.mapped('name'))
        self.member._erase_personal_data("Asked")
        self.assertFalse(card.active)
        self.assertNotEqual(card.code, code)
        self.assertEqual(card.points, 40)
        self.assert_balanced(card)
        self.assertFalse(any(card.history_ids.filtered(lambda r: "王小明" in r.description)))
        merged = self.env['loyalty.card'].with_context(active_test=False)
        merged = merged.search([('merged_into_id', '=', card.id)])
        rows = (card | merged).owner_ids
        self.assertEqual(set(rows.mapped('reason')), {'erase', 'merge'})
        self.assertFalse(any(rows.mapped('name')))
        with self.assertRaises(UserError):
            self.member.with_user(self.env.ref('base.user_root')).unlink()
