from __future__ import annotations

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .loyalty_card_message import LAYOUT

#: days in a row that may pass without the job before a warning is left out
MISSED_DAYS = 3
#: orders older than this were loaded, and nobody is told
RECENT_DAYS = 3
TEMPLATE_DOMAIN = [('model', '=', 'loyalty.card')]
#: what a customer is told of an order is part of it; the rest is care
CLASSES = {
    'earned': 'transactional',
    'expiring': 'hint',
    'inactive': 'hint',
    'expired': 'hint',
}


class LoyaltyProgram(models.Model):
    _inherit = 'loyalty.program'

    earned_template_id = fields.Many2one(
        'mail.template',
        string="Points Earned",
        domain=TEMPLATE_DOMAIN,
        help="Sent after each order that brought points. Empty: nothing is sent.",
    )
    expiring_template_id = fields.Many2one(
        'mail.template',
        string="Points Expire Soon",
        domain=TEMPLATE_DOMAIN,
        default=lambda self: self._get_default_template('expiring'),
        help="Sent on the days of the warnings, once for all points of a month. Empty: nothing is "
        "sent.",
    )
    expired_template_id = fields.Many2one(
        'mail.template',
        string="Points Expired",
        domain=TEMPLATE_DOMAIN,
        help="Sent after points have expired. Empty: nothing is sent.",
    )

    @api.model
    def _get_default_template(self, event: str):
        return self.env.ref(f'crm_loyalty.mail_template_points_{event}', raise_if_not_found=False)

    def _get_message_company(self):
        """Return the company in whose name members of this program are written to."""
        self.ensure_one()
        company = self.sudo().company_id
        return company or company.search([], order='id', limit=1)

    def _get_points_message_sql(self, event: str) -> SQL:
        """Return the columns of a message that are the same for all members.

        The SELECT they belong to has an alias ``card`` (``loyalty_card``).

        :param event: one of ``CLASSES``
        """
        template = self[f'{event}_template_id']
        return SQL(
            """card.partner_id, %(company)s AS company_id, %(class)s AS message_class,
               %(subject)s AS subject, 'loyalty.card' AS origin_model, card.id AS origin_id,
               'mail.template' AS content_model, %(template)s AS content_id""",
            company=self._get_message_company().id,
            subject=template.name,
            template=template.id,
            **{'class': CLASSES[event]},
        )


class LoyaltyCard(models.Model):
    _inherit = 'loyalty.card'

    @api.model
    def _get_fold_fields(self):
        return [*super()._get_fold_fields(), 'earned_template_id']

    def _fold_after_hook(self, changes):
        res = super()._fold_after_hook(changes)
        self._plan_earned_messages()
        return res

    def _plan_earned_messages(self) -> None:
        """Tell members what their orders brought, once for each row of the ledger."""
        programs = self.sudo().program_id.filtered('earned_template_id')
        if not programs or self.env.context.get('loyalty_no_mail'):
            return
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """SELECT card_id, row.id, qty, row.description
                     FROM loyalty_history row
                     JOIN loyalty_card card ON card.id = row.card_id
                    WHERE card_id IN %(cards)s AND card.program_id IN %(programs)s
                      AND card.partner_id IS NOT NULL AND kind = 'earn' AND qty > 0
                      AND posted_at > %(now)s - interval '1 day'
                      AND date > %(now)s - make_interval(days => %(recent)s)
                      AND NOT EXISTS (SELECT FROM crm_message
                                       WHERE key = 'loyalty.history:' || row.id || ':earned')
                 ORDER BY row.id""",
                cards=tuple(self.ids),
                programs=tuple(programs.ids),
                now=now,
                recent=RECENT_DAYS,
            )
        )
        self.env['crm.message'].sudo()._plan(
            self.browse(card_id)._prepare_earned_message(row_id, float(qty), text)
            for card_id, row_id, qty, text in rows
        )

    def _prepare_earned_message(self, row_id: int, points: float, description: str) -> dict:
        """Return the message about one row of the ledger."""
        self.ensure_one()
        program = self.sudo().program_id
        template = program.earned_template_id
        return {
            'key': f'loyalty.history:{row_id}:earned',
            'partner_id': self.sudo().partner_id.id,
            'company_id': program._get_message_company().id,
            'message_class': CLASSES['earned'],
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {'layout': LAYOUT, 'points': points, 'origin': description},
        }


class LoyaltyExpiry(models.AbstractModel):
    """Members are told before points expire, and after."""

    _inherit = 'loyalty.expiry'

    def _plan_expired_messages(self, points) -> None:
        """Tell members what they lost; once a day.

        :param points: lost, by card
        """
        cards = self.env['loyalty.card'].sudo().browse(points)
        for program in cards.program_id.filtered('expired_template_id'):
            lost = SQL(', ').join(SQL('(%s, %s::float8)', *row) for row in points.items())
            self.env['crm.message'].sudo()._plan_select(
                SQL(
                    """SELECT %(shared)s,
                              concat_ws(':', 'loyalty.card', card.id, 'expired', %(day)s) AS key,
                              jsonb_build_object('layout', %(layout)s, 'points', lost.qty)
                                  AS content_values
                         FROM (VALUES %(lost)s) lost (card_id, qty)
                         JOIN loyalty_card card ON card.id = lost.card_id
                        WHERE card.program_id = %(program)s AND card.partner_id IS NOT NULL
                          AND card.active""",
                    shared=program._get_points_message_sql('expired'),
                    day=str(program._get_local_day()),
                    layout=LAYOUT,
                    lost=lost,
                    program=program.id,
                )
            )

    @api.model
    def _plan_warnings(self, programs, shard: int = 0, shards: int = 1) -> int:
        """Tell members which points expire soon, on the days each program says.

        One message for all points of a month, when the first of them come so near; points that
        were redeemed until it is written are not in it.

        :return: number of messages planned
        """
        planned = 0
        for program in programs.filtered('expiring_template_id'):
            for days in {program.first_warning_days, program.last_warning_days} - {0}:
                select = self._get_warning_sql(program, days, shard, shards)
                planned += self.env['crm.message'].sudo()._plan_select(select)
                self._commit_progress(0)
        return planned

    def _get_warning_sql(self, program, days: int, shard: int, shards: int) -> SQL:
        """Return the messages of one warning, of those whose points have just come so near."""
        day = program._get_local_day()
        last = day + timedelta(days=days)
        return SQL(
            """SELECT %(shared)s,
                      concat_ws(':', 'loyalty.card', card.id, 'expiring', %(days)s,
                                to_char(due.month, 'YYYY-MM')) AS key,
                      (due.last_day + 1)::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'
                          AS expires_at,
                      jsonb_build_object('layout', %(layout)s) AS content_values
                 FROM (SELECT award.card_id, date_trunc('month', award.expire_on) AS month,
                              max(award.expire_on) AS last_day
                         FROM loyalty_history award
                        WHERE award.remaining > 0
                          AND award.expire_on > %(first)s AND award.expire_on <= %(last)s
                     GROUP BY award.card_id, month) due
                 JOIN loyalty_card card ON card.id = due.card_id
                WHERE card.program_id = %(program)s AND card.partner_id IS NOT NULL
                  AND card.active AND card.is_member
                  AND CASE WHEN card.id %% %(shards)s = %(shard)s THEN TRUE ELSE FALSE END""",
            shared=program._get_points_message_sql('expiring'),
            days=days,
            zone=program._get_server_timezone(),
            layout=LAYOUT,
            first=max(last - timedelta(days=MISSED_DAYS), day - timedelta(days=1)),
            last=last,
            program=program.id,
            shard=shard,
            shards=shards,
        )
