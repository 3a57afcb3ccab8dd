from __future__ import annotations

import time

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL


class CrmSegment(models.Model):
    """How the members of a segment are kept: who enters, who leaves, and when."""

    _inherit = 'crm.segment'

    # ------------------------------------------------------------
    # REFRESH
    # ------------------------------------------------------------

    def _refresh(self) -> None:
        """Let customers enter and leave; with nothing changed nothing is written but the time.

        Members are kept by the system whoever asks, hence sudo; the rule itself runs with the
        owner's rights.
        """
        for segment in self.sudo():
            started = time.monotonic()
            segment._bump_version()
            entered, left = segment._apply_diff()
            segment.write(
                {
                    'last_build_at': fields.Datetime.now(),
                    'last_build_ms': round((time.monotonic() - started) * 1000),
                    'last_error': False,
                }
            )
            segment._after_refresh_hook(entered, left)

    def _apply_diff(self) -> tuple[int, int]:
        """Turn the open members into whom the rule finds now.

        :return: number of customers who entered, who left
        """
        target = self._get_owner_partners()._search(self._get_partner_domain())
        self.env.flush_all()
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", self._get_work_mem()))
        entered, left = self.env.execute_query(self._get_diff_sql(target.subselect()))[0]
        self.env['crm.segment.member'].invalidate_model()
        self.env['res.partner'].invalidate_model(['crm_segment_ids'])
        self.invalidate_model(['member_count'])
        return entered, left

    @api.model
    def _get_work_mem(self) -> str:
        return '256MB'

    def _is_overdue(self) -> bool:
        """Whether the nightly refresh did not reach this segment."""
        self.ensure_one()
        limit = fields.Datetime.subtract(fields.Datetime.now(), days=2)
        return self.refresh == 'daily' and (not self.last_build_at or self.last_build_at < limit)

    def _after_refresh_hook(self, entered: int, left: int) -> None:
        """Extension point: customers entered and left this segment."""

    def _get_diff_sql(self, target: SQL) -> SQL:
        """Return the statement that turns the open members into the target.

        The second of two workers is stopped by the segment's version; the unique index would
        stop it too.  Both differences are hashed (NOT IN over columns that are never null), for a
        join would be planned by statistics that know nothing of a segment filled for the first
        time.
        """
        return SQL(
            """WITH %(ctes)s, gone AS (
                UPDATE crm_segment_member
                   SET left_at = %(now)s, write_uid = %(uid)s, write_date = %(now)s
                 WHERE segment_id = %(segment)s
                   AND left_at IS NULL
                   AND partner_id NOT IN (SELECT id FROM target)
             RETURNING id
            ), come AS (
                INSERT INTO crm_segment_member (segment_id, partner_id, entered_at,
                                                create_uid, create_date, write_uid, write_date)
                SELECT %(segment)s, target.id, %(now)s, %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM target
                 WHERE id NOT IN (SELECT partner_id FROM present)
                ON CONFLICT (segment_id, partner_id) WHERE left_at IS NULL DO NOTHING
             RETURNING id
            )
            SELECT (SELECT count(*) FROM come), (SELECT count(*) FROM gone)""",
            ctes=self._get_diff_ctes(target),
            segment=self.id,
            uid=self.env.uid,
            now=self.env.cr.now(),
        )

    def _get_diff_ctes(self, target: SQL) -> SQL:
        """Return the common table expressions of whom the rule finds and who is a member."""
        return SQL(
            """target AS MATERIALIZED (
                SELECT id FROM res_partner WHERE id IN %(target)s
            ), present AS MATERIALIZED (
                SELECT partner_id FROM crm_segment_member
                 WHERE segment_id = %(segment)s AND left_at IS NULL
            )""",
            target=target,
            segment=self.id,
        )

    def _fetch_diff(self) -> tuple[list[int], list[int]]:
        """Return the customers who would enter and who would leave now; nothing is written."""
        target = self._get_owner_partners()._search(self._get_partner_domain())
        self.env.flush_all()
        entering, leaving = self.env.execute_query(
            SQL(
                """WITH %s
                SELECT ARRAY(SELECT id FROM target
                              WHERE id NOT IN (SELECT partner_id FROM present)),
                       ARRAY(SELECT partner_id FROM present
                              WHERE partner_id NOT IN (SELECT id FROM target))""",
                self._get_diff_ctes(target.subselect()),
            )
        )[0]
        return entering, leaving

    @api.model
    def _cron_refresh(self) -> None:
        """Refresh every active daily segment, one commit each; one that fails says why."""
        segments = self.search(self._get_refresh_domain())._sort_by_dependency()
        commit = self.env['ir.cron']._commit_progress
        commit(remaining=len(segments))
        for segment in segments:
            try:
                segment._refresh()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # Somebody refreshes it at this moment: that will do.
                self.env.cr.rollback()
            except Exception as error:  # noqa: BLE001 - the other segments must go on
                self.env.cr.rollback()
                segment.last_error = str(error)
            if not commit(1):
                break

    @api.model
    def _get_refresh_domain(self) -> Domain:
        return Domain('state', '=', 'active') & Domain('refresh', '=', 'daily')
