from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain


class AftersalesRequest(models.Model):
    """Requests about products whose owner may ask for another one or for his money."""

    _inherit = 'aftersales.request'

    remedy_rule_ids = fields.Many2many(
        comodel_name='aftersales.remedy.rule',
        string="Rights Reached",
        readonly=True,
        copy=False,
        groups='base.group_user',
        help="The rules reached when the request was opened from the product.",
    )
    unit_remedy_text = fields.Text(
        related='unit_id.remedy_text', string="Remedies", groups='base.group_user'
    )

    def action_open_remedy(self) -> dict:
        """Open the request about the rights of the customer.

        :return: window action
        """
        self.ensure_one()
        return self.unit_id.action_open_remedy()

    @api.model
    def _get_remedy_type(self, company):
        """Return the type of requests for exchange and refund: returns, else complaints."""
        found = self.env['aftersales.request.type'].search(
            Domain('code', 'in', ('return', 'complaint'))
            & Domain('company_id', 'in', [False, company.id])
        )
        return found.sorted(lambda kind: kind.code != 'return')[:1]

    @api.model
    def _get_remedy_description(self, reasons: list[str]) -> Markup:
        """Return the reasons as the description of a request."""
        rows = Markup().join(Markup("<li>%s</li>") % reason for reason in reasons)
        return Markup("<ul>%s</ul>") % rows
