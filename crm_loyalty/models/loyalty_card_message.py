from __future__ import annotations

from odoo import fields, models

#: programs whose cards the customer has paid for: he waits for the mail
PAID_PROGRAMS = ('gift_card', 'ewallet')
#: programs that hand something out to win an order
PROMOTION_PROGRAMS = ('coupons', 'promotion', 'promo_code')
LAYOUT = 'mail.mail_notification_light'


class LoyaltyCard(models.Model):
    """Core's communication plan passes the gate for customers' messages."""

    _inherit = 'loyalty.card'

    def _send_creation_communication(self, force_send=False):
        """Plan what the program says when a card is made; ``force_send`` cannot overrule it."""
        context = self.env.context
        if context.get('loyalty_no_mail') or context.get('action_no_send_mail'):
            return
        vals_list = [
            card._prepare_message_vals(plan, 'create', card.points)
            for card in self
            if card._mail_get_customer()
            for plan in card.program_id.communication_plan_ids
            if plan.trigger == 'create'
        ]
        self.env['crm.message'].sudo()._plan(vals_list)

    def _send_points_reach_communication(self, points_changes):
        """Plan what the program says when a card reaches a number of points.

        Of several milestones passed at once the highest counts, as in core.
        """
        if self.env.context.get('loyalty_no_mail'):
            return
        vals_list = []
        for card in self:
            change = points_changes[card]
            reached = card.program_id.communication_plan_ids.filtered(
                lambda plan, change=change: (
                    plan.trigger == 'points_reach' and change['old'] < plan.points <= change['new']
                )
            )
            if reached and card.partner_id and card._mail_get_customer():
                plan = reached.sorted('points')[-1]
                # at most once a day: points that go up and down do not repeat it
                event = f'reach:{fields.Date.today()}'
                came = change['new'] - change['old']
                vals_list.append(card._prepare_message_vals(plan, event, came))
        self.env['crm.message'].sudo()._plan(vals_list)

    def _prepare_message_vals(self, plan, event: str, points: float) -> dict:
        """Return the message of one line of the communication plan to this card's customer.

        :param plan: ``loyalty.mail``
        :param event: what happened, as part of the message's key
        :param points: that came in, as the mails of the ledger read them
        """
        self.ensure_one()
        template = plan.mail_template_id
        values = {'layout': LAYOUT, 'points': points}
        if not template.email_from:
            values['email_from'] = self._get_mail_author().email_formatted
        return {
            'key': f'loyalty.card:{self.id}:{event}:{plan.id}',
            'partner_id': self._mail_get_customer().id,
            'company_id': (self.company_id or self.env.company).id,
            'message_class': self._get_message_class(plan),
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': values,
        }

    def _get_message_class(self, plan) -> str:
        """Return the class of a message of the communication plan.

        :param plan: ``loyalty.mail``
        """
        program_type = self.program_id.program_type
        if program_type in PAID_PROGRAMS:
            return 'transactional'
        if program_type in PROMOTION_PROGRAMS:
            return 'offer'
        return 'gift' if plan.trigger == 'create' else 'hint'
