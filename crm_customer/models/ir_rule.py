from odoo import api, fields, models
from odoo.fields import Domain


class IrRule(models.Model):
    _inherit = 'ir.rule'

    # As it stands in every database: core's own side says 'restrict', which an addon that extends
    # rules would bring into force, and groups with rules could not be deleted any more.
    groups = fields.Many2many(ondelete='cascade')

    @api.model
    def _compute_domain(self, model_name: str, mode: str = 'read') -> Domain:
        """Keep confidential records where the web client is.

        Here, as every search and every check of access asks here.  It cannot be a record rule:
        those are cached per user, and the same user comes by the web client and by the API.  What
        the API may do is add.
        """
        domain = super()._compute_domain(model_name, mode)
        if mode != 'create' and hasattr(self.env.registry[model_name], '_get_channel_domain'):
            domain &= self.env[model_name]._get_channel_domain()
        return domain
