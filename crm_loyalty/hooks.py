"""Bring the ledger of a shop that used core's loyalty programs before into our shape."""

import logging

_logger = logging.getLogger(__name__)


def pre_init_hook(env):
    """Add and fill the ledger columns by SQL, before the ORM would compute them row by row."""
    cr = env.cr
    cr.execute(
        """
        ALTER TABLE loyalty_program ADD COLUMN IF NOT EXISTS managed boolean;
        ALTER TABLE loyalty_history
            ADD COLUMN IF NOT EXISTS qty numeric,
            ADD COLUMN IF NOT EXISTS date timestamp,
            ADD COLUMN IF NOT EXISTS posted_at timestamp,
            ADD COLUMN IF NOT EXISTS kind varchar
        """
    )
    # existing programs stay core's until an administrator switches them over
    cr.execute("UPDATE loyalty_program SET managed = FALSE WHERE managed IS NULL")
    cr.execute(
        """
        UPDATE loyalty_history
           SET qty = round((COALESCE(issued, 0) - COALESCE(used, 0))::numeric, 2),
               date = date_trunc('second', COALESCE(create_date, now() AT TIME ZONE 'UTC')),
               posted_at = date_trunc('second', COALESCE(create_date, now() AT TIME ZONE 'UTC')),
               kind = CASE WHEN order_model IS NULL THEN 'adjust'
                           WHEN COALESCE(used, 0) > 0 AND COALESCE(issued, 0) <= 0 THEN 'burn'
                           ELSE 'earn' END
         WHERE qty IS NULL
        """
    )
    _logger.info("Points ledger: %s existing rows filled.", cr.rowcount)


def post_init_hook(env):
    """Make the rows of every card of a managed program add up to its balance."""
    # the others are opened by the administrator who switches them over
    env['loyalty.program'].with_context(active_test=False).search(
        [('managed', '=', True)]
    )._open_ledger()


def uninstall_hook(env):
    """Remove what the ORM does not: indexes on core's columns and our lines in the job log."""
    jobs = env['crm.job'].search(
        [('model', 'in', ('loyalty.tier.evaluation', 'loyalty.backfill.engine', 'loyalty.proof'))]
    )
    jobs.filtered(lambda job: job.state not in ('done', 'cancelled')).action_cancel()
    jobs.unlink()
    env['loyalty.card']._cron_fold()
    # tiers are deleted before the column that holds them
    env.cr.execute(
        """
        UPDATE loyalty_card SET tier_id = NULL WHERE tier_id IS NOT NULL;
        DROP INDEX IF EXISTS loyalty_history_order_ref_idx;
        DROP INDEX IF EXISTS sale_order_coupon_points_coupon_idx;
        DROP INDEX IF EXISTS sale_order_line_coupon_idx
        """
    )
