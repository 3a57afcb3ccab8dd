-- Evaluation of tiers in one statement: the reference that the nightly job of crm_loyalty is held against, row by row and
-- in CPU time.  What a member earned within the period decides: the highest tier it reaches, or the one he has as long as
-- it is kept.  Nothing is shared with the job.  No cards were merged, no tier is archived.
--
-- Parameters: program (id), day (date, today in the program's zone), first_day (date, of the period), start_at and end_at
-- (timestamps, UTC, of the period), until (date, how long a tier reached today is kept), now (timestamp, UTC), uid.
-- Written: tier, its days and the points that count of the cards where one differs, a row for each change of tier.
WITH earned AS (
    SELECT card_id, sum(qty + CASE WHEN kind = 'earn' THEN round(COALESCE(used, 0)::numeric, 2) ELSE 0 END) AS value
      FROM loyalty_history
     WHERE kind IN ('earn', 'unearn') AND date >= %(start_at)s AND date < %(end_at)s
     GROUP BY card_id
),
level AS MATERIALIZED (
    SELECT id, min_value, lead(min_value) OVER (ORDER BY min_value) AS below
      FROM loyalty_tier
     WHERE program_id = %(program)s
),
judged AS (
    SELECT card.id, card.tier_id AS old_id, GREATEST(COALESCE(earned.value, 0), 0) AS value,
           reached.min_value, present.min_value AS old_min_value,
           card.tier_until, card.qualifying_value AS old_value,
           CASE WHEN reached.min_value < present.min_value AND card.tier_until >= %(day)s
                THEN card.tier_id ELSE reached.id END AS new_id
      FROM loyalty_card card
      LEFT JOIN earned ON earned.card_id = card.id
      LEFT JOIN level present ON present.id = card.tier_id
      JOIN level reached ON reached.min_value <= GREATEST(COALESCE(earned.value, 0), 0)
                        AND (reached.below > GREATEST(COALESCE(earned.value, 0), 0) OR reached.below IS NULL)
     WHERE card.program_id = %(program)s AND card.active
),
decided AS (
    SELECT judged.*, new_id IS DISTINCT FROM old_id AS is_moved,
           new_id = old_id AND min_value = old_min_value AND COALESCE(tier_until < %(day)s, TRUE) AS is_renewed
      FROM judged
     WHERE new_id IS DISTINCT FROM old_id OR value IS DISTINCT FROM old_value
        OR COALESCE(tier_until < %(day)s, TRUE)
),
updated AS (
    UPDATE loyalty_card card
       SET tier_id = new_id, qualifying_value = value,
           tier_since = CASE WHEN is_moved THEN %(day)s ELSE card.tier_since END,
           tier_until = CASE WHEN is_moved OR is_renewed THEN %(until)s ELSE card.tier_until END,
           write_uid = %(uid)s, write_date = %(now)s
      FROM decided
     WHERE decided.id = card.id
 RETURNING decided.*
)
INSERT INTO loyalty_tier_history (card_id, program_id, date, change, old_tier_id, new_tier_id, qualifying_value,
                                  threshold, window_start, create_uid, create_date, write_uid, write_date)
SELECT id, %(program)s, %(day)s, CASE WHEN old_id IS NULL THEN 'start' WHEN min_value > old_min_value THEN 'up'
                                      ELSE 'down' END,
       old_id, new_id, value, CASE WHEN min_value > COALESCE(old_min_value, -1) THEN min_value ELSE old_min_value END,
       %(first_day)s, %(uid)s, %(now)s, %(uid)s, %(now)s
  FROM updated
 WHERE is_moved
