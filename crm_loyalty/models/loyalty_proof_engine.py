from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL

#: rows that are sealed, or checked, in one transaction
SEAL_SIZE = 100_000
#: of findings of one kind so many are listed
SHOWN = 100


class LoyaltyProof(models.Model):
    """Checking and sealing the books, set by set, in SQL."""

    _inherit = 'loyalty.proof'

    # ------------------------------------------------------------
    # THE JOB
    # ------------------------------------------------------------

    @api.model
    def _prove_chunk(self, job) -> bool:
        """Do the next part of a proof: the books, then the seals there are, then new ones.

        :param job: ``crm.job`` with ``program_id`` in its parameters
        :return: whether parts remain
        """
        program = self.env['loyalty.program'].sudo().browse(job.params['program_id'])
        if not program.exists().managed:
            return False
        cursor = job.cursor or {'step': 'books'}
        proof = self.sudo().browse(cursor.get('proof_id')) or program._begin_proof()
        following = getattr(proof, f'_do_{cursor["step"]}')(cursor)
        if following:
            job._advance(cursor={**cursor, 'proof_id': proof.id, **following})
            return True
        job._advance(result=proof.verdict)
        return False

    # Each part is a transaction, and reads what was committed before it began.

    def _do_books(self, _cursor: dict) -> dict:
        self._check_books()
        self._check_anchor()
        return {'step': 'verify', 'after_id': 0}

    def _do_verify(self, cursor: dict) -> dict:
        after_id = self._verify_seals(cursor['after_id'])
        if after_id is not None:
            return {'after_id': after_id}
        self.write(self._prepare_seen())
        return {'step': 'seal', 'settled_id': self._get_settled_id()}

    def _do_seal(self, cursor: dict) -> dict | None:
        if self._seal_next(cursor['settled_id']):
            return {'step': 'seal'}
        self._conclude()
        return None

    # ------------------------------------------------------------
    # WHICH ROWS ARE COMPLETE
    # ------------------------------------------------------------

    # Numbers are given before a row is committed, so a higher one may be seen before a lower.  A
    # proof notes the last number given, then the time and what transactions there are.  Whoever had
    # been given a number by then holds a lock on the table until he has ended: a later run that
    # finds none of these at work knows that up to this number nothing appears any more.

    @api.model
    def _get_last_number(self) -> int:
        """Return the last number given to a row, whether its transaction is committed or not."""
        [[number]] = self.env.execute_query(
            SQL('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM loyalty_history_id_seq')
        )
        return number

    @api.model
    def _prepare_seen(self) -> dict:
        """Return the time and the next transaction, by the clock of the database.

        Called in a later transaction than the one that noted the number.
        """
        [[xid, now]] = self.env.execute_query(
            SQL(
                """SELECT pg_snapshot_xmax(pg_current_snapshot())::text,
                          date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC')
                              + interval '1 second'"""
            )
        )
        return {'seen_xid': xid, 'seen_at': now}

    def _get_settled_id(self) -> int:
        """Return the highest number up to which all rows are committed, or never will be."""
        rows = self.env.execute_query(
            SQL(
                """SELECT max(proof.seen_id) FROM loyalty_proof proof
                    WHERE proof.program_id = %s AND proof.id < %s AND proof.seen_at IS NOT NULL
                      AND NOT EXISTS (
                          SELECT FROM pg_locks held
                       LEFT JOIN pg_stat_activity who ON who.pid = held.pid
                           WHERE held.relation = 'loyalty_history'::regclass
                             AND held.database = (
                                 SELECT oid FROM pg_database WHERE datname = current_database())
                             AND held.mode = 'RowExclusiveLock'
                             AND held.pid IS DISTINCT FROM pg_backend_pid()
                             AND (COALESCE(who.xact_start AT TIME ZONE 'UTC', '-infinity')
                                      <= proof.seen_at
                                  OR age(who.backend_xid) > age(proof.seen_xid::xid8::xid)))""",
                self.program_id.id,
                self.id,
            )
        )
        return rows[0][0] or 0

    # ------------------------------------------------------------
    # BOOKS
    # ------------------------------------------------------------

    def _check_books(self) -> None:
        """Compare every balance with its rows, and every row with its allocations."""
        self.env.flush_all()
        self.write(self._sum_books())
        self.allocation_count = self._check_allocations()

    def _sum_books(self) -> dict:
        """Return the sums of the program; cards that differ become findings."""
        self.env.cr.execute(
            SQL(
                """
                WITH book AS MATERIALIZED (
                    SELECT card.id, round(COALESCE(card.points, 0)::numeric, 2) AS balance,
                           count(row.id) AS rows, COALESCE(sum(row.qty), 0) AS qty,
                           count(row.id) FILTER (WHERE row.unfolded) AS unfolded,
                           COALESCE(sum(row.qty) FILTER (WHERE row.unfolded), 0) AS unfolded_qty,
                           COALESCE(sum(row.remaining), 0) AS remaining,
                           COALESCE(sum(row.remaining) FILTER (WHERE row.remaining > 0), 0)
                               AS awards,
                           count(*) FILTER (WHERE row.id IS NOT NULL AND row.remaining IS NULL
                                                  AND row.unfolded IS NOT TRUE) AS unmatched
                      FROM loyalty_card card
                 LEFT JOIN loyalty_history row ON row.card_id = card.id
                     WHERE card.program_id = %(program)s AND card.is_member
                  GROUP BY card.id
                ), wrong AS MATERIALIZED (
                    SELECT *, qty - unfolded_qty AS folded,
                           balance <> qty - unfolded_qty AS by_balance
                      FROM book
                     WHERE balance <> qty - unfolded_qty OR remaining <> qty - unfolded_qty
                        OR unmatched > 0
                ), noted AS (
                    INSERT INTO loyalty_proof_finding
                           (proof_id, kind, card_model, card_id, expected, found)
                    SELECT %(proof)s, CASE WHEN by_balance THEN 'balance' ELSE 'remaining' END,
                           'loyalty.card', id, folded,
                           CASE WHEN by_balance THEN balance ELSE remaining END
                      FROM wrong ORDER BY id LIMIT %(shown)s
                )
                SELECT count(*) AS card_count, COALESCE(sum(rows), 0) AS row_count,
                       COALESCE(sum(unfolded), 0) AS unfolded_count,
                       COALESCE(sum(qty), 0) AS qty_sum,
                       COALESCE(sum(unfolded_qty), 0) AS unfolded_sum,
                       COALESCE(sum(balance), 0) AS balance_sum,
                       COALESCE(sum(awards), 0) AS remaining_sum,
                       COALESCE(sum(awards - remaining), 0) AS debt_sum,
                       (SELECT count(*) FROM wrong) AS balance_count
                  FROM book
                """,
                program=self.program_id.id,
                proof=self.id,
                shown=SHOWN,
            )
        )
        return self.env.cr.dictfetchone()

    @api.model
    def _get_allocation_gaps_sql(self, program: models.BaseModel) -> SQL:
        """Return the query of rows that differ from the journal of allocations.

        Number, card, what should remain and what does.
        """
        return SQL(
            """SELECT row.id, row.card_id, row.qty + COALESCE(moved.qty, 0) AS expected,
                      row.remaining AS found
                 FROM loyalty_history row
                 JOIN loyalty_card card ON card.id = row.card_id AND card.is_member
                                       AND card.program_id = %s
            LEFT JOIN (SELECT id, sum(qty) AS qty
                         FROM (SELECT award_id AS id, -qty AS qty FROM loyalty_allocation
                                UNION ALL
                               SELECT consumer_id, qty FROM loyalty_allocation) journal
                     GROUP BY id) moved ON moved.id = row.id
                WHERE row.remaining IS NOT NULL
                  AND row.qty + COALESCE(moved.qty, 0) <> row.remaining""",
            program.id,
        )

    def _check_allocations(self) -> int:
        """Return how many rows differ from the journal of allocations; they become findings."""
        [[count]] = self.env.execute_query(
            SQL(
                """WITH wrong AS MATERIALIZED (%s), noted AS (
                       INSERT INTO loyalty_proof_finding
                              (proof_id, kind, card_model, card_id, row_number, expected, found)
                       SELECT %s, 'allocation', 'loyalty.card', card_id, id, expected, found
                         FROM wrong ORDER BY id LIMIT %s
                   )
                   SELECT count(*) FROM wrong""",
                self._get_allocation_gaps_sql(self.program_id),
                self.id,
                SHOWN,
            )
        )
        return count

    @api.model
    def _correct_remaining(self, program: models.BaseModel, cards=None) -> None:
        """Let what remains of rows follow from the journal of allocations again.

        :param cards: only of these; default all of the program
        """
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_history SET remaining = gap.expected FROM (%s) gap
                    WHERE loyalty_history.id = gap.id AND %s RETURNING loyalty_history.id""",
                self._get_allocation_gaps_sql(program),
                SQL('gap.card_id IN %s', tuple(cards.ids)) if cards is not None else SQL('TRUE'),
            )
        )
        self.env['loyalty.history'].invalidate_model(['remaining'], flush=False)

    # ------------------------------------------------------------
    # CHAIN
    # ------------------------------------------------------------

    @api.model
    def _get_row_text_sql(self) -> SQL:
        """Return what a seal covers of ``row``, as one text in which nothing can hide."""
        return SQL(
            """jsonb_build_array(
                   row.id, row.card_id, round(row.qty, 2)::text, row.kind,
                   to_char(row.date, 'YYYY-MM-DD HH24:MI:SS.US'), row.key, row.origin)::text"""
        )

    @api.model
    def _get_digest_sql(self, program_id: SQL | int, after_id: SQL, last_id: SQL) -> SQL:
        """Return the query of number, points and digest of the rows of a range."""
        return SQL(
            """SELECT count(*) AS row_count, COALESCE(sum(row.qty), 0) AS qty,
                      COALESCE(string_agg(sha256(convert_to(%(text)s, 'UTF8')), ''::bytea
                                          ORDER BY row.id), ''::bytea) AS digest
                 FROM loyalty_history row
                 JOIN loyalty_card card ON card.id = row.card_id
                WHERE card.program_id = %(program)s
                  AND row.id > %(after)s AND row.id <= %(last)s""",
            text=self._get_row_text_sql(),
            program=program_id,
            after=after_id,
            last=last_id,
        )

    @api.model
    def _get_hash_sql(self, alias: str) -> SQL:
        """Return the hash of the seal ``alias`` with the rows as they are in ``rows``."""
        return SQL(
            """encode(sha256(convert_to(concat_ws('|', COALESCE(%(previous)s, ''), %(after)s,
                   %(last)s, rows.row_count, ''), 'UTF8') || rows.digest), 'hex')""",
            previous=SQL.identifier(alias, 'previous_hash'),
            after=SQL.identifier(alias, 'after_id'),
            last=SQL.identifier(alias, 'last_id'),
        )

    def _get_last_seal(self) -> tuple[int, str]:
        """Return up to where the rows are sealed, and the hash the next seal continues."""
        rows = self.env.execute_query(
            SQL(
                """SELECT CASE WHEN ended THEN 0 ELSE last_id END, hash FROM loyalty_seal
                    WHERE program_id = %s ORDER BY id DESC LIMIT 1""",
                self.program_id.id,
            )
        )
        return rows[0] if rows else (0, '')

    def _check_anchor(self) -> None:
        """Look whether the seal the last proof ended with is still there."""
        last = self.search(
            [('program_id', '=', self.program_id.id), ('state', '!=', 'running')], limit=1
        )
        seals = self.env['loyalty.seal']
        known = [('program_id', '=', self.program_id.id), ('hash', '=', last.hash)]
        if last.hash and not seals.search_count(known, limit=1):
            self.broken_count += 1
            self._note_finding(
                kind='seal', description=self.env._("The seal of the proof before is missing.")
            )

    def _note_finding(self, **values) -> None:
        self.env['loyalty.proof.finding'].create({'proof_id': self.id, **values})

    def _seal_next(self, settled_id: int) -> bool:
        """Put the next rows under seal.

        :param settled_id: up to this number all rows are complete, since before this transaction
        :return: whether there were any
        """
        self.env['loyalty.seal']._claim_chain(self.program_id)
        after_id, previous = self._get_last_seal()
        if settled_id <= after_id:
            self.write({'sealed_id': after_id, 'hash': previous})
            return False
        last_id = self._get_range_end(after_id, settled_id)
        self.env.execute_query(
            SQL(
                """INSERT INTO loyalty_seal (program_id, proof_id, after_id, last_id, row_count,
                                             qty, previous_hash, hash, sealed_at)
                   SELECT %(program)s, %(proof)s, seal.after_id, seal.last_id, rows.row_count,
                          rows.qty, seal.previous_hash, %(hash)s, %(now)s
                     FROM (VALUES (%(after)s, %(last)s, %(previous)s))
                              seal (after_id, last_id, previous_hash),
                  LATERAL (%(rows)s) rows
                RETURNING id""",
                program=self.program_id.id,
                proof=self.id,
                hash=self._get_hash_sql('seal'),
                now=fields.Datetime.now(),
                after=after_id,
                last=last_id,
                previous=previous,
                rows=self._get_digest_sql(
                    self.program_id.id, SQL('seal.after_id'), SQL('seal.last_id')
                ),
            )
        )
        self.env['loyalty.seal'].invalidate_model(flush=False)
        return True

    def _get_range_end(self, after_id: int, settled_id: int) -> int:
        """Return the last number of the next seal: of so many rows, whatever their numbers."""
        rows = self.env.execute_query(
            SQL(
                """SELECT row.id FROM loyalty_history row
                     JOIN loyalty_card card ON card.id = row.card_id
                    WHERE card.program_id = %s AND row.id > %s AND row.id <= %s
                 ORDER BY row.id OFFSET %s LIMIT 1""",
                self.program_id.id,
                after_id,
                settled_id,
                SEAL_SIZE - 1,
            )
        )
        return rows[0][0] if rows else settled_id

    def _verify_seals(self, after_id: int) -> int | None:
        """Compare the next seals with the rows, and with the seal before.

        :param after_id: the number where the last ones ended
        :return: where to go on; None when there are no more
        """
        self.env.flush_all()
        rows = self.env.execute_query(self._get_verifying_sql(after_id))
        if not rows:
            return None
        broken = [row for row in rows if not row[2]]
        self.env['loyalty.proof.finding'].create(
            [
                {
                    'proof_id': self.id,
                    'kind': 'seal',
                    'seal_id': seal_id,
                    'description': self._get_broken_text(linked, count, found),
                    'expected': qty,
                    'found': found_qty,
                }
                for seal_id, _last, _ok, linked, count, found, qty, found_qty in broken[:SHOWN]
            ]
        )
        self.write(
            {
                'seal_count': self.seal_count + len(rows),
                'broken_count': self.broken_count + len(broken),
                'first_broken_id': self.first_broken_id.id or (broken and broken[0][0]),
            }
        )
        return rows[-1][1]

    def _get_broken_text(self, linked: bool, count: int, found: int) -> str:
        """Return what is wrong with a seal, as far as it can be said."""
        if not linked:
            return self.env._("A seal before it is missing or was changed.")
        if found < count:
            return self.env._("%s rows are missing.", count - found)
        if found > count:
            return self.env._("%s rows were put in.", found - count)
        return self.env._("Rows were changed.")

    def _get_verifying_sql(self, after_id: int) -> SQL:
        """Return the query of the next seals, each with what its rows say now."""
        return SQL(
            """
            WITH chain AS (
                SELECT seal.*, lag(last_id) OVER w AS before_id, lag(hash) OVER w AS before_hash
                  FROM loyalty_seal seal
                 WHERE program_id = %(program)s AND ended IS NOT TRUE
                   AND last_id >= %(after)s
                WINDOW w AS (ORDER BY after_id, id)
            ), next AS (
                SELECT *, sum(row_count + 1) OVER (ORDER BY after_id, id) - row_count AS load
                  FROM chain WHERE last_id > %(after)s
            )
            SELECT seal.id, seal.last_id,
                   linked.ok AND COALESCE(seal.accepted_hash, seal.hash) = %(hash)s,
                   linked.ok, seal.row_count, rows.row_count, seal.qty, rows.qty
              FROM next seal,
           LATERAL (%(rows)s) rows,
           LATERAL (SELECT seal.after_id = COALESCE(seal.before_id, 0)
                           AND (seal.before_hash IS NULL
                                OR seal.previous_hash = seal.before_hash) AS ok) linked
             WHERE seal.load <= %(size)s
          ORDER BY seal.after_id, seal.id
            """,
            program=self.program_id.id,
            after=after_id,
            hash=self._get_hash_sql('seal'),
            rows=self._get_digest_sql(
                self.program_id.id, SQL('seal.after_id'), SQL('seal.last_id')
            ),
            size=SEAL_SIZE,
        )
