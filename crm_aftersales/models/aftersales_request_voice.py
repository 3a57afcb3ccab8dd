from odoo import fields, models


class AftersalesRequest(models.Model):
    """What became of bad scores, and what moves when requests are merged."""

    _inherit = 'aftersales.request'

    followup_ids = fields.One2many(
        comodel_name='aftersales.followup', inverse_name='request_id', string="Follow-ups of Scores"
    )

    def _get_moved_records(self, sources):
        env = self.env(context={**self.env.context, 'active_test': False})
        domain = [('request_id', 'in', sources.ids)]
        return [
            *super()._get_moved_records(sources),
            *(
                (env[model].search(domain), 'request_id')
                for model in (
                    'aftersales.opinion',
                    'aftersales.followup',
                    'aftersales.selfaudit',
                    'aftersales.article',
                )
            ),
        ]
