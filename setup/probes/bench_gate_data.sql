-- Data of the benchmark "gate": customers, their consents, five sent messages each, and one due message each.
-- Parameters: customers, now (timestamp, UTC).
INSERT INTO res_partner (name, active, email, email_normalized, customer_tz_choice, autopost_bills, type, lang,
                         create_date, write_date)
SELECT 'Bench ' || number,
       number %% 50 <> 7,
       CASE WHEN number %% 33 <> 5 THEN 'bench' || number || '@example.com' END,
       CASE WHEN number %% 33 <> 5 THEN 'bench' || number || '@example.com' END,
       (ARRAY['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'])[number %% 5 + 1],
       'ask', 'contact', 'en_US', %(now)s, %(now)s
  FROM generate_series(1, %(customers)s) number;

INSERT INTO crm_person (person_key, partner_id, lock_version, do_not_disturb)
SELECT 'bench-' || id, id, 0, hashint4(id) %% 97 = 3
  FROM res_partner
 WHERE name LIKE 'Bench %%';

INSERT INTO mail_blacklist (email, active)
SELECT email_normalized, TRUE
  FROM res_partner
 WHERE name LIKE 'Bench %%' AND email_normalized IS NOT NULL AND hashint4(id) %% 53 = 0;

INSERT INTO crm_consent (person_id, company_id, purpose, channel, status, since)
SELECT person.id, %(company)s, 'care', 'email',
       (ARRAY['in', 'in', 'in', 'in', 'in', 'in', 'in', 'in', 'out', 'pending'])[abs(hashint4(person.id)) %% 10 + 1],
       %(now)s
  FROM crm_person person
 WHERE person.person_key LIKE 'bench-%%' AND person.id %% 10 < 6;

INSERT INTO crm_quiet_period (name, active, company_id, promotion_from, promotion_to, days_before, date_from, date_to,
                              hold_hint, hold_greeting, hold_gift, hold_offer, hold_email, hold_sms, hold_phone,
                              hold_post, action, limited)
SELECT 'Bench', TRUE, %(company)s, %(now)s::timestamp + interval '1 day', %(now)s::timestamp + interval '4 days', 3,
       %(now)s::timestamp - interval '2 days', %(now)s::timestamp + interval '1 day',
       TRUE, TRUE, TRUE, TRUE, TRUE, TRUE, TRUE, TRUE, 'defer_to_end', TRUE;

INSERT INTO crm_quiet_period_person_rel (period_id, person_id)
SELECT period.id, person.id
  FROM crm_person person, crm_quiet_period period
 WHERE person.person_key LIKE 'bench-%%' AND person.id %% 20 = 4 AND period.name = 'Bench';

INSERT INTO crm_message (key, company_id, person_id, message_class, purpose, channel, priority, state, planned_at, due_at,
                         decided_at, sent_at, counted_at, subject, origin_model, origin_id, create_date, write_date)
SELECT 'bench:sent:' || person.id || ':' || number, %(company)s, person.id, 'greeting', 'care', 'email', 5, 'sent', got.at,
       got.at, got.at, got.at, got.at, 'A word from us', 'res.company', number, got.at, got.at
  FROM crm_person person
 CROSS JOIN generate_series(1, 5) number
 CROSS JOIN LATERAL (
       SELECT %(now)s::timestamp - make_interval(
           secs => 600 + abs(hashint8(person.id::bigint * 8 + number)::bigint) %% (60 * 86400)) AS at) got
 WHERE person.person_key LIKE 'bench-%%';

-- planned for an hour of each zone; every tenth is a second one to somebody
INSERT INTO crm_message (key, company_id, person_id, message_class, purpose, channel, priority, state, planned_at, due_at,
                         subject, origin_model, origin_id, create_date, write_date)
SELECT 'bench:due:' || person.id || ':' || number, %(company)s, person.id,
       CASE number WHEN 1 THEN 'greeting' ELSE 'hint' END, 'care', 'email', 4 + number, 'planned', due.at, due.at,
       'Happy birthday', 'res.company', 9, %(now)s, %(now)s
  FROM crm_person person
 CROSS JOIN generate_series(1, 2) number
 CROSS JOIN LATERAL (SELECT %(now)s::timestamp - make_interval(hours => person.partner_id %% 5) AS at) due
 WHERE person.person_key LIKE 'bench-%%' AND (number = 1 AND person.id %% 10 <> 9 OR number = 2 AND person.id %% 10 = 3
       OR number = 1 AND person.id %% 10 = 9);
