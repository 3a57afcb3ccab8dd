-- Release of points held back in one statement: the reference that the job of crm_loyalty is held against, row by row
-- and in CPU time.  What is due is entered in the ledger with its last day of use, and is part of the balance; nothing is
-- shared with the job.  Nobody owes anything.
--
-- Parameters: program (id), day (date, today in the program's zone), now (timestamp, UTC), uid.
-- Written: the state of what was held back, a row of kind "earn" for each, the balances.
WITH released AS (
    UPDATE loyalty_pending pending
       SET state = 'released', write_date = %(now)s, write_uid = %(uid)s
      FROM loyalty_card card
     WHERE card.id = pending.card_id AND card.program_id = %(program)s
       AND pending.state = 'pending' AND pending.release_at <= %(now)s
 RETURNING pending.*
),
entered AS (
    INSERT INTO loyalty_history (
        card_id, description, qty, issued, used, kind, key, date, posted_at, origin, expire_on, remaining, unfolded,
        create_uid, create_date, write_uid, write_date
    )
    SELECT released.card_id, released.description, released.qty, released.qty, 0, 'earn',
           'loyalty.pending:' || released.id, %(now)s, %(now)s, released.origin, %(day)s::date + program.expire_after,
           released.qty, FALSE, %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM released, loyalty_program program
     WHERE program.id = %(program)s
     ORDER BY released.id
 RETURNING card_id, qty
)
UPDATE loyalty_card card
   SET points = round(card.points::numeric + gained.qty, 2), write_date = %(now)s
  FROM (SELECT card_id, sum(qty) AS qty FROM entered GROUP BY card_id) gained
 WHERE card.id = gained.card_id
