from __future__ import annotations

from odoo import SUPERUSER_ID, models
from odoo.exceptions import UserError

from ..ledger import to_points


class SaleOrder(models.Model):
    """Orders paid online: paying fixes what is redeemed, and money that came is never refused."""

    _inherit = 'sale.order'

    def _begin_paying(self) -> None:
        """Fix the points these orders redeem, and hold them.

        Rewards claimed for as many points as make sense would take more of them when points come
        in between paying and confirming, for an amount that is paid already.

        :raise ValidationError: the points are spent, or held by others
        """
        for order in self.filtered(lambda order: order.state in ('draft', 'sent')):
            order._fix_claimed_points()
        self._sync_holds(renew=True)

    def _fix_claimed_points(self) -> None:
        self.ensure_one()
        chosen = dict(self.loyalty_chosen_points or {})
        for (_code, reward, card), lines in self._group_claims(
            self.order_line.filtered('points_cost')
        ).items():
            if card.is_member and reward._has_points_choice():
                cost = sum(to_points(line.points_cost) for line in lines)
                chosen.setdefault(f'{reward.id}:{card.id}', float(cost))
        if chosen != (self.loyalty_chosen_points or {}):
            self.loyalty_chosen_points = chosen

    def _drop_uncovered_rewards(self):
        """Take away, or lower, rewards whose points went elsewhere.

        For who has to go on with an order as it can be had now, instead of refusing it; nobody is
        told: see :meth:`_tell_rewards_dropped`.

        :return: the orders that cost more than before
        """
        dropped = self.browse()
        for order in self.filtered(lambda order: order.state in ('draft', 'sent')):
            order._get_spent_cards()._lock_fresh()
            if order._covers_rewards():
                continue
            before = order.amount_total
            order._update_programs_and_rewards()
            if order.currency_id.compare_amounts(order.amount_total, before) > 0:
                dropped |= order
        return dropped

    def _covers_rewards(self) -> bool:
        """Return whether this order can be confirmed with the rewards it has."""
        self.ensure_one()
        try:
            self._ensure_redeeming_allowed()
        except UserError:
            return False
        return all(self._get_usable_points(card) >= 0 for card in self._get_spent_cards())

    def _tell_rewards_dropped(self) -> None:
        """Tell staff that an order being paid costs more than the customer saw."""
        for order in self.with_user(SUPERUSER_ID):
            users = order._get_users_to_tell()
            order._message_log(body=order._get_dropped_text(users[:1]))
            for user in users:
                order.activity_schedule(
                    'mail.mail_activity_data_todo',
                    user_id=user.id,
                    note=order._get_dropped_text(user),
                )

    def _get_dropped_text(self, user) -> str:
        """Return what is told to a user, in his language."""
        order = self.with_context(lang=user.lang or self.env.lang)
        return order.env._(
            "Points redeemed on this order were not there any more, or not allowed any more, "
            "when its payment came. The rest is to be paid, or the payment given back."
        )

    def _get_users_to_tell(self):
        """Return who looks after this order, of those who may see it.

        Orders of a web shop often have no salesperson: then the leader of the sales team, or who
        answers for the points.
        """
        self.ensure_one()
        admin = self.env.ref('base.user_admin', raise_if_not_found=False)
        users = self._filter_who_see(self.user_id | self.team_id.user_id)[:1]
        return users or self._filter_who_see(self._get_points_users()) or admin or users

    def _filter_who_see(self, users):
        """Return the users of the company of this order."""
        return users.filtered(lambda user: user.active and self.company_id in user.company_ids)

    def _get_points_users(self):
        """Return who answers for the points of this order."""
        users = self.env['res.users']
        for program in self._get_managed_cards().program_id or self._get_spent_cards().program_id:
            users |= program._get_ledger_users()
        return users
