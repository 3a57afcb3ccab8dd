from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools.i18n import format_list

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.crm_person_links import SCOPE_CONFIRM, SCOPE_PREFERENCES, SCOPE_UNSUBSCRIBE

#: false links one address may try in ten minutes, and changes one person may make in an hour
MAX_FALSE_LINKS = 30
MAX_CHANGES = 60
#: page whose choice was just saved, in the session until it is shown
SAVED = 'crm_preferences_saved'


class PreferencesPortal(CustomerPortal):
    """Pages on which a customer chooses what he gets: logged in, or by a signed link.

    Programs that look into mail follow its links. So opening a link changes nothing; only what
    is posted does.
    """

    # ------------------------------------------------------------
    # Logged in
    # ------------------------------------------------------------

    @http.route('/my/preferences', type='http', auth='user', methods=['GET'], website=True)
    def portal_my_preferences(self, **kwargs):
        """Show the visitor's own preferences."""
        return self._render_preferences(
            self._get_own_person(), request.env.company, '/my/preferences'
        )

    @http.route('/my/preferences', type='http', auth='user', methods=['POST'], website=True)
    def portal_save_my_preferences(self, **post):
        """Save the visitor's own preferences."""
        return self._save_preferences(
            self._get_own_person(), request.env.company, 'portal', '/my/preferences', post
        )

    def _get_own_person(self):
        """Return the person of the user who is logged in."""
        return request.env['crm.person'].sudo()._for_partners(request.env.user.partner_id)

    def _create_or_update_address(self, partner_sudo, *args, **form_data):
        """An address a customer types into his account is not proven by the one before."""
        before = partner_sudo.email_normalized
        partner, feedback = super()._create_or_update_address(partner_sudo, *args, **form_data)
        if partner_sudo and partner.email_normalized != before:
            persons = request.env['crm.person'].sudo().search([('partner_id', '=', partner.id)])
            persons._confirm_changed_mailbox()
        return partner, feedback

    # ------------------------------------------------------------
    # By a signed link
    # ------------------------------------------------------------

    @http.route(
        '/crm/preferences/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def preferences_by_link(self, token, **kwargs):
        """Show the preferences of the person a link was sent to."""
        link, refusal = self._open_link(SCOPE_PREFERENCES, token)
        url = f'/crm/preferences/{token}'
        return refusal or self._render_preferences(link.person, link.company, url, link.channel)

    @http.route(
        '/crm/preferences/<string:token>',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        multilang=False,
    )
    def save_preferences_by_link(self, token, **post):
        """Save the preferences of the person a link was sent to."""
        link, refusal = self._open_link(SCOPE_PREFERENCES, token)
        if refusal:
            return refusal
        url = f'/crm/preferences/{token}'
        return self._save_preferences(link.person, link.company, 'signed_link', url, post, link)

    @http.route(
        '/crm/unsubscribe/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def unsubscribe_page(self, token, **kwargs):
        """Ask whether to unsubscribe; opening the page changes nothing."""
        link, refusal = self._open_link(SCOPE_UNSUBSCRIBE, token)
        if refusal:
            return refusal
        return self._render_unsubscribe(link, done=self._is_unsubscribed(link))

    # No CSRF token: the customer's mail program posts here without having seen a page (RFC 8058).
    @http.route(
        '/crm/unsubscribe/<string:token>',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        multilang=False,
        csrf=False,
        save_session=False,
    )
    def unsubscribe(self, token, **post):
        """Unsubscribe at once, asked by a mail program or by the button of the page."""
        link, refusal = self._open_link(SCOPE_UNSUBSCRIBE, token)
        if refusal:
            return refusal
        if not self._is_unsubscribed(link):  # asked again and again by some programs
            link.person._set_consent(
                link.values,
                [link.channel],
                'out',
                company=link.company,
                source='unsubscribe',
                evidence=self._get_evidence(),
            )
        return self._render_unsubscribe(link, done=True)

    def _is_unsubscribed(self, link) -> bool:
        statuses = link.person._get_consent_statuses(link.company)
        return all(statuses.get((purpose, link.channel)) == 'out' for purpose in link.values)

    @http.route(
        '/crm/consent/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def consent_page(self, token, **kwargs):
        """Ask whether the owner of an address agrees; opening the page changes nothing."""
        link, refusal = self._open_link(SCOPE_CONFIRM, token)
        if refusal:
            return refusal
        waiting = link.person._get_waiting_purposes(
            link.company, self._get_asked_purposes(link), link.channel
        )
        return self._render_confirmation(link, done=waiting is None, over=waiting == [])

    @http.route(
        '/crm/consent/<string:token>',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        multilang=False,
    )
    def confirm_consent(self, token, **post):
        """Record that the owner of an address agrees."""
        link, refusal = self._open_link(SCOPE_CONFIRM, token)
        if refusal:
            return refusal
        done = link.person._confirm_consent(
            link.company,
            self._get_asked_purposes(link),
            link.channel,
            evidence=self._get_evidence(),
        )
        return self._render_confirmation(link, done=done, over=not done)

    def _get_asked_purposes(self, link) -> list[str]:
        [purposes] = link.values
        return purposes.split(',')

    # ------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------

    def _open_link(self, scope: str, token: str) -> tuple:
        """Return a link, or None and the page that says why it does not open.

        Only false links count against the visitor's address: the mail programs of many customers
        come from one address.
        """
        link = request.env['crm.person']._read_link(scope, token)
        if not link:
            return None, self._render_false_link()
        self._speak_language(link.person)
        # not the company: the visitor need not be a user of it
        link = link._replace(
            person=link.person.with_env(request.env).sudo(),
            company=link.company.with_env(request.env).sudo(),
        )
        if not link.is_for_present_address():
            values = {'company': link.company}
            return None, self._render('crm_customer.portal_moved_link', values, 410)
        return link, None

    def _speak_language(self, person) -> None:
        """Speak the language chosen on the page or before, the person's, or the browser's.

        A language in the address was chosen too: the other pages of a website lead here by it.
        The person's is that of the message the link stood in.
        """
        find = request.env['ir.http'].get_nearest_lang
        lang = (
            find(request.httprequest.args.get('lang'))
            or find(self._get_address_lang())
            or find(request.cookies.get('frontend_lang'))
            or find(person.partner_id.lang)
            or find(request.best_lang)
            or request.env.lang
        )
        request.update_context(lang=lang)
        request.future_response.set_cookie('frontend_lang', lang)

    def _get_address_lang(self) -> str | bool:
        """Return the code of the language in the address as it was typed; core cuts it off."""
        typed = request.httprequest.environ.get('REQUEST_URI', '').lstrip('/')
        first = typed.partition('?')[0].partition('/')[0]
        return request.env['res.lang']._get_data(url_code=first).code

    def _save_preferences(self, person, company, source: str, url: str, post: dict, link=None):
        """Save what was posted, or show the page again with what is wrong."""
        allowed = request.env['crm.rate.limit']._hit(
            'preferences', person.person_key, MAX_CHANGES, 3600
        )
        if not allowed:
            return self._render_too_many()
        form = {
            **post,
            'consents': request.httprequest.form.getlist('consent'),
            'evidence': self._get_evidence(),
        }
        try:
            with request.env.cr.savepoint():
                person._save_preferences(form, company, source, link and link.get_mailbox())
        except UserError as error:
            channel = link and link.channel
            return self._render_preferences(person, company, url, channel, error=str(error))
        # not in the address: whoever makes one up would read that something was saved
        request.session[SAVED] = url
        return request.redirect(url)

    def _get_evidence(self) -> str:
        """Return from where a decision came; it goes when the person is erased."""
        env = request.env
        return env._("From %(address)s", address=request.httprequest.remote_addr)

    def _render_preferences(self, person, company, url, channel=None, error=''):
        values = self._prepare_portal_layout_values() if url.startswith('/my/') else {}
        values.update(
            person._get_preference_values(company, channel),
            page_name='crm_preferences',
            form_url=url,
            saved=request.session.pop(SAVED, None) == url,
            error=error,
        )
        return self._render('crm_customer.portal_preferences', values, 422 if error else 200)

    def _render_unsubscribe(self, link, done=False):
        labels = dict(
            request.env['crm.consent']._fields['purpose']._description_selection(request.env)
        )
        return self._render(
            'crm_customer.portal_unsubscribe',
            {
                **self._prepare_link_values(link),
                'purpose_label': format_list(
                    request.env, [labels.get(purpose, '') for purpose in link.values]
                ),
                'done': done,
            },
        )

    def _render_confirmation(self, link, done=False, over=False):
        return self._render(
            'crm_customer.portal_consent_confirm',
            {
                **self._prepare_link_values(link),
                'wordings': [
                    link.person._get_consent_wording(link.company, purpose, link.channel)
                    for purpose in self._get_asked_purposes(link)
                ],
                'done': done,
                'over': over,
            },
            410 if over else 200,
        )

    def _prepare_link_values(self, link) -> dict:
        """Return what all pages behind a link show, with the way to all choices."""
        return {
            'company': link.company,
            'masked_address': link.person._get_masked_address(link.channel),
            'preference_url': link.person._get_preference_url(
                link.company, link.channel, link.address_hash
            ),
        }

    def _render_false_link(self):
        """Say the same whatever is wrong with a link."""
        allowed = request.env['crm.rate.limit']._hit(
            'preferences.false_link', request.httprequest.remote_addr or '', MAX_FALSE_LINKS, 600
        )
        if not allowed:
            return self._render_too_many()
        return self._render('crm_customer.portal_false_link', {}, 404)

    def _render_too_many(self):
        return self._render('crm_customer.portal_too_many', {}, 429)

    def _render(self, template: str, values: dict, status: int = 200):
        """Render a page that nobody keeps: its address is a key."""
        lang = request.env.lang or 'en_US'
        values['html_data'] = {'lang': lang.replace('_', '-')}
        values['page_lang'] = lang
        values['page_languages'] = request.env['crm.person']._get_language_names()
        if company := values.get('company'):
            values['res_company'] = company.sudo()  # whose logo and name stand around the page
        response = request.render(template, values)
        response.status_code = status
        response.headers['Cache-Control'] = 'no-store'
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['X-Robots-Tag'] = 'noindex, nofollow'
        return response
