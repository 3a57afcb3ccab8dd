from odoo import fields, models


class CrmSegmentMember(models.Model):
    """That a customer was in a segment from one moment to another.

    Rows are written by the segment's refresh alone and never deleted by it: leaving sets
    ``left_at``, so that "who was in it when we mailed" can be told later.
    """

    _name = 'crm.segment.member'
    _description = 'Segment Member'
    _order = 'entered_at DESC, id DESC'
    _rec_name = 'partner_id'

    segment_id = fields.Many2one(
        comodel_name='crm.segment', required=True, readonly=True, ondelete='cascade', index=True
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        required=True,
        readonly=True,
        ondelete='cascade',
        index=True,
    )
    entered_at = fields.Datetime(string="Entered On", required=True, readonly=True)
    left_at = fields.Datetime(string="Left On", readonly=True)

    # === Customer, for the list ===
    email = fields.Char(related='partner_id.email')
    phone = fields.Char(related='partner_id.phone')
    city = fields.Char(related='partner_id.city')

    _open_unique = models.UniqueIndex(
        '(segment_id, partner_id) WHERE left_at IS NULL',
        "A customer is in a segment once at a time.",
    )
    _partner_open_idx = models.Index('(partner_id) WHERE left_at IS NULL')

    def action_open_customer(self) -> dict:
        """Open the customer's form.

        :return: a window action
        """
        self.ensure_one()
        return self.partner_id.get_formview_action()
