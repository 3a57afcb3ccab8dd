from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.crm_customer.controllers.preferences import PreferencesPortal

from ..models.aftersales_request_feedback import SCOPE_FEEDBACK

#: answers one customer may send in an hour
MAX_ANSWERS = 20


class FeedbackPortal(PreferencesPortal):
    """The short form after the end of a request: by a signed link, and answered once.

    Programs that look into mail follow its links. So opening the page changes nothing; only what
    is posted does.
    """

    @http.route(
        '/aftersales/feedback/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def feedback_form(self, token, **kwargs):
        """Show the questions, or thank for the answers."""
        link, refusal = self._open_link(SCOPE_FEEDBACK, token)
        return refusal or self._render_feedback(link)

    @http.route(
        '/aftersales/feedback/<string:token>',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        multilang=False,
    )
    def feedback_submit(self, token, **post):
        """Record the answers."""
        link, refusal = self._open_link(SCOPE_FEEDBACK, token)
        if refusal:
            return refusal
        allowed = request.env['crm.rate.limit']._hit(
            'aftersales.feedback', link.person.person_key, MAX_ANSWERS, 3600
        )
        if not allowed:
            return self._render_too_many()
        questions = self._get_open_questions(link)
        if questions:
            try:
                with request.env.cr.savepoint():
                    questions._answer(post, post.get('comment', ''), bool(post.get('anonymous')))
            except UserError as error:
                return self._render_feedback(link, post, str(error))
        return self._render_feedback(link, done=True)

    def _get_feedback_request(self, link):
        """Return the request a link asks about, empty when it is gone."""
        [request_id] = link.values
        return request.env['aftersales.request'].sudo().browse(int(request_id)).exists()

    def _get_open_questions(self, link):
        """Return the questions that are not answered; a link takes answers once."""
        questions = self._get_feedback_request(link)._get_feedback_questions()
        if questions.filtered(lambda feedback: not feedback._is_open()):
            return questions.browse()
        return questions

    def _render_feedback(self, link, form=None, error='', done=False):
        about = self._get_feedback_request(link)
        questions = self._get_open_questions(link) if not done else about.browse()
        values = {
            'company': link.company,
            'about': about,
            'questions': {feedback.kind for feedback in questions},
            'done': not questions,
            'form': form or {},
            'error': error,
        }
        return self._render('crm_aftersales.feedback_page', values, 422 if error else 200)
