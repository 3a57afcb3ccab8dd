from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.import_common import ImportCase

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


class RequestCommon(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, 'req_clerk', 'crm_loyalty.group_all')
        cls.clerk2 = new_test_user(cls.env, 'req_clerk2', 'crm_loyalty.group_all')
        cls.boss = new_test_user(
            cls.env, 'req_boss', 'crm_loyalty.group_points_approver', email='boss@example.com'
        )
        cls.reason = cls.env.ref('crm_loyalty.reason_goodwill')
        cls.card = cls.create_card(points=500)
        cls.other = cls.create_card(cls.create_partner("李娜"))
        cls.program.write({'needs_second_person': True, 'manual_limit': 100})

    def move(self, operation, points, cards=None, user=None, **values):
        """Use the wizard; return the request."""
        cards = cards or self.card
        wizard = (
            self.env['loyalty.request.create']
            .with_user(user or self.clerk)
            .with_context(active_model='loyalty.card', active_ids=cards.ids)
            .create(
                {
                    'operation': operation,
                    'points': points,
                    'reason_id': self.reason.id,
                    **values,
                }
            )
        )
        action = wizard.action_confirm()
        return self.env['loyalty.request'].search(action['domain'])

    def get_activities(self, request):
        return self.env['mail.activity'].search(
            [('res_model', '=', request._name), ('res_id', 'in', request.ids)]
        )


