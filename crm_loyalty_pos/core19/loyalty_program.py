from odoo import api, models


class LoyaltyProgram(models.Model):
    _inherit = 'loyalty.program'

    @api.model
    def _load_pos_data_fields(self, config):
        return [
            *super()._load_pos_data_fields(config),
            *('managed', 'redeem_minimum_amount', 'redeem_max_percent'),
        ]

    @api.model
    def _load_pos_data_read(self, records, config):
        rows = super()._load_pos_data_read(records, config)
        for row in rows:
            program = records.sudo().browse(row['id'])
            if program.managed and not program._can_redeem_earned():
                # what an order gives comes after it is paid
                row['applies_on'] = 'future'
        return rows
