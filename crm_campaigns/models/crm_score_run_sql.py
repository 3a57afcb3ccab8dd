from __future__ import annotations

from odoo import models
from odoo.tools import SQL

# What a run may change in a score row; a row where none of these differs is not written.
SCORE_COLUMNS = (
    'first_order',
    'last_order',
    'frequency',
    'monetary',
    'refunds',
    'r',
    'f',
    'm',
    'rfm',
    'cell_id',
)


class CrmScoreRun(models.Model):
    """The statements of a run: what documents count, and what becomes of them."""

    _inherit = 'crm.score.run'

    # ------------------------------------------------------------
    # COLLECT
    # ------------------------------------------------------------

    def _get_customer_sql(self) -> SQL:
        """Return the figures by commercial partner.

        Documents are summed by their own partner first: joining ten million orders to their
        commercial partner before that takes three times as long.
        """
        zone = self.timezone
        return SQL(
            """WITH %(ctes)s
            SELECT partner.commercial_partner_id AS partner_id,
                   (min(first_at) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS first_order,
                   (max(last_at) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS last_order,
                   COALESCE(sum(frequency), 0)::int AS frequency,
                   COALESCE(sum(revenue), 0) - COALESCE(sum(refunds), 0) AS monetary,
                   COALESCE(sum(refunds), 0) AS refunds
              FROM (%(documents)s) document
              JOIN res_partner partner ON partner.id = document.partner_id
             GROUP BY partner.commercial_partner_id
            HAVING bool_or(ordered)""",
            ctes=SQL(", ").join(self._get_document_ctes()),
            documents=SQL(" UNION ALL ").join(self._get_document_sources()),
            zone=zone,
        )

    def _get_document_ctes(self) -> list[SQL]:
        """Return the common table expressions the document sources use."""
        return [SQL("returned AS MATERIALIZED (%s)", self._get_returned_order_sql())]

    def _get_document_sources(self) -> list[SQL]:
        """Return the SELECTs over documents, each already grouped by partner.

        Columns: partner_id, first_at, last_at, frequency, revenue, refunds, ordered.  Extend it
        to count the documents of another channel.
        """
        return [
            self._get_order_source_sql(),
            self._get_returned_source_sql(),
            self._get_refund_source_sql(),
        ]

    def _get_order_source_sql(self) -> SQL:
        """Paid orders the customer kept, at least in part."""
        window_from, until = self._get_window_bounds()
        return SQL(
            """SELECT so.partner_id,
                   min(so.date_order) AS first_at,
                   max(so.date_order) AS last_at,
                   count(*) FILTER (WHERE so.date_order >= %(window_from)s) AS frequency,
                   sum(%(amount)s) FILTER (WHERE so.date_order >= %(window_from)s) AS revenue,
                   0 AS refunds,
                   TRUE AS ordered
              FROM sale_order so
             WHERE %(paid)s
               AND so.date_order < %(until)s
               AND so.id NOT IN (SELECT order_id FROM returned)
             GROUP BY so.partner_id""",
            amount=self._get_order_amount_sql(),
            paid=self._get_paid_order_sql(),
            window_from=window_from,
            until=until,
        )

    def _get_returned_source_sql(self) -> SQL:
        """Orders returned in full: no purchase, but the amount its credit notes are netted with."""
        window_from, until = self._get_window_bounds()
        return SQL(
            """SELECT so.partner_id, NULL, NULL, 0,
                   sum(%(amount)s) FILTER (WHERE so.date_order >= %(window_from)s), 0, TRUE
              FROM returned
              JOIN sale_order so ON so.id = returned.order_id
             WHERE so.date_order < %(until)s
             GROUP BY so.partner_id""",
            amount=self._get_order_amount_sql(),
            window_from=window_from,
            until=until,
        )

    def _get_paid_order_sql(self) -> SQL:
        """Condition of an order ``so`` that counts."""
        return SQL(
            "so.company_id = %s AND so.state = 'sale' AND so.amount_untaxed > 0",
            self.company_id.id,
        )

    def _get_order_amount_sql(self) -> SQL:
        """An order's untaxed amount in company currency, at the order's own rate."""
        return SQL(
            """CASE WHEN so.currency_rate = 1 THEN so.amount_untaxed
                    ELSE round(so.amount_untaxed / COALESCE(NULLIF(so.currency_rate, 0), 1), %s)
                END""",
            self.company_id.currency_id.decimal_places,
        )

    def _get_refund_source_sql(self) -> SQL:
        """Posted credit notes of the window, in company currency at their own rate."""
        return SQL(
            """SELECT move.partner_id, NULL, NULL, 0, 0, sum(-move.amount_untaxed_signed), FALSE
              FROM account_move move
             WHERE move.company_id = %(company)s
               AND move.move_type = 'out_refund'
               AND move.state = 'posted'
               AND move.invoice_date BETWEEN %(day_from)s AND %(as_of)s
             GROUP BY move.partner_id""",
            company=self.company_id.id,
            day_from=self._get_window_start(),
            as_of=self.as_of,
        )

    def _get_returned_order_sql(self) -> SQL:
        """Orders whose lines were credited in full up to the day, whatever the rates did."""
        return SQL(
            """SELECT so.id AS order_id
              FROM account_move move
              JOIN account_move_line line ON line.move_id = move.id
              JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = line.id
              JOIN sale_order_line sol ON sol.id = rel.order_line_id
              JOIN sale_order so ON so.id = sol.order_id
             WHERE move.move_type = 'out_refund'
               AND move.state = 'posted'
               AND move.company_id = %(company)s
               AND move.invoice_date <= %(as_of)s
               AND %(paid)s
             GROUP BY so.id
            HAVING round(sum(CASE
                       WHEN move.currency_id = so.currency_id THEN line.price_subtotal
                       ELSE line.balance * COALESCE(NULLIF(so.currency_rate, 0), 1)
                   END), 2) >= round(so.amount_untaxed, 2)""",
            paid=self._get_paid_order_sql(),
            company=self.company_id.id,
            as_of=self.as_of,
        )

    # ------------------------------------------------------------
    # APPLY
    # ------------------------------------------------------------

    def _get_apply_sql(self, last_id: int) -> SQL:
        """Insert new and update differing score rows.

        The comparison stands in the SELECT: ON CONFLICT would lock, and so write, every row.
        """
        columns = [SQL.identifier(name) for name in SCORE_COLUMNS]
        fresh = SQL(", ").join(SQL("fresh.%s", column) for column in columns)
        return SQL(
            """INSERT INTO crm_customer_score AS score
                   (partner_id, %(names)s, company_id, run_id, computed_at)
            SELECT fresh.partner_id, %(fresh)s, %(company)s, %(run)s, %(now)s
              FROM (%(scored)s) fresh
              JOIN res_partner partner ON partner.id = fresh.partner_id
              LEFT JOIN crm_customer_score score
                ON score.partner_id = fresh.partner_id AND score.company_id = %(company)s
             WHERE (%(fresh)s) IS DISTINCT FROM (%(stored)s)
            ON CONFLICT (company_id, partner_id) DO UPDATE
               SET (%(names)s, run_id, computed_at)
                 = (%(excluded)s, excluded.run_id, excluded.computed_at)""",
            names=SQL(", ").join(columns),
            fresh=fresh,
            stored=SQL(", ").join(SQL("score.%s", column) for column in columns),
            excluded=SQL(", ").join(SQL("excluded.%s", column) for column in columns),
            scored=self._get_scored_sql(last_id),
            company=self.company_id.id,
            run=self.id,
            now=self.env.cr.now(),
        )

    def _get_scored_sql(self, last_id: int) -> SQL:
        """Return the staged figures up to an id with scores and cell."""
        if self.gate != 'open':
            return SQL(
                """SELECT *, NULL::int AS r, NULL::int AS f, NULL::int AS m,
                          NULL::varchar AS rfm, NULL::int AS cell_id
                     FROM crm_customer_score_stage WHERE run_id = %s AND id <= %s""",
                self.id,
                last_id,
            )
        return SQL(
            """SELECT *, r::text || f::text || m::text AS rfm, %(cell)s AS cell_id
                 FROM (SELECT *, (f + m + 1) / 2 AS v
                         FROM (SELECT *, %(r)s AS r, %(f)s AS f, %(m)s AS m
                                 FROM crm_customer_score_stage
                                WHERE run_id = %(run)s AND id <= %(last_id)s) scored
                      ) valued""",
            cell=self.env['crm.rfm.cell']._get_cell_sql(),
            r=self._get_score_sql('r', SQL("%s::date - last_order", self.as_of)),
            f=self._get_score_sql('f', SQL("frequency")),
            m=self._get_score_sql('m', SQL("monetary")),
            run=self.id,
            last_id=last_id,
        )

    def _get_score_sql(self, score: str, value: SQL) -> SQL:
        """Return a score from 1 to 5; without an order in the window there is none."""
        above = SQL(" + ").join(
            SQL("(%s > %s::numeric)::int", value, cut) for cut in self.cut_points[score]
        )
        points = SQL("5 - (%s)", above) if score == 'r' else SQL("1 + (%s)", above)
        return SQL("CASE WHEN frequency > 0 THEN %s END", points)
