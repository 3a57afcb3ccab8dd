from __future__ import annotations

from odoo import fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    crm_message_count = fields.Integer(
        compute='_compute_crm_message_counts',
        groups='crm_customer.group_own,sales_team.group_sale_salesman',
        string="Customer Messages",
    )
    crm_message_waiting_count = fields.Integer(
        compute='_compute_crm_message_counts',
        groups='crm_customer.group_own,sales_team.group_sale_salesman',
        string="Waiting Messages",
    )

    def _compute_crm_message_counts(self):
        """Count the messages to a contact and to those below it, in one query."""
        groups = self.env['crm.message']._read_group(
            [('person_id.partner_id', 'child_of', self.ids)], ['person_id', 'state'], ['__count']
        )
        self.crm_message_count = self.crm_message_waiting_count = 0
        by_id = {partner._origin.id: partner for partner in self}
        for person, state, count in groups:
            # all customers found are read ahead together: a query per level, not per customer
            for partner_id in self._get_ids_above(person.sudo().partner_id):
                if partner := by_id.get(partner_id):
                    partner.crm_message_count += count
                    partner.crm_message_waiting_count += count * (state == 'planned')

    def _get_ids_above(self, partner: ResPartner) -> list[int]:
        """Return the ids of a contact and of those it belongs to."""
        ids = []
        while partner and partner.id not in ids:
            ids.append(partner.id)
            partner = partner.parent_id
        return ids

    def action_view_crm_messages(self) -> dict:
        """Show what was sent to the customer, held and refused, why and when it is tried next."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('crm_customer.crm_message_action')
        return {
            **action,
            'domain': [('partner_id', 'child_of', self.id)],
            'context': {},
            'display_name': self.env._("Messages to %(name)s", name=self.display_name),
        }
