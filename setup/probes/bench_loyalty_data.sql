-- Data of the benchmark "loyalty": members with nine awards and one redemption each, which took the three oldest awards.
-- Of every second member the fourth award expired yesterday, of the others nothing is over.  Each has points that are
-- held back no longer.
-- Parameters: members, program, day (date, today in the program's zone), now (timestamp, UTC).
INSERT INTO res_partner (name, active, autopost_bills, type, create_date, write_date)
SELECT 'Bench ' || number, TRUE, 'ask', 'contact', %(now)s, %(now)s
  FROM generate_series(1, %(members)s) number;

INSERT INTO loyalty_card (program_id, partner_id, code, points, active, is_member, create_date, write_date)
SELECT %(program)s, id, 'bench-' || id, 600, TRUE, TRUE, %(now)s, %(now)s
  FROM res_partner
 WHERE name LIKE 'Bench %%';

INSERT INTO loyalty_history (card_id, description, qty, issued, used, kind, date, posted_at, expire_on, remaining,
                             unfolded, create_date, write_date)
SELECT card.id, 'Bench', 100, 100, 0, 'earn', %(now)s::timestamp - interval '400 days' + interval '30 days' * number,
       %(now)s::timestamp - interval '400 days' + interval '30 days' * number,
       %(day)s::date - 1 + 30 * (number - 4) + CASE WHEN card.id %% 2 = 0 THEN 0 ELSE 10 END,
       CASE WHEN number <= 3 THEN 0 ELSE 100 END, FALSE, %(now)s, %(now)s
  FROM generate_series(1, 9) number, loyalty_card card
 WHERE card.code LIKE 'bench-%%';

INSERT INTO loyalty_history (card_id, description, qty, issued, used, kind, date, posted_at, remaining, unfolded,
                             create_date, write_date)
SELECT id, 'Bench', -300, 0, 300, 'burn', %(now)s::timestamp - interval '200 days',
       %(now)s::timestamp - interval '200 days', 0, FALSE, %(now)s, %(now)s
  FROM loyalty_card
 WHERE code LIKE 'bench-%%';

INSERT INTO loyalty_pending (card_id, description, key, qty, release_at, state, origin, create_date, write_date)
SELECT id, 'Bench', 'bench-' || id, 50, %(now)s::timestamp - interval '1 hour', 'pending', 'Bench', %(now)s, %(now)s
  FROM loyalty_card
 WHERE code LIKE 'bench-%%';

INSERT INTO loyalty_allocation (consumer_id, award_id, qty)
SELECT burn.id, award.id, 100
  FROM loyalty_card card
  JOIN loyalty_history burn ON burn.card_id = card.id AND burn.kind = 'burn'
  JOIN loyalty_history award ON award.card_id = card.id AND award.kind = 'earn' AND award.remaining = 0
 WHERE card.code LIKE 'bench-%%'
