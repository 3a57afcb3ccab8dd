from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from .portal import DONE, AftersalesPortal

#: changes one visitor may make to his requests in an hour
MAX_ACTIONS = 30


class AftersalesRequestPortal(AftersalesPortal):
    """What a customer does with a request of his: cancel, reopen and rate it.

    Logged in, or by the link he was sent. Programs that look into mail follow its links, so each
    is a form of its own that is posted.
    """

    @http.route(
        '/my/requests/<int:request_id>/cancel',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
    )
    def portal_cancel_request(self, request_id, access_token=None, reason='', **post):
        """Withdraw a request."""
        return self._act(
            request_id,
            access_token,
            lambda request_sudo, author: request_sudo._cancel_from_portal(
                author, self._clean(reason)
            ),
            request.env._("The request was cancelled."),
        )

    @http.route(
        '/my/requests/<int:request_id>/reopen',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
    )
    def portal_reopen_request(self, request_id, access_token=None, reason='', **post):
        """Have a request worked on again."""
        return self._act(
            request_id,
            access_token,
            lambda request_sudo, author: request_sudo._reopen_from_portal(
                author, self._clean(reason)
            ),
            request.env._("The request is open again."),
        )

    @http.route(
        '/my/requests/<int:request_id>/rate',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
    )
    def portal_rate_request(self, request_id, access_token=None, feedback='', **post):
        """Say how satisfied one is."""
        return self._act(
            request_id,
            access_token,
            lambda request_sudo, _author: request_sudo._rate_from_portal(
                self._to_id(post, 'rate'), self._clean(feedback)
            ),
            request.env._("Thank you for your rating."),
        )

    def _act(self, request_id: int, access_token: str | None, work, done: str):
        """Do something with a request and show its page again.

        :param work: gets the request, in elevated rights, and the contact who acts
        :param done: what the page says afterwards
        """
        request_sudo = self._get_document('aftersales.request', request_id, access_token)
        if not request_sudo or not self._may_act(request_sudo, access_token):
            return request.redirect('/my')
        own = self._is_own(request_sudo)
        author = request.env.user.partner_id if own else request_sudo.partner_id
        key = str(author.id or request_sudo.id)
        level, text = 'success', done
        try:
            if not request.env['crm.rate.limit']._hit('aftersales.action', key, MAX_ACTIONS, 3600):
                raise UserError(request.env._("You have changed much lately. Please call us."))
            with request.env.cr.savepoint():
                work(request_sudo.sudo(), author.sudo())
        except UserError as error:
            level, text = 'danger', str(error)
        request.session[DONE] = (level, text)
        url = request_sudo.access_url
        return request.redirect(url if own else f'{url}?access_token={access_token}')
