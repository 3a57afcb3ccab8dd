from odoo import api, fields, models
from odoo.exceptions import ValidationError


class AftersalesRequest(models.Model):
    """Whose product a request is about: the customer's own, unless staff says otherwise.

    A tenant, a driver or a dealer may ask about what belongs to somebody else. He then learns the
    name and the warranty of that product, so somebody has to confirm it.
    """

    _inherit = 'aftersales.request'

    owner_differs = fields.Boolean(
        string="Product of Somebody Else", compute='_compute_owner_differs'
    )
    not_owner_confirmed = fields.Boolean(
        string="Customer Is Not the Owner",
        copy=False,
        tracking=True,
        help="The customer asks about a product of somebody else, with his knowledge.",
    )

    @api.depends('commercial_partner_id', 'unit_id.commercial_partner_id')
    def _compute_owner_differs(self):
        for request in self:
            # units are the customer's: who may see the request may know whether they match
            owner = request.unit_id.sudo().commercial_partner_id
            request.owner_differs = bool(
                owner and request.commercial_partner_id and owner != request.commercial_partner_id
            )

    @api.constrains('partner_id', 'unit_id', 'not_owner_confirmed')
    def _check_owner(self):
        for request in self:
            if request.owner_differs and not request.not_owner_confirmed:
                raise ValidationError(
                    self.env._(
                        "%(unit)s belongs to %(owner)s. Choose a product of %(customer)s, or tick"
                        " “Customer Is Not the Owner” when he asks with the owner's knowledge.",
                        unit=request.unit_id.display_name,
                        owner=request.unit_id.commercial_partner_id.display_name,
                        customer=request.partner_id.display_name,
                    )
                )

    @api.model
    def _prepare_owner_vals(self, partner, unit) -> dict:
        """Return what a request needs that the system makes or links: nobody is there to ask."""
        owner = unit.sudo().commercial_partner_id
        differs = owner and partner and owner != partner.commercial_partner_id
        return {'not_owner_confirmed': True} if differs else {}
