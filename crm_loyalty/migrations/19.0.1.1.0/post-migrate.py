from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Merge second cards, and say of all rows what remains of them."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    Card = env['loyalty.card']
    second = Card.search([('program_id.managed', '=', True), ('is_member', '!=', True)])
    by_member = second.grouped(lambda card: (card.partner_id, card.program_id))
    second.write({'active': False})
    second.is_member = True
    env['loyalty.program'].with_context(active_test=False).search(
        [('managed', '=', True)]
    )._open_ledger()
    for (partner, program), cards in by_member.items():
        first = Card.search(
            [('partner_id', '=', partner.id), ('program_id', '=', program.id)], limit=1
        )
        first._take_over(cards)
