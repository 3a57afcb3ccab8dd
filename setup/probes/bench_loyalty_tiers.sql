-- Tiers for the data of the benchmark "loyalty", and how they stood yesterday: everybody had earned 800 points and was
-- at the first of the tiers of 0, 1,000 and 2,000.  Since then a tenth of the members earned enough for the second or the
-- third one; of two in forty the time is over, of one of them at a tier that he does not reach any more.
-- Parameters: program, day (date, today in the program's zone), now (timestamp, UTC).
INSERT INTO loyalty_tier (name, program_id, sequence, min_value, points_multiplier, active, create_date, write_date)
SELECT jsonb_build_object('en_US', 'Bench ' || number), %(program)s, number, 1000 * number, 1, TRUE, %(now)s, %(now)s
  FROM generate_series(0, 2) number;

UPDATE loyalty_program SET has_tiers = TRUE WHERE id = %(program)s;

UPDATE loyalty_card card
   SET tier_id = tier.id, qualifying_value = 800, tier_since = %(day)s::date - 300,
       tier_until = %(day)s::date + CASE WHEN card.id %% 40 IN (1, 3) THEN -1 ELSE 60 END
  FROM loyalty_tier tier
 WHERE card.code LIKE 'bench-%%' AND tier.program_id = %(program)s
   AND tier.min_value = CASE WHEN card.id %% 40 = 1 THEN 1000 ELSE 0 END;

INSERT INTO loyalty_history (card_id, description, qty, issued, used, kind, date, posted_at, expire_on, remaining,
                             unfolded, create_date, write_date)
SELECT id, 'Bench', id %% 20 * 100, id %% 20 * 100, 0, 'earn', %(now)s::timestamp - interval '2 hours',
       %(now)s::timestamp - interval '2 hours', %(day)s::date + 365, id %% 20 * 100, FALSE, %(now)s, %(now)s
  FROM loyalty_card
 WHERE code LIKE 'bench-%%' AND id %% 20 IN (4, 12);

UPDATE loyalty_card
   SET points = points + id %% 20 * 100
 WHERE code LIKE 'bench-%%' AND id %% 20 IN (4, 12)
