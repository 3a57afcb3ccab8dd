from odoo import api


def pre_init_hook(env: api.Environment) -> None:
    """Add columns that are empty for products registered so far, so that nothing is computed."""
    env.cr.execute('ALTER TABLE aftersales_unit ADD COLUMN IF NOT EXISTS pos_order_id int4')
