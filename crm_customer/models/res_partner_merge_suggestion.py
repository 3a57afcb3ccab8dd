from __future__ import annotations

from odoo import api, models
from odoo.tools import SQL


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.model
    def _get_phone_key_sql(self, partner: str, country: str) -> SQL:
        """Return what ``_get_phone_key`` does, as an expression; NULL without a number.

        :param partner: alias of ``res_partner`` in the statement
        :param country: alias of ``res_country``, of numbers without a code of their own
        """
        phone = SQL.identifier(partner, 'phone')
        code = SQL("COALESCE(%s::text, '')", SQL.identifier(country, 'phone_code'))
        text = SQL("regexp_replace(%s, '[^0-9+]', '', 'g')", phone)
        digits = SQL("ltrim(%s, '+')", text)
        bare = SQL("ltrim(%s, '0')", digits)
        rest = SQL("ltrim(substr(%(bare)s, length(%(code)s) + 1), '0')", bare=bare, code=code)
        return SQL(
            """
            CASE WHEN %(digits)s = '' THEN NULL
                 WHEN left(%(text)s, 1) <> '+' AND left(%(digits)s, 2) <> '00'
                 THEN %(code)s || %(bare)s
                 WHEN %(code)s <> '' AND starts_with(%(bare)s, %(code)s) AND %(rest)s <> ''
                 THEN %(code)s || %(rest)s
                 ELSE %(bare)s END
            """,
            digits=digits,
            text=text,
            code=code,
            bare=bare,
            rest=rest,
        )

    def _merge_customer_data(self, src_partners):
        """Say of the contact that stays what was said of those merged into it."""
        self._move_merge_suggestions(src_partners)
        return super()._merge_customer_data(src_partners)

    def _move_merge_suggestions(self, src_partners: ResPartner) -> None:
        self.env['crm.merge.suggestion'].flush_model()
        ids = tuple(src_partners.ids)
        self.env.cr.execute(
            SQL(
                """
                WITH moved AS (
                    DELETE FROM crm_merge_suggestion
                     WHERE partner_a_id IN %(ids)s OR partner_b_id IN %(ids)s RETURNING *
                ), pair AS (
                    SELECT CASE WHEN partner_a_id IN %(ids)s THEN %(target)s ELSE partner_a_id
                           END AS one,
                           CASE WHEN partner_b_id IN %(ids)s THEN %(target)s ELSE partner_b_id
                           END AS two, moved.*
                      FROM moved
                )
                INSERT INTO crm_merge_suggestion
                       (partner_a_id, partner_b_id, company_id, state, score, found_at, same_vat,
                        same_email, same_phone, same_name, same_birthday, create_date, write_date)
                SELECT DISTINCT ON (least(one, two), greatest(one, two))
                       least(one, two), greatest(one, two), company_id, state, score, found_at,
                       same_vat, same_email, same_phone, same_name, same_birthday, create_date,
                       write_date
                  FROM pair WHERE one <> two
              ORDER BY least(one, two), greatest(one, two), state, score DESC
                ON CONFLICT (partner_a_id, partner_b_id) DO UPDATE
                   SET state = least(EXCLUDED.state, crm_merge_suggestion.state)
                """,
                ids=ids,
                target=self.id,
            )
        )
        self.env['crm.merge.suggestion'].invalidate_model()
