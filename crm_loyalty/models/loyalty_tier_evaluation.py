from __future__ import annotations

from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL

#: members per committed chunk of the job
CHUNK_SIZE = 5000


class LoyaltyTierEvaluation(models.AbstractModel):
    """Decides on the tiers of many members at once.

    One statement serves a confirmed order and the nightly job alike.  It reads nothing but the
    ledger and the thresholds, so running it twice changes nothing the second time.  Of two workers
    on one card the later fails with a serialization failure and is run again by Odoo or the job.
    """

    _name = 'loyalty.tier.evaluation'
    _description = 'Loyalty Tier Evaluation'

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _evaluate_chunk(self, job) -> bool:
        """Evaluate the next members of a job.

        :param job: ``crm.job`` with ``program_ids`` in its parameters
        :return: whether members remain
        """
        last_id = (job.cursor or {}).get('card_id', 0)
        cards = (
            self.env['loyalty.card']
            .sudo()
            .search(
                [('program_id', 'in', job.params['program_ids']), ('id', '>', last_id)],
                order='id',
                limit=CHUNK_SIZE,
            )
        )
        changed = self._evaluate(cards)
        moved = (job.cursor or {}).get('changed', 0) + len(changed)
        job._advance(
            done=len(cards),
            cursor={'card_id': cards[-1:].id or last_id, 'changed': moved},
            result=self.env._("%(count)s members changed their tier.", count=moved),
        )
        return len(cards) == CHUNK_SIZE

    # ------------------------------------------------------------
    # EVALUATION
    # ------------------------------------------------------------

    @api.model
    def _evaluate(self, cards, day: date | None = None, allow_downgrade: bool = True):
        """Bring the tiers of cards in line with the ledger.

        :param cards: ``loyalty.card``; those of programs without managed tiers are left alone
        :param day: day of judgement, default today in each program's time zone
        :param allow_downgrade: whether members may lose a tier (only the nightly job takes it)
        :return: the cards whose tier changed
        """
        cards = cards.sudo()
        cards.env.flush_all()
        cards.fetch(['program_id'])  # of the wide rows of cards no more is needed
        programs = cards.program_id._filter_evaluated()
        if not programs:
            return cards.browse()
        rows = self.env.execute_query(
            SQL(
                "WITH %(verdict)s, %(apply)s",
                verdict=self._verdict_sql(
                    programs, SQL('card.id IN %s', tuple(cards.ids)), day, allow_downgrade
                ),
                apply=self._apply_sql(),
            )
        )
        cards._invalidate_membership()
        return cards.browse(card_id for (card_id,) in rows)

    @api.model
    def _count_pending(self, programs, allow_downgrade: bool = True, grace: int = 0) -> int:
        """Count members whose stored tier is not what the ledger says.

        :param programs: ``loyalty.program`` with tiers
        :param allow_downgrade: count tiers that should have been lost too
        :param grace: days a downgrade may be late (the nightly job may not have run yet)
        """
        if not programs:
            return 0
        programs.env.flush_all()
        [(count,)] = self.env.execute_query(
            SQL(
                "WITH %s SELECT count(*) FROM verdict"
                " WHERE new_tier_id IS DISTINCT FROM old_tier_id",
                self._verdict_sql(programs, SQL('TRUE'), None, allow_downgrade, grace),
            )
        )
        return count

    def _verdict_sql(
        self, programs, condition: SQL, day: date | None, allow_downgrade: bool, grace: int = 0
    ) -> SQL:
        """Return the CTEs that end in ``verdict``: old and new tier of each card."""
        return SQL(
            "%(program)s, %(target)s, %(qualifying)s, %(verdict)s",
            program=self._program_sql(programs, day),
            target=self._target_sql(condition),
            qualifying=self._qualifying_sql(),
            verdict=self._decision_sql(allow_downgrade, grace),
        )

    def _program_sql(self, programs, day: date | None) -> SQL:
        """Return the period of each program as a table."""
        rows = []
        for program in programs:
            window = program._get_tier_window(day)
            rows.append(
                SQL(
                    "(%s, %s::date, %s::date, %s::timestamp, %s::timestamp, %s::date)",
                    program.id,
                    window.day,
                    window.first_day,
                    window.start,
                    window.end,
                    window.until,
                )
            )
        return SQL(
            "program (id, day, first_day, start_at, end_at, until) AS (VALUES %s)",
            SQL(", ").join(rows),
        )

    def _target_sql(self, condition: SQL) -> SQL:
        return SQL(
            """target AS (
                SELECT card.id, card.program_id, card.tier_id, card.tier_until,
                       card.qualifying_value, program.day, program.first_day,
                       program.start_at, program.end_at, program.until
                  FROM loyalty_card card
                  JOIN program ON program.id = card.program_id
                 WHERE card.active AND %s
            )""",
            condition,
        )

    def _qualifying_sql(self) -> SQL:
        """Return the points that count; those of cards merged into this one count here."""
        return SQL(
            """source AS (
                SELECT id AS card_id, id AS source_id, start_at, end_at FROM target
                 UNION ALL
                SELECT target.id, merged.id, target.start_at, target.end_at
                  FROM loyalty_card merged
                  JOIN target ON target.id = merged.merged_into_id
            ), qualifying AS (
                SELECT source.card_id, sum(%(points)s) AS value
                  FROM source
                  JOIN loyalty_history history ON history.card_id = source.source_id
                   AND history.kind IN ('earn', 'unearn')
                   AND history.date >= source.start_at
                   AND history.date < source.end_at
              GROUP BY source.card_id
            )""",
            points=self.env['loyalty.history']._qualifying_sql('history'),
        )

    def _decision_sql(self, allow_downgrade: bool, grace: int) -> SQL:
        """Return the verdict: the highest tier reached, or the present one while it is kept."""
        return SQL(
            """level AS MATERIALIZED (
                SELECT id, program_id, min_value,
                       lead(min_value) OVER (PARTITION BY program_id ORDER BY min_value)
                           AS next_value
                  FROM loyalty_tier
                 WHERE active AND program_id IN (SELECT id FROM program)
            ), verdict AS (
                SELECT target.id AS card_id, target.program_id, target.day, target.first_day,
                       target.until, target.tier_until, target.qualifying_value AS old_value,
                       points.value,
                       target.tier_id AS old_tier_id, present.min_value AS old_min_value,
                       reached.min_value AS reached_min_value,
                       CASE WHEN %(kept)s THEN target.tier_id ELSE reached.id END AS new_tier_id
                  FROM target
             LEFT JOIN qualifying ON qualifying.card_id = target.id
            CROSS JOIN LATERAL (
                           SELECT GREATEST(COALESCE(qualifying.value, 0), 0) AS value
                       ) points
             LEFT JOIN loyalty_tier present ON present.id = target.tier_id
             LEFT JOIN level reached ON reached.program_id = target.program_id
                   AND reached.min_value <= points.value
                   AND COALESCE(reached.next_value > points.value, TRUE)
            )""",
            kept=self._kept_sql(allow_downgrade, grace),
        )

    def _kept_sql(self, allow_downgrade: bool, grace: int) -> SQL:
        """Return whether a member keeps a tier above the one his points reach today."""
        above = SQL(
            "COALESCE(present.active, FALSE)"
            " AND (reached.min_value IS NULL OR reached.min_value < present.min_value)"
        )
        if not allow_downgrade:
            return above
        return SQL("(%s AND COALESCE(target.tier_until + %s >= target.day, FALSE))", above, grace)

    def _apply_sql(self) -> SQL:
        """Return the CTEs that write cards in id order and log the changes of tier."""
        return SQL(
            """changed AS (
                SELECT verdict.*,
                       new_tier_id IS DISTINCT FROM old_tier_id AS is_moved,
                       new_tier_id = old_tier_id AND reached_min_value = old_min_value
                           AND COALESCE(tier_until < day, TRUE) AS is_renewed
                  FROM verdict
            ), locked AS (
                SELECT card.id
                  FROM loyalty_card card
                 WHERE card.id = ANY(ARRAY(
                           SELECT card_id FROM changed
                            WHERE is_moved OR is_renewed OR value IS DISTINCT FROM old_value))
              ORDER BY card.id
                   FOR NO KEY UPDATE OF card
            ), updated AS (
                UPDATE loyalty_card card
                   SET tier_id = changed.new_tier_id,
                       qualifying_value = changed.value,
                       tier_since = CASE WHEN is_moved THEN changed.day
                                         ELSE card.tier_since END,
                       tier_until = CASE WHEN is_moved OR is_renewed THEN changed.until
                                         ELSE card.tier_until END,
                       write_uid = %(uid)s,
                       write_date = %(now)s
                  FROM changed
                 WHERE card.id = ANY(ARRAY(SELECT id FROM locked)) AND card.id = changed.card_id
             RETURNING changed.*
            )
            INSERT INTO loyalty_tier_history (
                card_id, program_id, date, change, old_tier_id, new_tier_id, qualifying_value,
                threshold, window_start, create_uid, create_date, write_uid, write_date
            )
            SELECT card_id, program_id, day,
                   CASE WHEN old_tier_id IS NULL THEN 'start'
                        WHEN COALESCE(reached_min_value, -1) > COALESCE(old_min_value, -1) THEN 'up'
                        ELSE 'down' END,
                   old_tier_id, new_tier_id, value,
                   CASE WHEN reached_min_value > COALESCE(old_min_value, -1)
                        THEN reached_min_value ELSE old_min_value END,
                   first_day, %(uid)s, %(now)s, %(uid)s, %(now)s
              FROM updated
             WHERE is_moved
          ORDER BY card_id
         RETURNING card_id""",
            uid=self.env.uid,
            now=fields.Datetime.now(),
        )
