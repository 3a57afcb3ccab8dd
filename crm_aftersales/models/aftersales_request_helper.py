from __future__ import annotations

from odoo import Command, api, fields, models


class AftersalesRequest(models.Model):
    """Colleagues who work on a request beside the one who is responsible."""

    _inherit = 'aftersales.request'

    helper_ids = fields.Many2many(
        comodel_name='res.users',
        relation='aftersales_request_helper_rel',
        string="Helpers",
        domain=lambda self: self._get_worker_domain(),
        check_company=True,
        copy=False,
        tracking=True,
        help="They see the request, work on it and follow it; the responsible stays responsible.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        for request in requests.filtered('helper_ids'):
            request._invite_helpers(request.helper_ids)
        return requests

    def write(self, vals):
        before = {request: request.helper_ids for request in self} if 'helper_ids' in vals else {}
        res = super().write(vals)
        for request, helpers in before.items():
            request._invite_helpers(request.helper_ids - helpers)
            request._release_helpers(helpers - request.helper_ids)
        return res

    def _invite_helpers(self, helpers) -> None:
        """Let new helpers follow the request, and tell them."""
        self.ensure_one()
        partners = helpers.partner_id
        if not partners:
            return
        self.message_subscribe(partners.ids)
        told = (partners - self.env.user.partner_id).filtered('active')
        self._message_auto_subscribe_notify(told.ids, 'mail.message_user_assigned')

    def _message_auto_subscribe(self, updated_values, followers_existing_policy='skip'):
        """Who follows a team that companies share follows the requests of his own companies."""
        if not updated_values.get('team_id'):
            return super()._message_auto_subscribe(updated_values, followers_existing_policy)
        for company, requests in self.grouped('company_id').items():
            requests = requests.with_context(followers_of_company_id=company.id)
            super(AftersalesRequest, requests)._message_auto_subscribe(
                updated_values, followers_existing_policy
            )
        return True

    def _release_helpers(self, helpers) -> None:
        """Who helps no more follows no more, unless he is responsible."""
        self.ensure_one()
        partners = (helpers - self.user_id).partner_id
        if partners:
            self.message_unsubscribe(partners.ids)

    def _prepare_taken_over_vals(self, sources):
        vals = super()._prepare_taken_over_vals(sources)
        if helpers := sources.helper_ids - self.helper_ids:
            vals['helper_ids'] = [Command.link(user_id) for user_id in helpers.ids]
        return vals
