from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError

from .loyalty_card import IGNORED


class LoyaltyCardOwner(models.Model):
    """Whose a card was until a day, when it is somebody else's or nobody's by now.

    Contacts are merged and erased, and a link to them would follow; so the contact stands here by
    his number and, until he is erased, by his name.
    """

    _name = 'loyalty.card.owner'
    _description = 'Earlier Owner of a Card'
    _order = 'date desc, id desc'
    _rec_name = 'name'

    card_id = fields.Many2one(
        'loyalty.card', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='card_id.company_id')
    partner_number = fields.Integer(string="Contact No.", required=True, readonly=True, index=True)
    name = fields.Char(string="Owner", readonly=True, help="Empty when he was erased.")
    date = fields.Datetime(
        string="Until", required=True, readonly=True, default=fields.Datetime.now
    )
    reason = fields.Selection(
        [('merge', "Contacts merged"), ('transfer', "Handed over"), ('erase', "Erased")],
        required=True,
        readonly=True,
    )


class LoyaltyCard(models.Model):
    _inherit = 'loyalty.card'

    owner_ids = fields.One2many(
        'loyalty.card.owner', 'card_id', string="Earlier Owners", readonly=True
    )

    def write(self, vals):
        # contacts that are merged note it themselves
        if 'partner_id' in vals and self.env.context.get('loyalty_core_ignored') is not IGNORED:
            moved = self.filtered(lambda card: card.partner_id.id != vals['partner_id'])
            moved._note_owners('transfer')
        return super().write(vals)

    def _note_owners(self, reason: str):
        """Note whose these cards are until now.

        :param reason: a value of ``loyalty.card.owner.reason``
        :return: the ``loyalty.card.owner`` rows, for cards that are somebody's
        """
        return (
            self.env['loyalty.card.owner']
            .sudo()
            .create(
                [
                    {
                        'card_id': card.id,
                        'partner_number': card.partner_id.id,
                        'name': card.partner_id.name if reason != 'erase' else False,
                        'reason': reason,
                    }
                    for card in self.sudo()
                    if card.partner_id
                ]
            )
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ledger(self):
        if any(card.is_member and card.history_ids for card in self.sudo()):
            raise UserError(
                self.env._("A member card with movements is not deleted. Archive it instead.")
            )

    def _close_erased(self, redactor) -> None:
        """Close the cards of an erased contact; the ledger stays, without a name.

        A card in his pocket says who he was, so its number changes too.

        :param redactor: takes names out of texts
        """
        members = self.filtered('is_member')
        members._note_owners('erase')
        for card in members:
            card.write({'active': False, 'code': self._generate_member_code()})
        redactor.redact(self)
