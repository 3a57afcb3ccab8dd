from odoo import api, models
from odoo.exceptions import RedirectWarning, UserError


class ResPartner(models.Model):
    """A member is not deleted: his points are in the books."""

    _inherit = 'res.partner'

    @api.ondelete(at_uninstall=False)
    def _unlink_except_members(self):
        cards = self.env['loyalty.card'].sudo().with_context(active_test=False)
        members = cards.search([('partner_id', 'in', self.ids), ('is_member', '=', True)])
        if not members:
            return
        partners = members.partner_id.with_env(self.env)
        message = self.env._(
            "%(members)s cannot be deleted: the points of a member stay in the books. Close the "
            "card and make the contact anonymous instead.",
            members=partners.sudo().mapped('display_name'),
        )
        can_close = len(partners) == 1 and any(members.mapped('active'))
        if can_close and self.env.user.has_group('crm_customer.group_manager'):
            action = partners.action_erase_personal_data()
            raise RedirectWarning(message, action, self.env._("Close and Anonymise"))
        raise UserError(message)
