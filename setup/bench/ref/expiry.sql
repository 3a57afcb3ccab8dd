-- Expiry in one statement: the reference that the job of crm_loyalty is held against, row by row and in CPU time.
-- Every award whose last day is over loses what remains of it; nothing is shared with the job.
--
-- Parameters: program (id), day (date, today in the program's zone), now (timestamp, UTC), uid.
-- Written: what remains of the awards, a row of kind "expire" for each, its allocation, the balances.
WITH due AS MATERIALIZED (
    SELECT award.id, award.card_id, award.remaining
      FROM loyalty_history award
      JOIN loyalty_card card ON card.id = award.card_id
     WHERE card.program_id = %(program)s AND award.remaining > 0 AND award.expire_on < %(day)s
),
emptied AS (
    UPDATE loyalty_history award
       SET remaining = 0
      FROM due
     WHERE award.id = due.id
),
expired AS (
    INSERT INTO loyalty_history (
        card_id, description, qty, issued, used, kind, key, date, posted_at, award_id, remaining, unfolded,
        create_uid, create_date, write_uid, write_date
    )
    SELECT card_id, 'Expired', -remaining, 0, remaining, 'expire',
           concat_ws(':', 'loyalty.history', id, 'expire', %(day)s::date, remaining), %(now)s, %(now)s, id, 0, FALSE,
           %(uid)s, %(now)s, %(uid)s, %(now)s
      FROM due
     ORDER BY card_id, id
 RETURNING id, award_id, card_id, used
),
allocated AS (
    INSERT INTO loyalty_allocation (consumer_id, award_id, qty)
    SELECT id, award_id, used FROM expired
)
UPDATE loyalty_card card
   SET points = round(card.points::numeric - lost.qty, 2), write_date = %(now)s
  FROM (SELECT card_id, sum(used)::numeric AS qty FROM expired GROUP BY card_id) lost
 WHERE card.id = lost.card_id
