from __future__ import annotations

import re
from urllib.parse import urlencode

from odoo.exceptions import AccessError, MissingError, ValidationError
from odoo.http import content_disposition, request, route
from odoo.tools import format_date

from odoo.addons.loyalty.controllers.portal import CustomerPortalLoyalty

#: movements on a page
STATEMENT_ROWS = 40


class CustomerPortalMembership(CustomerPortalLoyalty):
    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if 'membership_count' in counters:
            values['membership_count'] = (
                request.env['loyalty.card'].sudo().search_count(self._get_membership_domain())
            )
        return values

    def _get_loyalty_searchbar_sortings(self):
        sortings = super()._get_loyalty_searchbar_sortings()
        # the date of the movement, not that of its entry in the ledger
        sortings['date']['order'] = 'date desc, id desc'
        return sortings

    def _get_membership_domain(self) -> list:
        """Return the domain of the member cards of the user himself.

        As everywhere in core's portal of loyalty cards, a card is the contact's own and not his
        company's.
        """
        return [
            ('partner_id', '=', request.env.user.partner_id.id),
            ('program_id.active', '=', True),
            ('program_type', '=', 'loyalty'),
        ]

    def _get_membership_card(self, card_id: int | None):
        """Return the card to show (sudo): the asked one or that of the main program.

        :raise MissingError: the card does not exist or is not the user's
        """
        cards_sudo = request.env['loyalty.card'].sudo().search(self._get_membership_domain())
        if card_id:
            card_sudo = cards_sudo.filtered(lambda card: card.id == card_id)
            if not card_sudo:
                raise MissingError(request.env._("This member card does not exist."))
            return card_sudo
        main = request.env.company._get_main_loyalty_program()
        return cards_sudo.filtered(lambda card: card.program_id == main)[:1] or cards_sudo[:1]

    @route(
        [
            '/my/points',
            '/my/points/<int:card_id>',
            '/my/membership',
            '/my/membership/<int:card_id>',
        ],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_membership(self, card_id=None, year=None, as_of=None, before=None, **_kw):
        """Show balance, tier, what is missing to the next, and how it came to that."""
        try:
            card_sudo = self._get_membership_card(card_id)
        except (AccessError, MissingError):
            return request.redirect('/my')
        try:
            values = self._prepare_membership_values(card_sudo, year, as_of, before)
        except ValidationError:  # an address somebody changed by hand
            return request.redirect(f'/my/points/{card_sudo.id}')
        return request.render('crm_loyalty.portal_my_membership', values)

    @route('/my/points/<int:card_id>/pdf', type='http', auth='user', website=True, readonly=True)
    def portal_my_statement(self, card_id, year=None, as_of=None, **_kw):
        """Send the statement as a file."""
        try:
            card_sudo = self._get_membership_card(card_id)
            days = self._parse_statement_days(card_sudo, year, as_of)
        except (AccessError, MissingError, ValidationError):
            return request.redirect('/my')
        # the member may not read reports and companies; the card is his, as found above
        report_sudo = request.env['ir.actions.report'].sudo()
        pdf, _type = report_sudo.with_company(
            card_sudo.company_id or request.env.company
        )._render_qweb_pdf('crm_loyalty.action_report_statement', card_sudo.ids, data=days)
        name = f'{request.env._("Statement")} {card_sudo.code}.pdf'
        return request.make_response(
            pdf,
            headers=[
                ('Content-Type', 'application/pdf'),
                ('Content-Length', str(len(pdf))),
                ('Content-Disposition', content_disposition(name)),
            ],
        )

    def _parse_statement_days(self, card_sudo, year, as_of) -> dict:
        """Return the days of a statement that the user chose.

        :raise ValidationError: they are none
        """
        days = {'as_of': str(card_sudo._parse_statement_day(as_of) or '') or None}
        if year:
            if not re.fullmatch(r'[12][0-9]{3}', str(year)):
                raise ValidationError(request.env._("There is no such year."))
            days |= {'date_from': f'{year}-01-01', 'date_to': f'{year}-12-31'}
        return days

    def _prepare_membership_values(self, card_sudo, year, as_of, before) -> dict:
        """Return the values of the page.

        :param card_sudo: the member's ``loyalty.card``, or none
        :param year: year of the movements, default all
        :param as_of: day at whose end the statement stood so
        :param before: where the page of movements begins
        :raise ValidationError: one of them is none
        """
        values = {
            'page_name': 'membership',
            'card': card_sudo,
            # for screen readers; the layout of the portal does not say it
            'html_data': {'lang': (request.env.lang or 'en_US').replace('_', '-')},
        }
        if not card_sudo:
            return values
        days = self._parse_statement_days(card_sudo, year, as_of)
        card = card_sudo.with_env(request.env)
        page = card._get_statement_page(before=before, limit=STATEMENT_ROWS, **days)
        url = f'/my/points/{card_sudo.id}'
        chosen = {'year': year or None, 'as_of': days['as_of']}
        return {
            **values,
            **page,
            'labels': {**page['labels'], **self._prepare_membership_labels(card_sudo)},
            'tiers': card_sudo.program_id.tier_ids.sorted('min_value'),
            'rewards': card_sudo.program_id.reward_ids.sorted('required_points'),
            'tier_changes': card_sudo.tier_history_ids[:10],
            'url': url,
            'chosen': chosen,
            'years': card._get_statement_years(),
            'today': card_sudo.program_id._get_local_day(),
            'url_pdf': self._get_statement_url(f'{url}/pdf', **chosen),
            'url_newest': before and self._get_statement_url(url, **chosen),
            'url_older': page['statement']['next']
            and self._get_statement_url(url, **chosen, before=page['statement']['next']),
        }

    @staticmethod
    def _get_statement_url(path: str, **params) -> str:
        given = {name: value for name, value in params.items() if value}
        return f'{path}?{urlencode(given)}' if given else path

    def _prepare_membership_labels(self, card_sudo) -> dict:
        """Return the texts of the page that hold numbers, whole for translators."""
        env = request.env
        return {
            'earned': env._(
                "Earned in the last %(months)s months",
                months=card_sudo.program_id.tier_window_months,
            ),
            'kept': env._(
                "%(tier)s is yours until %(date)s",
                tier=card_sudo.tier_id.name,
                date=format_date(env, card_sudo.tier_until),
            ),
            'thresholds': {
                tier.id: env._(
                    "from %(points)s", points=card_sudo._format_points_text(tier.min_value)
                )
                for tier in card_sudo.program_id.tier_ids
            },
        }
