from odoo import fields, models


class CrmPerson(models.Model):
    _inherit = 'crm.person'

    def _erase(self) -> None:
        """Take the link to the contact away; hashes of the addresses stay."""
        self.write(
            {
                'partner_id': False,
                'erased_on': fields.Datetime.now(),
                'preferred_channel': False,
                'preferred_hour_from': 0,
                'preferred_hour_to': 0,
                'do_not_disturb': True,
                'do_not_disturb_until': False,
            }
        )
