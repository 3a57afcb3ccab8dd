from odoo import fields, models


class AftersalesUnitOwner(models.Model):
    """Whom a customer product belonged to, and when: without gap and without overlap.

    Rows follow from what happens to the product (``aftersales.unit._transfer``); nobody writes
    them by hand.
    """

    _name = 'aftersales.unit.owner'
    _description = "Owner of a Customer Product"
    _order = 'unit_id, date_from desc, id desc'
    _rec_name = 'partner_id'

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        required=True,
        index=True,
        ondelete='cascade',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Owner", required=True, index=True, ondelete='restrict'
    )
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="Until", help="Day the next owner took over; empty for today's.")
    reason = fields.Char()

    # Written with ranges of one number, as PostgreSQL compares plain numbers in such an index only
    # with an extension that not every administrator may install.
    _no_overlap = models.Constraint(
        "EXCLUDE USING gist (int4range(unit_id, unit_id, '[]') WITH =,"
        " daterange(date_from, date_to, '[)') WITH &&)",
        "A product belongs to one owner at a time. Somebody else has just handed it over: please"
        " reload.",
    )
    _one_present = models.UniqueIndex(
        '(unit_id) WHERE date_to IS NULL', "A product belongs to one owner at a time."
    )