@tagged('post_install', '-at_install')
class TestRequest(RequestCommon):
    """Points by hand: with a reason, and above the limit with a second person."""

    def test_too_many_points(self):
        for points in (1e12, 1e30):
            with self.assertRaises(CheckViolation), mute_logger('odoo.sql_db'):
                self.move('grant', points)
        wizard = self.env['loyalty.request.create'].new({'card_ids': self.card, 'points': 1e30})
        with self.assertRaises(ValidationError):
            wizard.needs_approval  # noqa: B018  # what the dialog asks while one types
        self.assertEqual(self.card.points, 500)

    def test_grant(self):
        request = self.move('grant', 100, note="Late delivery")
        self.assertEqual((request.state, request.user_id), ('done', self.clerk))
        row = self.card.history_ids[0]
        self.assertEqual((row.kind, row.qty, row.description), ('grant', 100, "Goodwill"))
        self.assertEqual((row.origin, row.order_id), (request.display_name, request.id))
        self.assertEqual(self.card.points, 600)
        self.assertFalse(self.get_activities(request))
        self.assert_balanced(self.card)

    def test_take(self):
        self.assertEqual(self.move('take', 60).state, 'done')
        self.assertEqual(self.card.points, 440)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.move('take', 10, self.other)
        self.assert_balanced(self.card)

    def test_held_points_are_not_taken(self):
        self.program.needs_second_person = False
        self.card._hold_points(450, 'till')
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.move('take', 60)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.move('transfer', 60, target_card_id=self.other.id)

    def test_transfer_keeps_the_last_day(self):
        self.program.needs_second_person = False
        self.env['loyalty.card']._post(
            [Movement(self.card.id, 40, 'grant', expire_on='2999-12-31')]
        )
        self.move('transfer', 100, target_card_id=self.other.id)
        self.assertEqual((self.card.points, self.other.points), (440, 100))
        rows = self.other.history_ids.sorted('id')
        self.assertEqual(set(rows.mapped('kind')), {'transfer'})
        self.assertEqual(str(rows[0].expire_on), '2999-12-31')
        self.assertEqual((rows[0].qty, rows[1].qty, rows[1].expire_on), (40, 60, False))
        self.assert_balanced(self.card, self.other)

    def test_transfer_to_oneself_or_another_program(self):
        program = self.create_program("Second")
        foreign = self.create_card(self.create_partner("X"), program=program)
        for target in (self.card, foreign, self.env['loyalty.card']):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.move('transfer', 10, target_card_id=target.id)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.move('transfer', 10, self.other, target_card_id=self.card.id)

    def test_above_the_limit(self):
        request = self.move('grant', 100.01)
        self.assertEqual((request.state, self.card.points), ('waiting', 500))
        self.assertIn(self.boss, self.get_activities(request).user_id)
        self.assertNotIn(self.clerk, self.get_activities(request).user_id)
        self.assertTrue(request.with_user(self.boss).can_decide)
        self.assertFalse(request.with_user(self.clerk).can_decide)
        request.with_user(self.boss).action_approve()
        self.assertEqual((request.state, request.approver_id), ('done', self.boss))
        self.assertEqual(self.card.points, 600.01)
        self.assertFalse(self.get_activities(request))
        with self.assertRaises(UserError):
            request.with_user(self.boss).action_approve()
        self.assertEqual(self.card.points, 600.01)

    def test_whom_it_is_for(self):
        cards = self.card | self.other
        cards |= self.create_card(self.create_partner("Ann"))
        request = self.move('grant', 10, cards)
        self.assertEqual(request.member_names, "王小明, 李娜, Ann")
        cards |= self.create_card(self.create_partner("Bob"))
        request = self.move('grant', 10, cards)
        self.assertEqual(request.member_names, "王小明, 李娜, Ann, +1")

    def test_nobody_is_asked_for_points_that_are_not_there(self):
        for values in ({'operation': 'take'}, {'operation': 'transfer'}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.move(points=501, target_card_id=self.other.id, **values)
        self.card._hold_points(200, 'till')
        with self.assertRaises(ValidationError):
            self.move('take', 301)
        self.assertEqual(self.move('take', 300).state, 'waiting')

    def test_nobody_approves_his_own(self):
        request = self.move('grant', 200, user=self.boss)
        self.assertEqual(request.state, 'waiting')
        for user in (self.boss, self.clerk):
            for method in ('action_approve', 'action_refuse'):
                with self.assertRaises(AccessError):
                    getattr(request.with_user(user), method)()
        with self.assertRaises(AccessError):
            request.with_user(self.clerk).action_cancel()
        request.with_user(self.boss).action_cancel()
        self.assertEqual((request.state, self.card.points), ('cancelled', 500))
        self.assertFalse(self.get_activities(request))

    def test_refused(self):
        request = self.move('take', 200)
        request.with_user(self.boss).action_refuse()
        self.assertEqual((request.state, self.card.points), ('refused', 500))

    def test_in_slices(self):
        self.assertEqual(self.move('grant', 60).state, 'done')
        self.assertEqual(self.move('grant', 60).state, 'waiting')
        self.assertEqual(self.move('grant', 60, self.other).state, 'done', "another member")
        self.assertEqual(self.move('grant', 60, user=self.clerk2).state, 'done', "another person")

    def test_points_are_gone_when_approved(self):
        request = self.move('take', 400)
        self.env['loyalty.card']._post([Movement(self.card.id, -300, 'burn')])
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            request.with_user(self.boss).action_approve()
        self.assertEqual(request.state, 'waiting')

    def test_many_members_are_one_request(self):
        cards = self.card | self.other
        request = self.move('grant', 10, cards)
        self.assertEqual((request.line_count, request.points), (2, 20))
        self.assertEqual(cards.mapped('points'), [510, 10])

    def test_query_count_of_many(self):
        partners = self.env['res.partner'].create([{'name': f"M{n}"} for n in range(20)])
        cards = self.env['loyalty.card'].create(
            [{'partner_id': p.id, 'program_id': self.program.id} for p in partners]
        )
        self.move('grant', 1, cards[:1])
        self.env.invalidate_all()
        with self.profile_queries() as few:
            self.move('grant', 1, cards[1:3])
        self.env.invalidate_all()
        with self.profile_queries() as many:
            self.move('grant', 1, cards[3:])
        self.assertLessEqual(many.count, few.count + 5)

    def profile_queries(self):
        case = self

        class Counter:
            def __enter__(self):
                self.start = case.env.cr.sql_log_count
                return self

            def __exit__(self, *exception):
                self.count = case.env.cr.sql_log_count - self.start

        return Counter()

    # ------------------------------------------------------------
    # OTHER WAYS
    # ------------------------------------------------------------

    def test_update_balance_wizard(self):
        def update(balance):
            wizard = self.env['loyalty.card.update.balance'].with_user(self.clerk)
            return wizard.create(
                {'card_id': self.card.id, 'new_balance': balance, 'description': "Gift"}
            ).action_update_card_point()

        update(550)
        self.assertEqual(self.card.points, 550)
        action = update(900)
        request = self.env['loyalty.request'].browse(action['res_id'])
        self.assertEqual((request.state, request.points, request.note), ('waiting', 350, "Gift"))
        self.assertEqual(self.card.points, 550)
        request.with_user(self.boss).action_approve()
        self.assertEqual(self.card.points, 900)

    def test_no_way_around(self):
        card = self.card.with_user(self.clerk)
        card.points = 560
        for points in (700, 610):
            with self.assertRaisesRegex(UserError, 'approval'), self.env.cr.savepoint():
                card.points = points
        manager = new_test_user(self.env, 'req_manager', 'crm_loyalty.group_manager')
        with self.assertRaisesRegex(UserError, 'approval'), self.env.cr.savepoint():
            self.env['loyalty.card'].with_user(manager).create(
                {
                    'partner_id': self.create_partner("New").id,
                    'program_id': self.program.id,
                    'points': 101,
                }
            )
        for user in (self.clerk, self.boss):
            requests = self.env['loyalty.request'].with_user(user)
            with self.assertRaises(AccessError):
                requests.create({'operation': 'grant', 'program_id': self.program.id})
        request = self.move('grant', 200)
        for user in (self.clerk, self.boss, manager):
            with self.assertRaises(AccessError):
                request.with_user(user).write({'state': 'done'})
            with self.assertRaises(AccessError):
                request.line_ids.with_user(user).write({'points': 1})
        self.assertEqual(self.card.points, 560)

    def test_without_a_limit(self):
        self.program.needs_second_person = False
        self.assertEqual(self.move('grant', 10**6).state, 'done')

    def test_bad_input(self):
        for points in (0, -5, 0.001):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.move('grant', points)
        coupon = self.create_program("Coupons", program_type='coupons', applies_on='current')
        card = self.create_card(program=coupon)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.move('grant', 5, card)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.move('grant', 5, card | self.card)

    def test_rights(self):
        for group in ('base.group_user', 'crm_loyalty.group_own', 'sales_team.group_sale_salesman'):
            user = new_test_user(self.env, f'req_{group[-6:]}', group)
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                self.move('grant', 1, user=user)
        other = self.env['res.company'].create({'name': "Other"})
        request = self.move('grant', 200)
        self.program.company_id = other
        self.assertFalse(request.with_user(self.boss).search([('id', '=', request.id)]))
        with self.assertRaises(AccessError):
            request.with_user(self.boss).action_approve()
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.move('grant', 1)

    def test_form(self):
        form = Form(
            self.env['loyalty.request.create']
            .with_user(self.clerk)
            .with_context(active_model='loyalty.card', active_ids=self.card.ids)
        )
        form.points = 50
        self.assertFalse(form.needs_approval)
        form.points = 150
        self.assertTrue(form.needs_approval)


@tagged('post_install', '-at_install')
class TestRequestImport(RequestCommon, ImportCase):
    """Points of a file: each reference once."""

    HEADER = ('Reference', 'Member Card', 'Email', 'Phone', 'Points', 'Reason')

    def bring(self, *rows):
        return self.bring_in([self.HEADER, *rows], 'points')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.main_loyalty_program_id = cls.program
        cls.member.email = 'Wang@Example.com'
        cls.other.partner_id.phone = '+86 571 5555 9876'

    def test_points(self):
        record = self.bring(
            ('R1', '', 'wang@example.com', '', '25.5', 'goodwill'),
            ('R2', '', '', '+86 571 5555 9876', '10', ''),
            ('R3', self.card.code, '', '', '-30', 'Given by mistake'),
        )
        self.assertEqual(self.get_counts(record), (3, 0, 0, 0), self.get_bad(record))
        self.assertEqual((self.card.points, self.other.points), (495.5, 10))
        again = self.bring(
            ('R1', '', 'wang@example.com', '', '25.5', 'goodwill'),
            ('R4', self.card.code, '', '', '1', ''),
        )
        self.assertEqual(self.get_counts(again), (1, 0, 1, 0))
        self.assertEqual(self.card.points, 496.5)
        self.assert_balanced(self.card, self.other)

    def test_above_the_limit(self):
        self.bring(
            ('R1', self.card.code, '', '', '50', ''), ('R2', self.other.code, '', '', '150', '')
        )
        self.assertEqual((self.card.points, self.other.points), (550, 0))
        waiting = [('state', '=', 'waiting'), ('program_id', '=', self.program.id)]
        request = self.env['loyalty.request'].search(waiting)
        self.assertEqual(request.line_ids.reference, 'R2')
        self.bring(('R2', self.other.code, '', '', '150', ''))
        self.assertEqual(self.env['loyalty.request'].search(waiting), request)

    def test_bad_rows(self):
        self.bring(('R1', self.card.code, '', '', '50', ''))
        twin = self.create_partner("Twin", email='wang@example.com')
        self.create_card(twin)
        record = self.bring(
            ('R1', self.card.code, '', '', '51', ''),
            ('R5', 'unknown', '', '', '5', ''),
            ('R6', '', 'wang@example.com', '', '5', ''),
            ('R7', self.card.code, '', '', '5', 'Nonsense'),
            ('R8', self.card.code, '', '', '0', ''),
            ('R9', self.other.code, '', '', '-5', ''),
            ('R10', self.card.code, '', '', '5', ''),
            ('R11', self.card.code, '', '', '1e12', ''),
            ('R12', self.card.code, '', '', '-1e30', ''),
        )
        self.assertEqual(self.get_counts(record), (1, 0, 0, 8))
        self.assertEqual(sorted(self.get_bad(record)), [2, 3, 4, 5, 6, 7, 9, 10])
        self.assertEqual(self.card.points, 555)

    def test_check_moves_nothing(self):
        record = self.make_import([self.HEADER, ('R1', self.card.code, '', '', '5', '')], 'points')
        record.action_check()
        self.run_job(record.job_id)
        self.assertEqual(record.created_count, 1, self.get_bad(record))
        self.assertEqual(self.card.points, 500)
        self.assertFalse(self.env['loyalty.request'].search([('program_id', '=', self.program.id)]))
