# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Fill a shop of core's loyalty with what years of use leave behind; run in Odoo's shell.

Made without any addon of ours, the way core, imports and other people's code made it.
"""

from odoo import Command

with_till = 'pos.order' in env
env['loyalty.program'].search([]).active = False
product = env['product.product'].create({'name': "Coffee", 'list_price': 100, 'taxes_id': False})
other = env['res.company'].create({'name': "Used Branch"})


def program(name, **values):
    return env['loyalty.program'].create(
        {
            'name': name,
            'program_type': 'loyalty',
            'applies_on': 'both',
            'trigger': 'auto',
            'rule_ids': [Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})],
            'reward_ids': [Command.create({'discount': 10, 'required_points': 100})],
            **values,
        }
    )


def partner(name, **values):
    return env['res.partner'].create({'name': f"Used {name}", **values})


def card(of, points, owner=None, **values):
    return env['loyalty.card'].create(
        {'program_id': of.id, 'partner_id': owner and owner.id, 'points': points, **values}
    )


def order(owner, price=100):
    line = {'product_id': product.id, 'price_unit': price}
    return env['sale.order'].create({'partner_id': owner.id, 'order_line': [Command.create(line)]})


def history(of, **values):
    return env['loyalty.history'].create({'card_id': of.id, 'description': "Used", **values})


club = program("Used Club")
closed = program("Used and Closed", active=False)
branch = program("Used by a Branch", company_id=other.id)
gift = program("Used Gift Cards", program_type='gift_card')

# points and rows that never agreed
twins = partner("Twins")
card(club, 40, twins)
second = card(club, 60.006, twins)
third = card(club, 5, twins)
history(third, issued=500, used=3)
card(club, -80, partner("in Debt"))
card(club, 0, partner("Null"))
card(club, 33.333333333, partner("of Fractions"))
tenths = card(club, 0, partner("of Tenths"))
for _time in range(10):
    tenths.points += 0.1
nobody = card(club, 12, None)
card(club, 7, None)
asleep = partner("Asleep")
card(club, 25, asleep)
archived_twin = card(club, 9, asleep)
card(closed, 77, partner("of a Closed Program"))
card(branch, 88, partner("of a Branch", company_id=other.id))
card(gift, 50, None)
card(gift, 50.005, partner("with a Voucher"))

# orders: open ones that look at a second card, confirmed ones, one counted twice, one gone
waiting = order(twins)
waiting._update_programs_and_rewards()
waiting.coupon_point_ids.coupon_id = second
claiming = order(twins, 300)
claiming._update_programs_and_rewards()
buyer = partner("Buyer")
done = order(buyer, 200)
done.action_confirm()
bought = done.coupon_point_ids.coupon_id
doubled = order(buyer, 30)
doubled.action_confirm()
bought.points += 30
history(bought, issued=30, order_model='sale.order', order_id=doubled.id)
gone = order(buyer, 10)
history(bought, issued=10, order_model='sale.order', order_id=gone.id)
gone.unlink()
history(bought, issued=4, order_model='pos.order', order_id=987654321)
history(bought, issued=0, used=0)

asleep.active = False
archived_twin.active = False
env.flush_all()
env.cr.execute(
    """
    UPDATE loyalty_card SET points = NULL
     WHERE partner_id = (SELECT id FROM res_partner WHERE name = 'Used Null');
    UPDATE loyalty_history SET create_date = NULL, issued = NULL, used = NULL WHERE issued = 0;
    UPDATE loyalty_rule SET mode = 'with_code', code = 'USED' WHERE program_id IN %s;
    UPDATE loyalty_rule SET mode = 'auto' WHERE program_id = %s
    """,
    [(closed.id, branch.id), club.id],
)
env['ir.config_parameter'].set_param('used_loyalty.orders', f'{waiting.id},{done.id},{bought.id}')
env.cr.commit()
