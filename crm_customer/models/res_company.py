from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    crm_job_keep_days = fields.Integer(
        string="Keep Jobs for (Days)",
        default=90,
        help="Jobs that ended and their log are deleted after so many days; 0 keeps them.",
    )

    def _get_customer_timezone(self) -> str:
        """Return the zone in which days begin for the company's customers: its working hours'."""
        self.ensure_one()
        return self.resource_calendar_id.tz or 'UTC'
