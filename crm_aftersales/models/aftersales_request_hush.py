from odoo import api, models

from .aftersales_request_stage import OPEN_STATES


class AftersalesRequest(models.Model):
    """Customers are left in peace while a complaint of theirs is open, and not an hour longer."""

    _inherit = 'aftersales.request'

    def write(self, vals):
        """Let the gate look at once at what requests held that hold it no more."""
        if not self._get_hush_triggers() & vals.keys():
            return super().write(vals)
        held = self._get_held_customers()
        result = super().write(vals)
        self._release_customers(held - self._get_held_customers())
        return result

    def unlink(self):
        """Let the gate look at once at what the requests held."""
        held = self._get_held_customers()
        result = super().unlink()
        self._release_customers(held)
        return result

    @api.model
    def _get_hush_triggers(self) -> set[str]:
        """Return the fields that say whose messages a request holds."""
        return {'stage_id', 'type_id', 'partner_id', 'team_id', 'company_id'}

    def _get_held_customers(self) -> set[tuple[int, int]]:
        """Return the contacts whose messages wait for these requests, each with the company."""
        holding = self.sudo().filtered(
            lambda request: request.type_id.holds_messages and request.state in OPEN_STATES
        )
        return {
            (partner.id, request.company_id.id)
            for request in holding
            for partner in request.partner_id | request.commercial_partner_id
        }

    @api.model
    def _release_customers(self, held: set[tuple[int, int]]) -> None:
        """Let the gate ask anew about customers: another complaint may hold their messages.

        :param held: as :meth:`_get_held_customers` gives them
        """
        if held:
            partners = self.env['res.partner'].browse({partner_id for partner_id, _ in held})
            self.env['crm.message']._look_again('hush', partners)
