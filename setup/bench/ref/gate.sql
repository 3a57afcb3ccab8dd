-- The gate in one statement: the reference that the gate of crm_customer is held against, row by row and in CPU time.
-- It decides about all messages that are due at once and writes what it decided; nothing is shared with the gate.
--
-- Parameters: now (timestamp, UTC), salt (text, of the hold-out group).
-- Written: state, reason, due_at, decided_at, counted_at of every due message.
--
-- What it knows, beside what a message needs: one policy for all companies with one rolling window for all channels
-- and quiet hours around midnight; one quiet period at a time; e-mail only; consent of the company's own setting; a
-- hold-out group of a tenth by hash.  That is all the data of the benchmark has.
WITH policy AS MATERIALIZED (
    SELECT max_messages AS allowed,
           make_interval(days => window_days) AS span,
           make_interval(mins => round(quiet_from * 60)::int)::time AS quiet_from,
           make_interval(mins => round(quiet_to * 60)::int)::time AS quiet_to,
           make_interval(mins => round(quiet_to * 60)::int) AS opening
      FROM crm_contact_policy
     WHERE active
),
period AS MATERIALIZED (
    SELECT id, promotion_to
      FROM crm_quiet_period
     WHERE active AND date_from <= %(now)s AND date_to > %(now)s
),
got AS MATERIALIZED (
    SELECT message.person_id,
           message.company_id,
           array_agg(message.counted_at ORDER BY message.counted_at DESC) AS at
      FROM crm_message message, policy
     WHERE message.counted_at > %(now)s - policy.span
     GROUP BY message.person_id, message.company_id
),
known AS (
    SELECT message.id,
           message.person_id,
           message.company_id,
           message.priority,
           message.due_at,
           (%(now)s::timestamp AT TIME ZONE 'UTC') AT TIME ZONE partner.customer_tz_choice AS local_at,
           partner.customer_tz_choice AS zone,
           COALESCE(cardinality(got.at), 0) AS number,
           got.at,
           period.promotion_to,
           CASE WHEN person.survivor_id IS NOT NULL THEN 'merged'
                WHEN person.erased_on IS NOT NULL OR partner.id IS NULL THEN 'erased'
                WHEN NOT partner.active THEN 'archived'
                WHEN message.expires_at <= %(now)s OR message.due_at < %(now)s - interval '2 days' THEN 'expired'
                WHEN COALESCE(partner.email_normalized, '') = '' THEN 'no_address'
                WHEN blacklist.id IS NOT NULL THEN 'blacklist'
                WHEN person.do_not_disturb THEN 'do_not_disturb'
                WHEN COALESCE(consent.status <> 'in', company.crm_consent_care = 'opt_in') THEN 'no_consent'
                WHEN get_byte(sha256(convert_to(%(salt)s || person.person_key, 'UTF8')), 0) < 26 THEN 'holdout'
           END AS refused
      FROM crm_message message
      JOIN crm_person person ON person.id = message.person_id
      JOIN res_company company ON company.id = message.company_id
      LEFT JOIN res_partner partner ON partner.id = person.partner_id
      LEFT JOIN mail_blacklist blacklist ON blacklist.email = partner.email_normalized AND blacklist.active
      LEFT JOIN crm_consent consent
             ON consent.person_id = message.person_id AND consent.company_id = message.company_id
            AND consent.purpose = message.purpose AND consent.channel = message.channel
      LEFT JOIN got ON got.person_id = message.person_id AND got.company_id = message.company_id
      LEFT JOIN crm_quiet_period_person_rel listed ON listed.person_id = message.person_id
      LEFT JOIN period ON period.id = listed.period_id
     WHERE message.state = 'planned' AND message.due_at <= %(now)s
),
free AS (
    SELECT known.*,
           policy.*,
           known.local_at::time >= policy.quiet_from OR known.local_at::time < policy.quiet_to AS is_quiet
      FROM known, policy
),
ranked AS (
    SELECT free.*,
           LEAST(count(*) FILTER (WHERE refused IS NULL AND promotion_to IS NULL AND NOT is_quiet) OVER (
               PARTITION BY person_id, company_id ORDER BY priority, due_at, id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), GREATEST(allowed - number, 0)) AS ahead
      FROM free
),
judged AS (
    SELECT ranked.*,
           CASE WHEN refused IS NOT NULL THEN refused
                WHEN promotion_to IS NOT NULL THEN 'quiet_period'
                WHEN number + ahead >= allowed THEN 'frequency_cap'
                WHEN is_quiet THEN 'quiet_hours'
           END AS reason
      FROM ranked
)
UPDATE crm_message message
   SET state = CASE WHEN judged.reason IS NULL THEN 'queued' WHEN judged.refused IS NULL THEN 'planned' ELSE 'refused' END,
       reason = judged.reason,
       due_at = CASE judged.reason
                WHEN 'quiet_period' THEN judged.promotion_to
                WHEN 'frequency_cap'
                THEN CASE WHEN judged.ahead >= judged.allowed THEN %(now)s ELSE judged.at[judged.allowed - judged.ahead] END
                     + judged.span
                WHEN 'quiet_hours'
                THEN ((judged.local_at::date + (judged.local_at::time >= judged.quiet_to)::int + judged.opening)
                      AT TIME ZONE judged.zone) AT TIME ZONE 'UTC'
                ELSE message.due_at END,
       decided_at = CASE WHEN judged.reason IS NULL OR judged.refused IS NOT NULL THEN %(now)s::timestamp END,
       counted_at = CASE WHEN judged.reason IS NULL THEN %(now)s::timestamp END,
       write_date = %(now)s
  FROM judged
 WHERE message.id = judged.id
