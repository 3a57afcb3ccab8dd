from odoo import api, fields, models
from odoo.exceptions import UserError


class AftersalesRequestMerge(models.TransientModel):
    """Which requests of a customer are one, and under which number it goes on."""

    _name = 'aftersales.request.merge'
    _description = "Merge of Service Requests"

    request_ids = fields.Many2many(
        comodel_name='aftersales.request',
        string="Requests",
        domain="survivor_id and [('merged_into_id', '=', False), ('company_id', '=', company_id),"
        " ('commercial_partner_id', '=', commercial_partner_id)]"
        " or [('merged_into_id', '=', False)]",
        required=True,
    )
    survivor_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Goes on as",
        compute='_compute_survivor_id',
        store=True,
        readonly=False,
        domain="[('id', 'in', request_ids)]",
        help="The request that stays; its subject, responsible and stage are kept.",
    )
    # what others of the same customer are found by
    company_id = fields.Many2one(related='survivor_id.company_id')
    commercial_partner_id = fields.Many2one(related='survivor_id.commercial_partner_id')

    @api.depends('request_ids')
    def _compute_survivor_id(self):
        """Suggest the open request that came in first, as long as none of the list is chosen.

        From the form of a request that is the request itself: others are added to it.
        """
        for merge in self:
            requests = merge.request_ids._origin
            chosen = merge.survivor_id._origin & requests
            still_open = requests.filtered_domain(requests._get_open_domain()) or requests
            first = still_open.sorted(lambda request: (request.date_received, request.id))[:1]
            merge.survivor_id = chosen or first

    def action_merge(self) -> dict:
        """Merge, and open what is left.

        :return: window action
        :raise UserError: the one that stays is not among them
        """
        self.ensure_one()
        if self.survivor_id - self.request_ids:
            raise UserError(
                self.env._(
                    "%(request)s is not among the requests to merge. Add it, or choose another one"
                    " that goes on.",
                    request=self.survivor_id.display_name,
                )
            )
        # without a choice there is nothing to merge, and the refusal says so
        survivor = self.survivor_id or self.request_ids[:1]
        return self.request_ids._merge_into(survivor).get_formview_action()
