from __future__ import annotations

from odoo import api, fields, models
from odoo.api import DomainType
from odoo.exceptions import UserError

from ..rights import ensure_manager


class CrmMessage(models.Model):
    """What staff do about messages, and how they are shown what the gate did."""

    _inherit = 'crm.message'

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_release(self) -> dict:
        """Let messages go that a rule makes wait; what refuses them for good still does.

        :raise AccessError: not an administrator
        :raise UserError: none of them waits
        """
        waiting = self._ensure_can_decide()
        waiting.person_id._bump_version()
        outcomes = waiting._process(fields.Datetime.now(), only_final=True)
        released, refused = len(outcomes['send']), len(outcomes['refuse'])
        message = (
            self.env._(
                "%(released)s released, %(refused)s refused: see their reason.",
                released=released,
                refused=refused,
            )
            if refused
            else self.env._("%(released)s released.", released=released)
        )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning' if refused else 'success',
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_cancel(self) -> bool:
        """Give up messages that wait, also those released that have not left yet.

        :raise AccessError: not an administrator
        :raise UserError: none of them waits
        """
        waiting = self._ensure_can_decide(('planned', 'queued'))
        released = waiting.filtered(lambda message: message.state == 'queued')
        waiting.write(
            {'state': 'cancelled', 'reason': 'staff', 'decided_at': fields.Datetime.now()}
        )
        waiting._unfold()
        released._forget_delivery()
        return True

    def _ensure_can_decide(self, states: tuple[str, ...] = ('planned',)) -> CrmMessage:
        """Return those of the messages that wait, open to who may decide about them."""
        ensure_manager(self.env)
        self.check_access('read')
        waiting = self.sudo().filtered(lambda message: message.state in states)
        if not waiting:
            raise UserError(self.env._("None of these messages is waiting any more."))
        return waiting

    # ------------------------------------------------------------
    # WATERFALL
    # ------------------------------------------------------------

    @api.model
    def _get_waterfall(self, domain: DomainType) -> list[dict]:
        """Return what became of an audience, in the order in which the gate asks.

        :param domain: which messages, as those of one origin
        :return: ``state``, ``reason`` (or False), ``label`` and ``count`` of each step; the
            counts add up to the number of messages
        """
        fields_by_name = {name: self._fields[name] for name in ('reason', 'state')}
        labels = {
            name: dict(field._description_selection(self.env))
            for name, field in fields_by_name.items()
        }
        order = {name: list(values) for name, values in labels.items()}
        groups = self._read_group(domain, ['state', 'reason'], ['__count'])
        steps = [
            {
                'state': state,
                'reason': reason or False,
                'label': labels['reason'].get(reason) or labels['state'][state],
                'count': count,
            }
            for state, reason, count in groups
        ]
        return sorted(
            steps,
            key=lambda step: (
                not step['reason'],
                order['reason'].index(step['reason']) if step['reason'] else 0,
                order['state'].index(step['state']),
            ),
        )
