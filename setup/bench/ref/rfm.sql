-- RFM of every customer of one company: the reference that the scoring engine of crm_campaigns is held against,
-- row by row and in CPU time.  One statement, nothing shared with the engine.
--
-- Parameters: company_id, as_of (date), timezone (the company's), window_months, min_buyers, min_days.
-- Result: partner_id (commercial), first_order, last_order, frequency, monetary, refunds, r, f, m, rfm, cell.
--
-- A paid order (confirmed, untaxed amount above zero) counts on its day in the company's zone, in company currency at
-- its own rate.  Posted credit notes of the window are netted at theirs.  An order whose lines were credited in full
-- no longer counts as a purchase.  Equal values get equal scores (cut points, never ntile).
WITH bounds AS MATERIALIZED (
    SELECT day_from,
           day_from::timestamp AT TIME ZONE %(timezone)s AT TIME ZONE 'UTC' AS window_from,
           (%(as_of)s::date + 1)::timestamp AT TIME ZONE %(timezone)s AT TIME ZONE 'UTC' AS until,
           digits
      FROM (SELECT (%(as_of)s::date - make_interval(months => %(window_months)s))::date + 1 AS day_from) days,
           (SELECT CASE WHEN currency.rounding < 1 THEN ceil(log(1 / currency.rounding))::int ELSE 0 END AS digits
              FROM res_company company
              JOIN res_currency currency ON currency.id = company.currency_id
             WHERE company.id = %(company_id)s) currency
),
returned AS MATERIALIZED (
    SELECT so.id
      FROM account_move move
      JOIN account_move_line line ON line.move_id = move.id
      JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = line.id
      JOIN sale_order_line sol ON sol.id = rel.order_line_id
      JOIN sale_order so ON so.id = sol.order_id
     WHERE move.move_type = 'out_refund'
       AND move.state = 'posted'
       AND move.company_id = %(company_id)s
       AND move.invoice_date <= %(as_of)s
       AND so.company_id = %(company_id)s
       AND so.state = 'sale'
       AND so.amount_untaxed > 0
     GROUP BY so.id
    HAVING round(sum(CASE WHEN move.currency_id = so.currency_id THEN line.price_subtotal
                          ELSE line.balance * COALESCE(NULLIF(so.currency_rate, 0), 1) END), 2)
           >= round(so.amount_untaxed, 2)
),
document AS (
    SELECT so.partner_id,
           min(so.date_order) FILTER (WHERE returned.id IS NULL) AS first_at,
           max(so.date_order) FILTER (WHERE returned.id IS NULL) AS last_at,
           count(*) FILTER (WHERE returned.id IS NULL AND so.date_order >= bounds.window_from) AS frequency,
           sum(CASE WHEN so.currency_rate = 1 THEN so.amount_untaxed
                    ELSE round(so.amount_untaxed / COALESCE(NULLIF(so.currency_rate, 0), 1), bounds.digits) END)
               FILTER (WHERE so.date_order >= bounds.window_from) AS revenue,
           0 AS refunds,
           TRUE AS ordered
      FROM sale_order so
      CROSS JOIN bounds
      LEFT JOIN returned ON returned.id = so.id
     WHERE so.company_id = %(company_id)s
       AND so.state = 'sale'
       AND so.amount_untaxed > 0
       AND so.date_order < bounds.until
     GROUP BY so.partner_id
     UNION ALL
    SELECT move.partner_id, NULL, NULL, 0, 0, sum(-move.amount_untaxed_signed), FALSE
      FROM account_move move
      CROSS JOIN bounds
     WHERE move.company_id = %(company_id)s
       AND move.move_type = 'out_refund'
       AND move.state = 'posted'
       AND move.invoice_date BETWEEN bounds.day_from AND %(as_of)s
     GROUP BY move.partner_id
),
customer AS MATERIALIZED (
    SELECT partner.commercial_partner_id AS partner_id,
           (min(first_at) AT TIME ZONE 'UTC' AT TIME ZONE %(timezone)s)::date AS first_order,
           (max(last_at) AT TIME ZONE 'UTC' AT TIME ZONE %(timezone)s)::date AS last_order,
           sum(frequency)::int AS frequency,
           COALESCE(sum(revenue), 0) - COALESCE(sum(refunds), 0) AS monetary,
           COALESCE(sum(refunds), 0) AS refunds
      FROM document
      JOIN res_partner partner ON partner.id = document.partner_id
     GROUP BY partner.commercial_partner_id
    HAVING bool_or(ordered)
),
cut AS MATERIALIZED (
    SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY %(as_of)s::date - last_order) AS r,
           percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY frequency) AS f,
           percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary) AS m
      FROM customer
     WHERE frequency > 0
),
gate AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE frequency > 0) >= %(min_buyers)s
           AND COALESCE(%(as_of)s::date - min(first_order), 0) >= %(min_days)s AS open
      FROM customer
),
score AS (
    SELECT customer.*,
           5 - (recency > cut.r[1])::int - (recency > cut.r[2])::int
             - (recency > cut.r[3])::int - (recency > cut.r[4])::int AS r,
           1 + (frequency > cut.f[1])::int + (frequency > cut.f[2])::int
             + (frequency > cut.f[3])::int + (frequency > cut.f[4])::int AS f,
           1 + (monetary > cut.m[1])::int + (monetary > cut.m[2])::int
             + (monetary > cut.m[3])::int + (monetary > cut.m[4])::int AS m
      FROM (SELECT *, %(as_of)s::date - last_order AS recency FROM customer WHERE frequency > 0) customer
      CROSS JOIN cut
      CROSS JOIN gate
     WHERE gate.open
)
SELECT customer.partner_id, customer.first_order, customer.last_order, customer.frequency, customer.monetary,
       customer.refunds, score.r, score.f, score.m, score.r::text || score.f::text || score.m::text AS rfm,
       CASE WHEN NOT gate.open OR customer.last_order IS NULL THEN NULL
            WHEN customer.frequency = 0 THEN 'lost'
            WHEN score.r = 1 AND (score.f + score.m + 1) / 2 >= 4 THEN 'cannot_lose'
            WHEN score.r <= 2 AND (score.f + score.m + 1) / 2 >= 3 THEN 'at_risk'
            WHEN score.r = 2 THEN 'hibernating'
            WHEN score.r = 1 THEN 'lost'
            WHEN score.r = 3 THEN CASE WHEN (score.f + score.m + 1) / 2 >= 4 THEN 'loyal' ELSE 'attention' END
            WHEN (score.f + score.m + 1) / 2 >= 4
            THEN CASE WHEN score.r + (score.f + score.m + 1) / 2 >= 9 THEN 'champions' ELSE 'loyal' END
            WHEN customer.frequency = 1 AND customer.first_order = customer.last_order
            THEN CASE WHEN score.r = 5 THEN 'new' ELSE 'promising' END
            ELSE 'potential' END AS cell
  FROM customer
  CROSS JOIN gate
  LEFT JOIN score ON score.partner_id = customer.partner_id
