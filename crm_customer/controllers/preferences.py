from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.crm_person_links import SCOPE_CONFIRM, SCOPE_PREFERENCES, SCOPE_UNSUBSCRIBE

#: false links one address may try in ten minutes, and changes one person may make in an hour
MAX_FALSE_LINKS = 30
MAX_CHANGES = 60


class PreferencesPortal(CustomerPortal):
    """Pages on which a customer chooses what he gets: logged in, or by a signed link.

    Programs that look into mail follow its links. So opening a link changes nothing; only what
    is posted does.
    """

    # ------------------------------------------------------------
    # Logged in
    # ------------------------------------------------------------

    @http.route('/my/preferences', type='http', auth='user', methods=['GET'], website=True)
    def portal_my_preferences(self, saved=None, **kwargs):
        """Show the visitor's own preferences."""
        return self._render_preferences(
            self._get_own_person(), request.env.company, '/my/preferences', saved=bool(saved)
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
    def preferences_by_link(self, token, saved=None, **kwargs):
        """Show the preferences of the person a link was sent to."""
        link = self._read_link(SCOPE_PREFERENCES, token)
        if not link:
            return self._render_false_link()
        person, company, _values = link
        url = f'/crm/preferences/{token}'
        return self._render_preferences(person, company, url, saved=bool(saved))

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
        link = self._read_link(SCOPE_PREFERENCES, token)
        if not link:
            return self._render_false_link()
        person, company, values = link
        url = f'/crm/preferences/{token}'
        return self._save_preferences(person, company, 'signed_link', url, post, *values)

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
        link = self._read_link(SCOPE_UNSUBSCRIBE, token)
        if not link:
            return self._render_false_link()
        person, company, values = link
        return self._render_unsubscribe(person, company, values)

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
        link = self._read_link(SCOPE_UNSUBSCRIBE, token)
        if not link:
            return self._render_false_link()
        person, company, values = link
        purpose, channel, _mailbox = values
        status = person._get_consent_statuses(company).get((purpose, channel))
        if status != 'out':  # asked again and again by some programs
            person._set_consent(
                [purpose],
                [channel],
                'out',
                company=company,
                source='unsubscribe',
                evidence=self._get_evidence(),
            )
        return self._render_unsubscribe(person, company, values, done=True)

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
        link = self._read_link(SCOPE_CONFIRM, token)
        if not link:
            return self._render_false_link()
        person, company, values = link
        return self._render_confirmation(person, company, values)

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
        link = self._read_link(SCOPE_CONFIRM, token)
        if not link:
            return self._render_false_link()
        person, company, values = link
        if not person._confirm_consent(company, values, evidence=self._get_evidence()):
            return self._render_false_link()
        return self._render_confirmation(person, company, values, done=True)

    # ------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------

    def _read_link(self, scope: str, token: str):
        """Return person, company and values of a link, or None; speak the person's language.

        Only false links count against the visitor's address: the mail programs of many customers
        come from one address.
        """
        link = request.env['crm.person']._read_link(scope, token)
        if not link:
            return None
        person, company, values = link
        lang = person.partner_id.lang or request.env.lang
        # not the company: the visitor need not be a user of it
        request.update_context(lang=lang)
        return person.with_env(request.env).sudo(), company.with_env(request.env).sudo(), values

    def _save_preferences(
        self, person, company, source: str, url: str, post: dict, mailbox: str | None = None
    ):
        """Save what was posted, or show the page again with what is wrong.

        :param mailbox: hash of the e-mail address the link was sent to, None without a link
        """
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
                person._save_preferences(form, company, source, mailbox)
        except UserError as error:
            return self._render_preferences(person, company, url, error=str(error))
        return request.redirect(f'{url}?saved=1')

    def _get_evidence(self) -> str:
        """Return from where a decision came; it goes when the person is erased."""
        env = request.env
        return env._("From %(address)s", address=request.httprequest.remote_addr)

    def _render_preferences(self, person, company, url, saved=False, error=''):
        values = self._prepare_portal_layout_values() if url.startswith('/my/') else {}
        values.update(
            person._get_preference_values(company),
            page_name='crm_preferences',
            form_url=url,
            saved=saved,
            error=error,
        )
        return self._render('crm_customer.portal_preferences', values, 422 if error else 200)

    def _render_unsubscribe(self, person, company, values, done=False):
        purpose, _channel, mailbox = values
        labels = dict(
            request.env['crm.consent']._fields['purpose']._description_selection(request.env)
        )
        return self._render(
            'crm_customer.portal_unsubscribe',
            {
                'company': company,
                'purpose_label': labels.get(purpose, ''),
                'masked_address': person._get_masked_address(),
                'done': done,
                'preference_url': person._get_preference_url(company, mailbox),
            },
        )

    def _render_confirmation(self, person, company, values, done=False):
        purposes, channel, mailbox = values
        return self._render(
            'crm_customer.portal_consent_confirm',
            {
                'company': company,
                'wordings': [
                    person._get_consent_wording(company, purpose, channel)
                    for purpose in purposes.split(',')
                ],
                'masked_address': person._get_masked_address(),
                'done': done,
                'preference_url': person._get_preference_url(company, mailbox),
            },
        )

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
        if company := values.get('company'):
            values['res_company'] = company.sudo()  # whose logo and name stand around the page
        response = request.render(template, values)
        response.status_code = status
        response.headers['Cache-Control'] = 'no-store'
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['X-Robots-Tag'] = 'noindex, nofollow'
        return response
