from __future__ import annotations

from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang


class LoyaltyOrderMixin(models.AbstractModel):
    """The limits of a program on what is paid with its points."""

    _inherit = 'loyalty.order.mixin'

    def _ensure_minimum(self, program) -> None:
        """:raise UserError: the order is too small to redeem anything"""
        if self._get_base_left(program) < 0:
            raise UserError(
                self.env._(
                    "Rewards of %(program)s are for orders of at least %(amount)s.",
                    program=program.name,
                    amount=formatLang(
                        self.env, program.redeem_minimum_amount, currency_obj=program.currency_id
                    ),
                )
            )

    def _ensure_share(self, program, amount: float = 0.0) -> None:
        """Make sure that no more is paid with points than the program allows.

        :param amount: that is to be paid with points too, taxes included
        :raise UserError: it is more
        """
        if program.redeem_max_percent >= 100:
            return
        if self.currency_id.compare_amounts(amount, self._get_share_left(program)) > 0:
            raise UserError(
                self.env._(
                    "At most %(percent)g %% of an order can be paid with points of %(program)s.",
                    percent=program.redeem_max_percent,
                    program=program.name,
                )
            )

    def _get_redeeming_base(self, program) -> float:
        """Return what this order comes to before points of a program pay for it."""
        lines = self._get_loyalty_lines().filtered(
            lambda line: line.reward_id.sudo().program_id != program
        )
        return float(sum((line._get_earning_amount('incl') for line in lines), Decimal(0)))

    def _get_base_left(self, program) -> float:
        """Return by how much this order is above the minimum, in the program's currency."""
        if not program.redeem_minimum_amount:
            return 0.0
        base = self._convert_to_program(program, self._get_redeeming_base(program))
        if program.currency_id.compare_amounts(base, program.redeem_minimum_amount) >= 0:
            return 0.0
        return base - program.redeem_minimum_amount

    def _get_share_left(self, program) -> float:
        """Return what may still be paid with points of a program, in the order's currency."""
        paid = self._get_loyalty_lines().filtered(
            lambda line: (
                line.reward_id.sudo().program_id == program
                and line.reward_id.sudo().reward_type == 'discount'
            )
        )
        allowed = self._get_redeeming_base(program) * program.redeem_max_percent / 100
        taken = sum((line._get_earning_amount('incl') for line in paid), Decimal(0))
        return self.currency_id.round(allowed) + float(taken)

    def _convert_to_program(self, program, amount: float) -> float:
        """Return an amount of this order in the currency of a program."""
        return self.currency_id._convert(
            amount, program.currency_id, self.company_id, fields.Date.today()
        )
