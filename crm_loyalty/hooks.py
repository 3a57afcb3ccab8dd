"""Bring the ledger of a shop that used core's loyalty programs before into our shape."""

import logging
from contextlib import suppress

from psycopg2 import IntegrityError

from odoo.tools import mute_logger

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

_logger = logging.getLogger(__name__)

#: addons of core that show documents in core's history, and take their rows away when they go
CORE_CHANNELS = {'sale.order': 'sale_loyalty', 'pos.order': 'pos_loyalty'}


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
    """Remove what the ORM does not, and leave to the shop what its own documents need."""
    jobs = env['crm.job'].search(
        [('model', 'in', ('loyalty.tier.evaluation', 'loyalty.backfill.engine', 'loyalty.proof'))]
    )
    jobs.filtered(lambda job: job.state not in ('done', 'cancelled')).action_cancel()
    jobs.unlink()
    env['loyalty.card']._cron_fold()
    _forget_documents(env)
    _delete_demo_members(env)
    _hand_over_programs(env)
    # tiers are deleted before the column that holds them
    env.cr.execute(
        """
        UPDATE loyalty_card SET tier_id = NULL WHERE tier_id IS NOT NULL;
        DROP INDEX IF EXISTS loyalty_history_order_ref_idx;
        DROP INDEX IF EXISTS sale_order_coupon_points_coupon_idx;
        DROP INDEX IF EXISTS sale_order_line_coupon_idx
        """
    )


def _forget_documents(env):
    """Leave rows of members without a document that core could not show; their text names it.

    Core opens whatever a row points to, also documents of this addon and of channels that went.
    """
    modules = env['ir.module.module'].sudo().search([('state', 'in', ('installed', 'to upgrade'))])
    there = set(modules.mapped('name'))
    shown = [model for model, channel in CORE_CHANNELS.items() if channel in there]
    env.cr.execute(
        """
        UPDATE loyalty_history row SET order_model = NULL, order_id = NULL
          FROM loyalty_card card
         WHERE card.id = row.card_id AND card.is_member AND NOT row.order_model = ANY(%s)
        """,
        [shown],
    )


def _delete_demo_members(env):
    """Delete the cards of our demo contacts, whose orders and names go with the addon.

    Nothing names these cards, so Odoo would leave them behind without a member.
    """
    lines = _get_own(env, 'sale.order').order_line
    env.cr.execute(
        'UPDATE sale_order_line SET coupon_id = NULL WHERE id IN %s', [tuple(lines.ids) or (0,)]
    )
    env.invalidate_all(flush=False)
    cards = env['loyalty.card'].with_context(active_test=False, **{MODULE_UNINSTALL_FLAG: True})
    for card in cards.search([('partner_id', 'in', _get_own(env, 'res.partner').ids)]):
        # orders that somebody made for them stay, and need their card
        with mute_logger('odoo.sql_db'), suppress(IntegrityError), env.cr.savepoint():
            card.unlink()


def _hand_over_programs(env):
    """Let programs of ours that have members belong to the shop, which cannot do without them."""
    programs = _get_own(env, 'loyalty.program')
    cards = env['loyalty.card'].with_context(active_test=False)
    used = cards.search([('program_id', 'in', programs.ids)]).program_id
    _get_own_names(env, 'loyalty.program').filtered(lambda name: name.res_id in used.ids).unlink()


def _get_own(env, model):
    """Return the records of a model that came with this addon."""
    return env[model].browse(_get_own_names(env, model).mapped('res_id')).exists()


def _get_own_names(env, model):
    names = env['ir.model.data'].sudo()
    return names.search([('module', '=', 'crm_loyalty'), ('model', '=', model)])
