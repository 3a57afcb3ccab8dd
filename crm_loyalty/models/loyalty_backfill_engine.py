from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from .loyalty_program_earning import read_domain

#: orders per committed chunk
CHUNK_SIZE = 2000


class BackfillOrder(NamedTuple):
    """An order that may have earned points before the program began."""

    id: int
    partner_id: int
    currency_id: int
    company_id: int
    date_order: datetime


class LoyaltyBackfillEngine(models.AbstractModel):
    """Gives members the points their past orders would have earned.

    Set-based and in committed chunks.  Every row has a key made of program and order, and each
    chunk claims the program first, so that it may be run twice, by two workers, or go on after
    it was killed: an order never earns twice.
    """

    _name = 'loyalty.backfill.engine'
    _description = 'Loyalty Backfill'

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _enqueue(self, program, date_from, company=None):
        """Put a backfill in the queue.

        :param program: ``loyalty.program``
        :param date_from: first day of orders to look at
        :param company: ``res.company`` whose orders to look at, default those the user works in
        :return: the ``crm.job``; the one that is still running for this program, if any
        """
        params = self._prepare_params(program, date_from, company)
        return self.env['crm.job']._enqueue(
            name=self.env._("Past orders into %(program)s", program=program.name),
            model=self._name,
            method='_backfill_chunk',
            params=params,
            total=self._count_orders(params)[0],
            key=f'loyalty.backfill:{program.id}',
        )

    @api.model
    def _backfill_now(self, program, date_from, company=None) -> int:
        """Post the points of past orders in this transaction, without a job and without tiers.

        For scripts and demo data; see :meth:`_enqueue` for the rest.

        :return: number of orders that earned points
        """
        params = self._prepare_params(program, date_from, company)
        program._bump_version()
        posted = last_id = 0
        while orders := self._select_orders(params, last_id, CHUNK_SIZE):
            posted += self._post_orders(program.sudo(), orders)
            last_id = orders[-1].id
        return posted

    @api.model
    def _prepare_params(self, program, date_from, company=None) -> dict:
        """Return what a backfill is asked for, as the job keeps it (see :meth:`_enqueue`)."""
        return {
            'program_id': program.id,
            # a job runs as the system, which is of every company
            'company_ids': self._get_asked_companies(company).ids,
            'start': fields.Datetime.to_string(program._to_utc(date_from)),
            'end': fields.Datetime.to_string(fields.Datetime.now()),
        }

    @api.model
    def _get_asked_companies(self, company=None):
        """Return the companies whose orders are looked at: never others than the user's own."""
        companies = company or self.env.companies
        return companies if self.env.su else companies & self.env.user.company_ids

    @api.model
    def _backfill_chunk(self, job) -> bool:
        """Do the next orders of a job, and when there are none left, the tiers.

        :param job: ``crm.job`` made by :meth:`_enqueue`
        :return: whether work remains
        """
        cursor = {'order_id': 0, 'posted': 0, 'card_id': 0, **(job.cursor or {})}
        program = self.env['loyalty.program'].sudo().browse(job.params['program_id'])
        if cursor.get('phase') == 'tiers':
            return self._evaluate_next_members(job, program, cursor)
        program._bump_version()
        orders = self._select_orders(job.params, cursor['order_id'], CHUNK_SIZE)
        if orders:
            cursor['posted'] += self._post_orders(program, orders)
            cursor['order_id'] = orders[-1].id
        else:
            cursor['phase'] = 'tiers'
        result = self.env._("%(count)s orders earned points.", count=cursor['posted'])
        job._advance(done=len(orders), cursor=cursor, result=result)
        return True

    def _evaluate_next_members(self, job, program, cursor: dict) -> bool:
        """Evaluate tiers once all points are there, so that nobody climbs step by step."""
        cards = (
            self.env['loyalty.card']
            .sudo()
            .search(
                [('program_id', '=', program.id), ('id', '>', cursor['card_id'])],
                order='id',
                limit=CHUNK_SIZE,
            )
        )
        cards._evaluate_tiers(allow_downgrade=False)
        job._advance(cursor={**cursor, 'card_id': cards[-1:].id or cursor['card_id']})
        return len(cards) == CHUNK_SIZE

    # ------------------------------------------------------------
    # WHICH ORDERS
    # ------------------------------------------------------------

    @api.model
    def _count_orders(self, params: dict) -> tuple[int, int]:
        """Return how many orders a backfill would look at, and of how many customers."""
        self.env.flush_all()
        [counts] = self.env.execute_query(
            SQL(
                "SELECT count(*), count(DISTINCT sale.partner_id) FROM sale_order sale WHERE %s",
                self._get_order_condition(params),
            )
        )
        return counts

    def _select_orders(self, params: dict, after_id: int, limit: int) -> list[BackfillOrder]:
        """Return the next orders that have no points in the program, by id."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT sale.id, sale.partner_id, sale.currency_id, sale.company_id,"
                " sale.date_order FROM sale_order sale"
                " WHERE sale.id > %s AND %s ORDER BY sale.id LIMIT %s",
                after_id,
                self._get_order_condition(params),
                limit,
            )
        )
        return [BackfillOrder(*row) for row in rows]

    def _get_order_condition(self, params: dict) -> SQL:
        """Return the condition of confirmed orders the program is for and has not counted."""
        program = self.env['loyalty.program'].sudo().browse(params['program_id'])
        conditions = [
            SQL("sale.state = 'sale'"),
            SQL("sale.date_order >= %s AND sale.date_order < %s", params['start'], params['end']),
            self._get_company_condition(program, params['company_ids']),
            SQL(
                """NOT EXISTS (SELECT FROM loyalty_history history
                                 JOIN loyalty_card card ON card.id = history.card_id
                                WHERE history.order_model = 'sale.order'
                                  AND history.order_id = sale.id
                                  AND card.program_id = %s)""",
                program.id,
            ),
            # points given before there was a ledger
            SQL(
                """NOT EXISTS (SELECT FROM sale_order_coupon_points given
                                 JOIN loyalty_card card ON card.id = given.coupon_id
                                WHERE given.order_id = sale.id
                                  AND given.points <> 0
                                  AND card.program_id = %s)""",
                program.id,
            ),
        ]
        who = read_domain(program.earn_partner_domain)
        if not who.is_true():
            members = self.env['res.partner'].sudo().with_context(active_test=False)
            conditions.append(SQL("sale.partner_id IN %s", members._search(who).subselect()))
        if pricelists := program.pricelist_ids:
            conditions.append(SQL("sale.pricelist_id IN %s", tuple(pricelists.ids)))
        if public_ids := self._get_public_partner_ids():
            conditions.append(SQL("sale.partner_id NOT IN %s", tuple(public_ids)))
        return SQL(" AND ").join(conditions)

    def _get_company_condition(self, program, company_ids: list[int]) -> SQL:
        """Return the condition of orders of the asked companies that the program applies to."""
        companies = self.env['res.company'].sudo().browse(company_ids)
        if owner := program.company_id:
            companies = companies.filtered(lambda company: owner in company.parent_ids)
        return SQL("sale.company_id IN %s", tuple(companies.ids) or (None,))

    def _get_public_partner_ids(self) -> list[int]:
        """Return the contacts of anonymous visitors, who are nobody's member."""
        group = self.env.ref('base.group_public').sudo().with_context(active_test=False)
        return group.all_user_ids.partner_id.ids

    # ------------------------------------------------------------
    # POSTING
    # ------------------------------------------------------------

    def _post_orders(self, program, orders: list[BackfillOrder]) -> int:
        """Post what the rules give for the orders.

        :return: number of orders that earned points now
        """
        points = self._compute_points(program, orders)
        earning = [order for order in orders if order.id in points]
        if not earning:
            return 0
        cards = self._ensure_cards(program, {order.partner_id for order in earning})
        rows = [(order.id, cards[order.partner_id], points[order.id]) for order in earning]
        posted = self.env.execute_query(self._get_posting_sql(program, rows))
        self.env['loyalty.card'].browse(set(cards.values()))._fold_later()
        self.env['loyalty.card'].invalidate_model(['points', 'history_ids'], flush=False)
        self.env['loyalty.history'].invalidate_model(flush=False)
        self.env['sale.order'].invalidate_model(['coupon_point_ids'], flush=False)
        self.env['sale.order.coupon.points'].invalidate_model(['points'], flush=False)
        return len(posted)

    def _compute_points(self, program, orders: list[BackfillOrder]) -> dict[int, Decimal]:
        """Return the points of each order that earns any."""
        rules = program.rule_ids.filtered(lambda rule: rule.mode == 'auto')
        if not rules:
            return {}
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """WITH %(batch)s, %(line)s, earned AS (%(earned)s)
                 SELECT order_id, trunc(sum(points), 2)
                   FROM earned
               GROUP BY order_id
                 HAVING trunc(sum(points), 2) > 0""",
                batch=self._get_batch_sql(program, orders),
                line=rules._get_order_line_sql(),
                earned=SQL(" UNION ALL ").join(rule._get_earned_sql() for rule in rules),
            )
        )
        return dict(rows)

    def _get_batch_sql(self, program, orders: list[BackfillOrder]) -> SQL:
        """Return the CTE ``batch``: orders with the rates to and from the program's currency."""
        rates = self._get_rates(program, orders)
        rows = SQL(", ").join(
            SQL("(%s, %s::numeric, %s::numeric, %s)", order.id, *rates[self._rate_key(order)])
            for order in orders
        )
        return SQL("batch (order_id, to_program, to_order, decimals) AS (VALUES %s)", rows)

    def _get_rates(self, program, orders: list[BackfillOrder]) -> dict:
        """Return rate to the program's currency, rate back and decimals, as of each order."""
        rates = {}
        for key in {self._rate_key(order) for order in orders}:
            currency = self.env['res.currency'].browse(key[0])
            rate = 1.0
            if currency != program.currency_id:
                company = self.env['res.company'].browse(key[1])
                rate = currency._get_conversion_rate(currency, program.currency_id, company, key[2])
            back = Decimal(1) / Decimal(str(rate))
            rates[key] = (Decimal(str(rate)), back, currency.decimal_places)
        return rates

    def _rate_key(self, order: BackfillOrder) -> tuple:
        return order.currency_id, order.company_id, order.date_order.date()

    def _ensure_cards(self, program, partner_ids: set[int]) -> dict[int, int]:
        """Return the card of each contact, made where there is none; nobody is written to."""
        Card = self.env['loyalty.card'].sudo()
        groups = Card._read_group(
            [('program_id', '=', program.id), ('partner_id', 'in', list(partner_ids))],
            ['partner_id'],
            ['id:min'],
        )
        cards = {partner.id: card_id for partner, card_id in groups}
        missing = sorted(partner_ids - cards.keys())
        silent = Card.with_context(
            loyalty_no_mail=True, tracking_disable=True, mail_create_nosubscribe=True
        )
        made = silent.create([self._prepare_card_vals(program, id_) for id_ in missing])
        self.env.flush_all()
        return cards | dict(zip(missing, made.ids, strict=True))

    def _prepare_card_vals(self, program, partner_id: int) -> dict:
        """Return the values of the card of a new member."""
        return {
            'program_id': program.id,
            'partner_id': partner_id,
            'points': 0,
            'code': self.env['loyalty.card']._generate_member_code(),
        }

    def _get_posting_sql(self, program, rows: list[tuple[int, int, Decimal]]) -> SQL:
        """Return the statement that posts rows of order, card and points.

        What each order gave is noted where core
        looks when the order is cancelled.  The orders are written as they are, so that of this and
        a cancellation at the same time the later fails with a serialization failure.
        """
        return SQL(
            """WITH earned (order_id, card_id, points) AS (VALUES %(rows)s), posted AS (
                INSERT INTO loyalty_history (
                    card_id, description, issued, used, qty, kind, date, posted_at, order_model,
                    order_id, origin, key, unfolded,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT earned.card_id, replace(%(description)s, '%%s', sale.name),
                       earned.points, 0, earned.points, 'earn', sale.date_order, %(now)s,
                       'sale.order', sale.id, sale.name, %(key)s || sale.id, TRUE,
                       %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM earned
                  JOIN sale_order sale ON sale.id = earned.order_id
              ORDER BY sale.id
           ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
             RETURNING card_id, order_id, qty
            ), touched AS (
                UPDATE sale_order sale SET write_date = sale.write_date
                  FROM earned
                 WHERE sale.id = earned.order_id
            )
            INSERT INTO sale_order_coupon_points (
                order_id, coupon_id, points, create_uid, create_date, write_uid, write_date
            )
            SELECT order_id, card_id, qty, %(uid)s, %(now)s, %(uid)s, %(now)s FROM posted
       ON CONFLICT (order_id, coupon_id) DO UPDATE SET points = EXCLUDED.points
             WHERE COALESCE(sale_order_coupon_points.points, 0) = 0
         RETURNING order_id""",
            rows=SQL(", ").join(SQL("(%s, %s, %s::numeric)", *row) for row in rows),
            description=self.env._("Order %s"),
            key=f'backfill:{program.id}:',
            now=fields.Datetime.now(),
            uid=self.env.uid,
        )
