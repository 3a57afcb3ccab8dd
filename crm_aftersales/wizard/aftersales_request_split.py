from odoo import api, fields, models


class AftersalesRequestSplit(models.TransientModel):
    """What of a request becomes one of its own."""

    _name = 'aftersales.request.split'
    _description = "Split of a Service Request"

    request_id = fields.Many2one(comodel_name='aftersales.request', required=True)
    message_ids = fields.Many2many(
        comodel_name='mail.message',
        string="Messages",
        help="They go over with their files.",
    )
    name = fields.Char(
        string="Subject", compute='_compute_name', store=True, readonly=False, required=True
    )
    description = fields.Html(help="What the second matter is, in the customer's words.")

    @api.depends('message_ids')
    def _compute_name(self):
        for split in self:
            subjects = [message.subject for message in split.message_ids if message.subject]
            split.name = split.name or (subjects[0] if subjects else False)

    def action_split(self) -> dict:
        """Split, and open the new request.

        :return: window action
        """
        self.ensure_one()
        part = self.request_id._split(self.name, self.message_ids, self.description or '')
        return part.get_formview_action()
