from __future__ import annotations

from odoo.exceptions import AccessError, MissingError
from odoo.http import request, route
from odoo.tools import format_date

from odoo.addons.loyalty.controllers.portal import CustomerPortalLoyalty
from odoo.addons.portal.controllers.portal import pager as portal_pager


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
            '/my/membership',
            '/my/membership/<int:card_id>',
            '/my/membership/<int:card_id>/page/<int:page>',
        ],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_membership(self, card_id=None, page=1, **kw):
        """Show balance, tier, what is missing to the next, and how it came to that."""
        try:
            card_sudo = self._get_membership_card(card_id)
        except (AccessError, MissingError):
            return request.redirect('/my')
        return request.render(
            'crm_loyalty.portal_my_membership', self._prepare_membership_values(card_sudo, page)
        )

    def _prepare_membership_values(self, card_sudo, page: int) -> dict:
        """Return the values of the membership page.

        :param card_sudo: the member's ``loyalty.card``, or none
        :param page: page of the movements
        """
        rows_sudo = request.env['loyalty.history'].sudo()
        domain = [('card_id', '=', card_sudo.id)]
        pager = portal_pager(
            url=f'/my/membership/{card_sudo.id}',
            total=rows_sudo.search_count(domain) if card_sudo else 0,
            page=page,
            step=self._items_per_page,
        )
        return {
            'page_name': 'membership',
            'card': card_sudo,
            'tiers': card_sudo.program_id.tier_ids.sorted('min_value'),
            'labels': self._prepare_membership_labels(card_sudo),
            'rewards': card_sudo.program_id.reward_ids.sorted('required_points'),
            'tier_changes': card_sudo.tier_history_ids[:10],
            'rows': rows_sudo.search(domain, limit=self._items_per_page, offset=pager['offset'])
            if card_sudo
            else rows_sudo,
            'pager': pager,
        }

    def _prepare_membership_labels(self, card_sudo) -> dict:
        """Return the texts of the page that hold numbers, whole for translators."""
        env = request.env
        return {
            'number': env._("Card number %(number)s", number=card_sudo.code),
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
