from __future__ import annotations

from odoo import api, models
from odoo.tools import SQL

#: more customers than this with one number or address share it, as a switchboard
MAX_SHARED = 5
#: more than this is a placeholder, as 00000000
MAX_COMPARED = 100
THRESHOLD = 45
WEIGHTS = {
    'same_vat': 60,
    'same_email': 60,
    'same_phone': 45,
    'same_name': 35,
    'same_birthday': 20,
}


class CrmMergeSuggestion(models.Model):
    """Finding contacts that may be one, all at once, a kind of sign per chunk."""

    _inherit = 'crm.merge.suggestion'

    @api.model
    def _cron_search(self) -> None:
        self._enqueue_search()

    @api.model
    def _enqueue_search(self) -> models.BaseModel:
        """Look for contacts that may be one; while that is going on, return that job."""
        return self.env['crm.job']._enqueue(
            name=self.env._("Contacts that may be one"),
            model=self._name,
            method='_search_chunk',
            total=len(self._get_kinds()) + 1,
            key='crm.merge.suggestion:search',
        )

    @api.model
    def _get_kinds(self) -> dict[str, SQL]:
        """Return the sign and, for contacts ``p``, the text that two have in common.

        What is NULL has nothing in common with anything.
        """
        return {
            'same_vat': SQL("NULLIF(regexp_replace(upper(p.vat), '[^0-9A-Z]', '', 'g'), '')"),
            'same_email': SQL('p.email_normalized'),
            'same_phone': self.env['res.partner']._get_phone_key_sql('p', 'country'),
            'same_birthday': self._get_birthday_sql(),
        }

    @api.model
    def _get_birthday_sql(self) -> SQL:
        """A birthday speaks for one person only together with the name."""
        return SQL(
            "CASE WHEN p.birth_month > 0 AND p.birth_day > 0 THEN"
            " concat_ws('|', lower(p.name), p.birth_calendar, p.birth_month, p.birth_day) END"
        )

    @api.model
    def _search_chunk(self, job) -> bool:
        """Do one kind of sign; at the end rate what was found, and drop what no longer is."""
        cursor = job.cursor or {'kinds': list(self._get_kinds()), 'now': str(self.env.cr.now())}
        if not cursor['kinds']:
            self._rate()
            count = self._drop_stale(cursor['now'])
            job._advance(done=1, result=self.env._("%s to decide.", count))
            return False
        kind, *rest = cursor['kinds']
        self.env['res.partner'].flush_model()
        self._forget_sign(kind)
        self._find_sign(kind, cursor['now'])
        job._advance(done=1, cursor={**cursor, 'kinds': rest})
        return True

    # ------------------------------------------------------------
    # STATEMENTS
    # ------------------------------------------------------------

    def _forget_sign(self, kind: str) -> None:
        self.env.cr.execute(
            SQL(
                'UPDATE crm_merge_suggestion SET %(kind)s = FALSE WHERE %(kind)s',
                kind=SQL.identifier(kind),
            )
        )

    def _find_sign(self, kind: str, now: str) -> None:
        """Note the pairs of contacts that share one sign."""
        self.env.cr.execute(
            SQL(
                """
                WITH sign AS MATERIALIZED (%(signs)s), shared AS (
                    SELECT text, count(DISTINCT commercial_partner_id) AS number FROM sign
                     WHERE text IS NOT NULL GROUP BY text
                    HAVING count(*) BETWEEN 2 AND %(max_compared)s
                )
                INSERT INTO crm_merge_suggestion
                       (partner_a_id, partner_b_id, company_id, state, score, found_at,
                        %(kind)s, same_name, create_uid, create_date, write_uid, write_date)
                SELECT a.id, b.id, COALESCE(a.company_id, b.company_id), 'open', 0, %(now)s,
                       TRUE, a.name = b.name, %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM shared
                  JOIN sign a ON a.text = shared.text
                  JOIN sign b ON b.text = shared.text AND b.id > a.id
                 WHERE (shared.number <= %(max_shared)s OR a.name = b.name)
                   AND %(pair)s
                ON CONFLICT (partner_a_id, partner_b_id) DO UPDATE
                   SET %(kind)s = TRUE, same_name = EXCLUDED.same_name,
                       company_id = EXCLUDED.company_id, found_at = EXCLUDED.found_at
                """,
                signs=self._get_signs_sql(kind),
                kind=SQL.identifier(kind),
                pair=self._get_pair_sql(kind),
                max_shared=MAX_SHARED,
                max_compared=MAX_COMPARED,
                now=now,
                uid=self.env.uid,
            )
        )

    def _get_signs_sql(self, kind: str) -> SQL:
        """Return the contacts with the text of a sign, and what pairs are told apart by."""
        return SQL(
            """
            SELECT p.id, %(text)s AS text, p.company_id, p.parent_id, p.is_company,
                   p.commercial_partner_id, lower(btrim(p.name)) AS name
              FROM res_partner p
              LEFT JOIN res_company company ON company.id = p.company_id
              LEFT JOIN res_partner home ON home.id = COALESCE(company.partner_id, %(home)s)
              LEFT JOIN res_country country
                ON country.id = COALESCE(p.country_id, home.country_id)
             WHERE %(candidates)s
            """,
            text=self._get_kinds()[kind],
            home=self.env.company.partner_id.id,
            candidates=self._get_candidates_sql(),
        )

    @api.model
    def _get_candidates_sql(self) -> SQL:
        """Return the condition of the contacts ``p`` that are looked at.

        Addresses are part of another contact; the companies of the database merge with nobody.
        """
        return SQL(
            "p.active AND (p.type = 'contact' OR p.type IS NULL OR p.parent_id IS NULL)"
            ' AND NOT EXISTS (SELECT FROM res_company WHERE partner_id = p.id)'
        )

    @api.model
    def _get_pair_sql(self, kind: str) -> SQL:
        """Return the condition of a pair of contacts ``a`` and ``b`` that share a sign.

        Nobody sees contacts of two companies at once. Core merges neither a contact with his
        company nor two users. People of one company share its switchboard, tax number and often
        an address; a company and a person are one only if they are called the same.
        """
        conditions = [
            SQL('(a.company_id = b.company_id OR a.company_id IS NULL OR b.company_id IS NULL)'),
            SQL('a.parent_id IS DISTINCT FROM b.id AND b.parent_id IS DISTINCT FROM a.id'),
            SQL(
                'NOT (EXISTS (SELECT FROM res_users WHERE partner_id = a.id)'
                ' AND EXISTS (SELECT FROM res_users WHERE partner_id = b.id))'
            ),
        ]
        if kind != 'same_birthday':
            conditions.append(
                SQL(
                    '(a.name = b.name OR ('
                    'a.commercial_partner_id IS DISTINCT FROM b.commercial_partner_id'
                    ' AND COALESCE(a.is_company, FALSE) = COALESCE(b.is_company, FALSE)'
                    ' AND (a.parent_id IS NULL AND b.parent_id IS NULL OR %s)))',
                    kind == 'same_email',
                )
            )
        return SQL(' AND ').join(conditions)

    def _rate(self) -> None:
        """Compute the score of what was found."""
        score = SQL(' + ').join(
            SQL('CASE WHEN %s THEN %s ELSE 0 END', SQL.identifier(name), weight)
            for name, weight in WEIGHTS.items()
        )
        self.env.cr.execute(
            SQL(
                'UPDATE crm_merge_suggestion SET score = LEAST(100, %(score)s)'
                ' WHERE score IS DISTINCT FROM LEAST(100, %(score)s)',
                score=score,
            )
        )

    def _drop_stale(self, now: str) -> int:
        """Delete the open pairs that were not found this time or share too little.

        :return: number of open pairs that stay
        """
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_merge_suggestion WHERE state = 'open'"
                ' AND (found_at < %s OR score < %s)',
                now,
                THRESHOLD,
            )
        )
        self.invalidate_model()
        return self.sudo().search_count([('state', '=', 'open')])
