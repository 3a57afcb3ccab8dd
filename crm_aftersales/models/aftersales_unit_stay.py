from odoo import api, fields, models

from ..days import check_days


class AftersalesUnitStay(models.Model):
    """From when until when a product was with us for service; what days in repair are counted by.

    Kept as products come and go; the service desk corrects it.
    """

    _name = 'aftersales.unit.stay'
    _description = "Stay in Service"
    _order = 'unit_id, date_from desc, id desc'
    _rec_name = 'date_from'
    _check_company_auto = True

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        required=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        related='unit_id.company_id', store=True, precompute=True, index=True
    )
    date_from = fields.Date(string="Handed In on", required=True)
    date_to = fields.Date(string="Given Back on", required=True)
    note = fields.Char()

    _dates_in_order = models.Constraint(
        'CHECK(date_to >= date_from)', "A product is given back after it was handed in."
    )

    @api.constrains('date_from', 'date_to')
    def _check_days(self):
        check_days(self, 'date_from', 'date_to')
