from odoo import fields, models


class AftersalesCode(models.Model):
    """What service codes say to whoever counts repairs."""

    _inherit = 'aftersales.code'

    is_safety = fields.Boolean(
        string="Safety Fault", help="A fault that endangers people; counted by remedy rules."
    )
    is_repair = fields.Boolean(
        string="Is a Repair",
        default=True,
        help="Of solutions: what was solved so counts as repair. Not so when only the use was"
        " explained.",
    )
