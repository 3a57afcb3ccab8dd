from odoo import api, fields, models


class AftersalesRequestMerge(models.TransientModel):
    """Which requests of a customer are one, and under which number it goes on."""

    _name = 'aftersales.request.merge'
    _description = "Merge of Service Requests"

    request_ids = fields.Many2many(
        comodel_name='aftersales.request',
        string="Requests",
        domain=[('merged_into_id', '=', False)],
        required=True,
    )
    survivor_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Goes on as",
        compute='_compute_survivor_id',
        store=True,
        readonly=False,
        domain=[('merged_into_id', '=', False)],
        help="The request that stays; its subject, responsible and stage are kept.",
    )

    @api.depends('request_ids')
    def _compute_survivor_id(self):
        """Suggest the open request that came in first; of a single one nobody knows the other."""
        for merge in self:
            requests = merge.request_ids
            still_open = requests.filtered_domain(requests._get_open_domain()) or requests
            first = still_open.sorted(lambda request: (request.date_received, request.ids))[:1]
            merge.survivor_id = merge.survivor_id or (first if len(requests) > 1 else False)

    def action_merge(self) -> dict:
        """Merge, and open what is left.

        :return: window action
        """
        self.ensure_one()
        # without a choice there is nothing to merge, and the refusal says so
        survivor = self.survivor_id or self.request_ids[:1]
        return self.request_ids._merge_into(survivor).get_formview_action()
