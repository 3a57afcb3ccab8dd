from odoo import models


class AftersalesUnit(models.Model):
    """What staff does with the warranty of a product."""

    _inherit = 'aftersales.unit'

    def action_check_warranty(self) -> dict:
        """Show whether something is covered, why, and until when.

        :return: window action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Is It Covered?"),
            'res_model': 'aftersales.warranty.check',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_unit_id': self.id},
        }

    def action_view_warranties(self) -> dict:
        """Open the warranties of these products.

        :return: window action
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_warranty_action'
        )
        name = self.env._("Warranties")
        return {**action, 'name': name, 'domain': [('unit_id', 'in', self.ids)], 'context': {}}

    def action_grant_part_warranty(self) -> dict:
        """Ask which parts were put in, to grant a warranty on them.

        :return: window action
        """
        self.ensure_one()
        return self._get_part_warranty_action(self.env['aftersales.request'])

    def _get_part_warranty_action(self, request) -> dict:
        """Return the window that grants a warranty on a repair.

        :param request: the ``aftersales.request`` it was repaired for, or none
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Warranty on a Repair"),
            'res_model': 'aftersales.warranty.part',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_unit_id': self.id, 'default_request_id': request.id},
        }
