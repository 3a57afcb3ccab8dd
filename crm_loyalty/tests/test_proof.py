from contextlib import closing
from unittest.mock import patch

from freezegun import freeze_time

from odoo import sql_db
from odoo.exceptions import AccessError
from odoo.tests import get_db_name, new_test_user, tagged

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon
from .workers import WorkersCase


@tagged('post_install', '-at_install')
class TestProof(LoyaltyCommon):
    """The books are checked every night, and rows under seal cannot be changed unseen."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.create_card(points=500)
        cls.user_manager = new_test_user(
            cls.env, 'proof_manager', 'crm_loyalty.group_manager', email='pm@example.com'
        )
        cls.program.ledger_user_id = cls.user_manager

    def setUp(self):
        super().setUp()
        # nobody else is at work: what was given a number in this transaction is complete
        settled = patch.object(
            self.registry['loyalty.proof'],
            '_get_settled_id',
            lambda proof: proof._get_last_number(),
        )
        self.startPatch(settled)

    def startPatch(self, patcher):
        patcher.start()
        self.addCleanup(patcher.stop)

    def prove(self):
        """Do what the nightly job does; return its proof."""
        job = self.program._enqueue_proof().sudo()
        while self.env['loyalty.proof']._prove_chunk(job):
            pass
        self.forget_jobs()
        proof = self.env['loyalty.proof'].search([('program_id', '=', self.program.id)], limit=1)
        proof.invalidate_recordset()
        return proof

    def forget_jobs(self):
        jobs = self.env['crm.job'].sudo().search([('model', '=', 'loyalty.proof')])
        jobs.state = 'cancelled'
        jobs.unlink()

    def post(self, qty, kind='adjust', **values):
        return self.env['loyalty.card']._post([Movement(self.card.id, qty, kind, **values)])

    def tamper(self, statement, *params):
        self.env.flush_all()
        self.env.cr.execute(statement, params)
        self.env.invalidate_all(flush=False)

    def get_warnings(self):
        return self.env['mail.activity'].search(
            [('res_model', '=', 'loyalty.proof'), ('user_id', '=', self.user_manager.id)]
        )

    def test_books_agree(self):
        order = self.create_order(100)
        order.action_confirm()
        proof = self.prove()
        self.assertEqual((proof.state, proof.finding_count), ('ok', 0), proof.verdict)
        self.assertEqual((proof.card_count, proof.row_count), (1, 2))
        self.assertEqual((proof.qty_sum, proof.balance_sum, proof.remaining_sum), (600, 600, 600))
        self.assertEqual(self.program.proof_state, 'ok')
        seal = self.env['loyalty.seal'].search([('program_id', '=', self.program.id)])
        self.assertEqual((seal.row_count, seal.qty), (2, 600))
        self.assertEqual(proof.hash, seal.hash)
        self.assertFalse(self.get_warnings())

    def test_debt(self):
        self.post(-700)
        proof = self.prove()
        self.assertEqual((proof.remaining_sum, proof.debt_sum), (0, 200))
        self.assertEqual(proof.state, 'ok')

    def test_seals_are_a_chain(self):
        first = self.prove()
        self.post(10)
        second = self.prove()
        self.assertEqual(second.state, 'ok')
        seal = self.env['loyalty.seal'].search([], limit=1)
        self.assertEqual((seal.previous_hash, seal.hash), (first.hash, second.hash))
        self.assertEqual(seal.row_count, 1)
        third = self.prove()
        self.assertEqual((third.hash, third.seal_count), (second.hash, 2), "no new rows, no seal")

    def test_balance_differs(self):
        self.prove()
        self.tamper('UPDATE loyalty_card SET points = 9000 WHERE id = %s', self.card.id)
        proof = self.prove()
        self.assertEqual((proof.state, proof.balance_count, proof.broken_count), ('fail', 1, 0))
        finding = proof.finding_ids
        self.assertEqual((finding.kind, finding.expected, finding.found), ('balance', 500, 9000))
        self.assertEqual(finding.card_id, self.card.id)

    def test_remaining_differs(self):
        self.tamper('UPDATE loyalty_history SET remaining = 400 WHERE card_id = %s', self.card.id)
        proof = self.prove()
        self.assertEqual((proof.balance_count, proof.allocation_count), (1, 1))
        self.assertEqual(set(proof.finding_ids.mapped('kind')), {'remaining', 'allocation'})

    def test_changed_row_breaks_its_seal(self):
        self.prove()
        second = self.post(10)
        self.prove()
        self.post(20)
        self.prove()
        seals = self.env['loyalty.seal'].search([('program_id', '=', self.program.id)], order='id')
        for column, value in {
            'qty': 11,
            'kind': 'grant',
            'date': '2020-01-01',
            'key': 'other',
            'origin': 'S1',
        }.items():
            with self.subTest(column), closing(self.env.cr.savepoint()):
                self.tamper(
                    f'UPDATE loyalty_history SET {column} = %s WHERE id = %s', value, second.id
                )
                proof = self.prove()
                self.assertEqual(proof.state, 'fail')
                self.assertEqual((proof.broken_count, proof.first_broken_id), (1, seals[1]))
                self.assertEqual(proof.first_broken_id.display_name, str(seals[1].id))
        self.env.invalidate_all(flush=False)
        self.assertEqual(self.prove().state, 'ok')

    def test_deleted_and_inserted_rows_break_a_seal(self):
        self.post(10)
        self.env.cr.execute("SELECT nextval('loyalty_history_id_seq')")
        unused = self.env.cr.fetchone()[0]
        self.post(20)
        self.prove()
        with closing(self.env.cr.savepoint()):
            self.tamper('DELETE FROM loyalty_history WHERE card_id = %s', self.card.id)
            proof = self.prove()
            self.assertEqual(proof.broken_count, 1)
            self.assertIn('3', proof.finding_ids.filtered('seal_id').description)
        with closing(self.env.cr.savepoint()):
            self.tamper(
                'INSERT INTO loyalty_history (id, card_id, description, qty, issued, used, kind,'
                " remaining) VALUES (%s, %s, 'x', 0.01, 0.01, 0, 'grant', 0.01)",
                unused,
                self.card.id,
            )
            self.assertEqual(self.prove().broken_count, 1)

    def test_changed_and_deleted_seals(self):
        for _night in range(3):
            self.post(10)
            self.prove()
        seals = self.env['loyalty.seal'].search([('program_id', '=', self.program.id)], order='id')
        for statement in (
            "UPDATE loyalty_seal SET hash = 'x' WHERE id = %s",
            'DELETE FROM loyalty_seal WHERE id = %s',
        ):
            for seal in seals:
                with self.subTest(statement, seal=seal), closing(self.env.cr.savepoint()):
                    self.tamper(statement, seal.id)
                    self.assertGreaterEqual(self.prove().broken_count, 1)
        with closing(self.env.cr.savepoint()):
            self.tamper('DELETE FROM loyalty_seal')
            self.assertEqual(self.prove().broken_count, 1, "the last proof knew of one")

    def test_many_rows_are_sealed_in_parts(self):
        for _n in range(7):
            self.post(1)
        with patch('odoo.addons.crm_loyalty.models.loyalty_proof_engine.SEAL_SIZE', 3):
            proof = self.prove()
            self.assertGreaterEqual(
                self.env['loyalty.seal'].search_count([('proof_id', '=', proof.id)]), 3
            )
            self.assertEqual(self.prove().state, 'ok')

    def test_columns_of_the_fold_are_not_sealed(self):
        self.prove()
        self.post(-100, 'burn')
        self.assertEqual(self.prove().state, 'ok')

    def test_one_activity_until_it_is_right(self):
        self.tamper('UPDATE loyalty_card SET points = 9000 WHERE id = %s', self.card.id)
        self.prove()
        self.prove()
        self.assertEqual(len(self.get_warnings()), 1)
        self.tamper('UPDATE loyalty_card SET points = 500 WHERE id = %s', self.card.id)
        self.prove()
        self.assertFalse(self.get_warnings())

    def repair(self, proof, user=None, **values):
        wizard = self.env['loyalty.proof.repair'].with_user(user or self.user_manager)
        wizard.create({'proof_id': proof.id, 'reason': "Import of May", **values}).action_repair()
        self.forget_jobs()
        self.env.invalidate_all()

    def test_repair_to_the_rows(self):
        before = self.card.history_ids
        self.tamper('UPDATE loyalty_card SET points = 9000 WHERE id = %s', self.card.id)
        self.repair(self.prove(), truth='ledger')
        self.assertEqual(self.card.points, 500)
        self.assertEqual(sorted((self.card.history_ids - before).mapped('qty')), [-8500, 8500])
        self.assertIn("Import of May", self.card.history_ids[0].description)
        self.assertEqual(self.prove().state, 'ok')
        self.assert_balanced(self.card)

    def test_repair_to_the_balance(self):
        self.tamper('UPDATE loyalty_card SET points = 450 WHERE id = %s', self.card.id)
        self.repair(self.prove(), truth='balance')
        self.assertEqual(self.card.points, 450)
        self.assertEqual(self.prove().state, 'ok')
        self.assert_balanced(self.card)

    def test_repair_what_remains(self):
        self.tamper('UPDATE loyalty_history SET remaining = 400 WHERE card_id = %s', self.card.id)
        self.repair(self.prove())
        self.assertEqual(self.card.history_ids.mapped('remaining'), [500])
        self.assertEqual(self.prove().state, 'ok')

    def name_member(self):
        """Post rows that name the member where a seal looks: in the origin and in the key."""
        self.member.email = 'xiaoming@example.com'
        self.post(10, origin="Order of 王小明")
        self.post(20, key='api:1:xiaoming@example.com')
        self.post(30, origin="Order of somebody else")

    def test_erased_names_keep_the_chain(self):
        self.name_member()
        self.prove()
        self.prove()
        self.member._erase_personal_data()
        texts = " ".join(f'{row.origin} {row.key}' for row in self.card.history_ids)
        self.assertNotIn("王小明", texts)
        self.assertNotIn('xiaoming', texts)
        self.assertIn("Order of somebody else", texts)
        proof = self.prove()
        self.assertEqual((proof.state, self.card.points), ('ok', 560))
        seals = self.env['loyalty.seal'].search([('program_id', '=', self.program.id)])
        self.assertIn("Personal data were erased.", seals.mapped('accepted_reason'))
        self.assert_balanced(self.card)

    def test_erasing_mends_no_broken_seal(self):
        self.name_member()
        self.prove()
        self.prove()
        row = self.card.history_ids[:1]
        self.tamper("UPDATE loyalty_history SET kind = 'grant' WHERE id = %s", row.id)
        self.member._erase_personal_data()
        self.assertEqual(self.prove().broken_count, 1)

    def test_accept_broken_seals(self):
        row = self.card.history_ids
        self.prove()
        self.tamper("UPDATE loyalty_history SET kind = 'grant' WHERE id = %s", row.id)
        proof = self.prove()
        self.repair(proof)
        self.assertEqual(self.prove().broken_count, 1)
        self.repair(proof, accept_seals=True)
        self.assertEqual(self.prove().state, 'ok')
        self.assertEqual(proof.first_broken_id.accepted_uid, self.user_manager)
        self.tamper("UPDATE loyalty_history SET kind = 'adjust' WHERE id = %s", row.id)
        self.assertEqual(self.prove().broken_count, 1)

    def test_verdict_in_the_language_of_the_reader(self):
        self.env['res.lang']._activate_lang('zh_CN')
        proof = self.prove()
        chinese = proof.with_context(lang='zh_CN')
        self.assertIn("agree", proof.verdict)
        self.assertNotIn("agree", chinese.verdict)
        self.assertNotEqual(chinese.verdict, proof.verdict)

    def test_only_administrators_repair(self):
        user = new_test_user(self.env, 'proof_all', 'crm_loyalty.group_all')
        proof = self.prove().with_user(user)
        self.assertTrue(proof.verdict)
        with self.assertRaises(AccessError):
            proof.action_repair()
        with self.assertRaises(AccessError):
            self.repair(proof, user=user)

    def test_company(self):
        company = self.env['res.company'].create({'name': "Other"})
        self.program.company_id = company
        proof = self.prove()
        user = new_test_user(self.env, 'proof_other', 'crm_loyalty.group_manager')
        self.assertFalse(self.env['loyalty.proof'].with_user(user).search([('id', '=', proof.id)]))
        self.assertFalse(
            self.env['loyalty.seal'].with_user(user).search([('program_id', '=', self.program.id)])
        )

    def test_ledger_left_to_core_and_back(self):
        self.prove()
        self.program.managed = False
        self.tamper('UPDATE loyalty_history SET qty = 5 WHERE card_id = %s', self.card.id)
        self.program.managed = True
        proof = self.prove()
        self.assertEqual((proof.state, proof.broken_count), ('ok', 0), proof.verdict)

    def test_report(self):
        html, _type = self.env['ir.actions.report']._render_qweb_html(
            'crm_loyalty.loyalty_proof_document', self.prove().ids
        )
        self.assertIn(self.program.name, html.decode())

    def test_cron_proves_managed_programs(self):
        self.env['loyalty.program']._cron_prove()
        job = self.env['crm.job'].search([('model', '=', 'loyalty.proof')])
        self.assertIn(self.program.id, [j.params['program_id'] for j in job])

    @freeze_time('2026-03-01 10:00:00')
    def test_origin(self):
        order = self.create_order(100)
        order.action_confirm()
        row = self.card.history_ids.filtered('order_id')
        self.assertEqual(row.origin, order.name)
        self.tamper("UPDATE loyalty_history SET order_model = 'gone.order' WHERE id = %s", row.id)
        self.assertEqual(row._get_order_description(), order.name)

    def test_origin_of_rows_from_before(self):
        order = self.create_order(100)
        order.action_confirm()
        row = self.card.history_ids.filtered('order_id')
        self.tamper('UPDATE loyalty_history SET origin = NULL WHERE id = %s', row.id)
        self.program._open_ledger()
        self.assertEqual(row.origin, order.name)


@tagged('post_install', '-at_install')
class TestSealing(WorkersCase):
    """Numbers are not in the order of commits: a seal waits for who may still commit."""

    def prove(self):
        """Do the job, each part in a transaction of its own; return the number sealed up to."""
        with self.open_environment() as env:
            job = env['loyalty.program'].browse(self.program_id)._enqueue_proof()
        more = True
        while more:
            with self.open_environment() as env:
                more = env['loyalty.proof']._prove_chunk(env['crm.job'].browse(job.id))
        with self.open_environment() as env:
            env['crm.job'].browse(job.id).state = 'done'
            env['crm.job'].browse(job.id).unlink()
            proof = env['loyalty.proof'].search([('program_id', '=', self.program_id)], limit=1)
            self.assertEqual(proof.state, 'ok', proof.verdict)
            return proof.sealed_id

    def test_seal_waits_for_open_transactions(self):
        self.create_members(2, points=100)
        late = sql_db.db_connect(get_db_name()).cursor()
        with closing(late):
            [[card_id]] = self.query(
                'SELECT min(id) FROM loyalty_card WHERE program_id = %s', self.program_id
            )
            late.execute(
                'INSERT INTO loyalty_history (card_id, description, qty, issued, used, kind,'
                " unfolded) VALUES (%s, 'late', 5, 5, 0, 'adjust', TRUE) RETURNING id",
                [card_id],
            )
            [[row_id]] = late.fetchall()
            self.create_members(1, points=100)
            self.prove()
            self.assertLess(self.prove(), row_id, "somebody may still commit this number")
            late.commit()
        self.prove()
        self.assertGreaterEqual(self.prove(), row_id)
        with self.open_environment() as env:
            env['loyalty.card'].browse(card_id)._fold()
        self.prove()

    def test_seal_waits_for_who_has_a_number_only(self):
        self.create_members(1, points=100)
        late = sql_db.db_connect(get_db_name()).cursor()
        with closing(late):
            late.execute('LOCK TABLE loyalty_history IN ROW EXCLUSIVE MODE')
            late.execute("SELECT nextval('loyalty_history_id_seq')")
            [[number]] = late.fetchall()
            self.prove()
            self.assertLess(self.prove(), number)
            late.rollback()
        self.assertGreaterEqual(self.prove(), number)
