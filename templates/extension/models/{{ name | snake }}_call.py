from odoo import fields, models

from odoo.addons.crm_customer.timeline import TimelineText


class {{ name | pascal }}Call(models.Model):
    """A phone call with a customer: something that happens, and so an event of his time line."""

    _name = '{{ name | snake }}.call'
    _description = 'Phone Call'
    _order = 'date desc, id desc'

    name = fields.Char(string="Subject", required=True)
    date = fields.Datetime(required=True, default=fields.Datetime.now)
    partner_id = fields.Many2one(comodel_name='res.partner', required=True, index=True)

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these calls, for a whole page at once."""
        return {call.id: TimelineText(title=call.name) for call in self}
