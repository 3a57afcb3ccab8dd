"""A shop for the benchmarks of orders: one program, members, quotations; core or suite alike."""

from bench_side import Side

from odoo import SUPERUSER_ID, api
from odoo.fields import Command

NAME = "Bench"
MEMBERS = 30
PRODUCTS = 10
POINTS = 1_000_000
#: the administrator, with the rights of a user
UID = 2


class Shop(Side):
    """One side of a comparison, on a database of its own.

    :param database: made from core, or from the suite
    """

    def __init__(self, database):
        super().__init__(database)
        self.is_suite = 'crm_loyalty' in self.registry._init_modules
        self.context = self._get_context()

    def _get_context(self):
        """Return what tells the suite that the client called the method itself."""
        if not self.is_suite:
            return {}
        from odoo.addons.crm_loyalty.models.loyalty_card_lock import ANEW

        return {'loyalty_begin_anew': ANEW}

    def prepare(self):
        """Leave one program, with tiers where there are any, and give it members."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {'tracking_disable': True})
            env['loyalty.program'].search([]).active = False
            env['ir.config_parameter'].set_param('sale.async_emails', True)
            program = env['loyalty.program'].create(self._prepare_program())
            env['product.product'].create(
                [{'name': f"{NAME} {n}", 'list_price': 10 + n} for n in range(PRODUCTS)]
            )
            partners = env['res.partner'].create(
                [{'name': f"{NAME} {n}", 'ref': NAME} for n in range(MEMBERS)]
            )
            env['loyalty.card'].create(
                [
                    {'partner_id': partner.id, 'program_id': program.id, 'points': POINTS}
                    for partner in partners
                ]
            )

    def _prepare_program(self):
        tiers = (("Basic", 0), ("Silver", 1000), ("Gold", 3000))
        return {
            'name': NAME,
            'program_type': 'loyalty',
            'applies_on': 'both',
            'trigger': 'auto',
            'portal_visible': True,
            'portal_point_name': "Points",
            'rule_ids': [Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})],
            'reward_ids': [
                Command.create(
                    {
                        'reward_type': 'discount',
                        'discount_mode': 'per_order',
                        'discount': 5,
                        'discount_applicability': 'order',
                        'required_points': 100,
                    }
                )
            ],
            **(
                {'tier_ids': [Command.create({'name': n, 'min_value': v}) for n, v in tiers]}
                if self.is_suite
                else {}
            ),
        }

    def create_orders(self, number, lines, reward=False, members=MEMBERS):
        """Commit quotations of so many lines; return their ids.

        :param reward: whether they redeem points
        :param members: by how many members
        """
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {'tracking_disable': True})
            orders = env['sale.order'].create(self.prepare_orders(env, number, lines, members))
            if reward:
                rewards = env['loyalty.program'].search([('name', '=', NAME)]).reward_ids
                for order in orders:
                    order._update_programs_and_rewards()
                    order._apply_program_reward(rewards, self.get_card(order))
            return orders.ids

    @staticmethod
    def prepare_orders(env, number, lines, members=MEMBERS):
        """Return values of quotations."""
        products = env['product.product'].search([('name', '=like', f'{NAME} %')], order='id')
        partners = env['res.partner'].search([('ref', '=', NAME)], order='id', limit=members)
        return [
            {
                'partner_id': partners[n % len(partners)].id,
                'client_order_ref': NAME,
                'order_line': [
                    Command.create({'product_id': products[line % len(products)].id})
                    for line in range(lines)
                ],
            }
            for n in range(number)
        ]

    @staticmethod
    def get_card(order):
        return order.env['loyalty.card'].search(
            [('partner_id', '=', order.partner_id.id), ('program_id.name', '=', NAME)]
        )

    def check(self):
        """Let the suite check its books; return what the members have in all."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if self.is_suite:
                env['loyalty.card']._cron_fold()
                for check in ('_check_loyalty_balance', '_check_loyalty_allocation'):
                    ok, message, _count = getattr(env['crm.selfcheck'], check)()
                    if not ok:
                        raise SystemExit(message)
            cards = env['loyalty.card'].search([('program_id.name', '=', NAME)])
            return round(sum(cards.mapped('points')) - MEMBERS * POINTS, 2)
