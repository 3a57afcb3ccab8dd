from odoo import fields, models


class StockMove(models.Model):
    """Core's *Return for Exchange*: what is given for another piece goes on with its warranty."""

    _inherit = 'stock.move'

    aftersales_exchange_of_id = fields.Many2one(
        comodel_name='stock.move',
        string="In Exchange for",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="The return that asked for the exchange. Its own pieces and their backorders name it"
        " as well as what is delivered for them.",
    )
    aftersales_exchange_ids = fields.One2many(
        comodel_name='stock.move',
        inverse_name='aftersales_exchange_of_id',
        string="Moves of the Exchange",
    )

    def _prepare_merge_moves_distinct_fields(self):
        return [*super()._prepare_merge_moves_distinct_fields(), 'aftersales_exchange_of_id']

    def _prepare_move_split_vals(self, qty):
        vals = super()._prepare_move_split_vals(qty)
        return {**vals, 'aftersales_exchange_of_id': self.aftersales_exchange_of_id.id}

    def _action_cancel(self):
        res = super()._action_cancel()
        self.sudo().aftersales_exchange_of_id._settle_exchanges()
        return res

    def _register_units_after_hook(self) -> None:
        self.aftersales_exchange_of_id._settle_exchanges()
        return super()._register_units_after_hook()

    def _is_back_for_good(self) -> bool:
        """Keep what is exchanged with its owner until he has the other piece."""
        return super()._is_back_for_good() and not self.aftersales_exchange_of_id

    def _settle_exchanges(self) -> None:
        """Let what was delivered in exchange take the place of what came back.

        Either may come first. What came back and gets no other piece any more is withdrawn, as by
        any return. To be called on the returns that asked for the exchanges.
        """
        for asked in self:
            moves = asked.aftersales_exchange_ids
            back = moves._get_units_to_exchange()
            given = moves._get_units_given()
            for unit, replacement in zip(back, given, strict=False):
                unit._exchange_for(replacement)
            if asked.to_refund and not moves._is_exchange_awaited():
                back[len(given) :]._withdraw()

    def _get_units_to_exchange(self):
        """Return the pieces these moves brought back that nothing has taken the place of."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        return Unit.search(
            [
                ('stock_return_move_id', 'in', self.ids),
                ('state', 'not in', ('draft', 'retired')),
                ('replaced_by_id', '=', False),
            ],
            order='id',
        )

    def _get_units_given(self):
        """Return the pieces these moves delivered that have not taken the place of others."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        return Unit.search(
            [
                ('stock_move_id', 'in', self.ids),
                ('state', '!=', 'retired'),
                ('replaces_ids', '=', False),
            ],
            order='id',
        )

    def _is_exchange_awaited(self) -> bool:
        """Whether one of these moves has still to deliver something."""
        return any(
            move.state not in ('done', 'cancel') and not move.origin_returned_move_id
            for move in self
        )
