from odoo import fields, models
from odoo.exceptions import ValidationError


class CrmScoreWizard(models.TransientModel):
    _name = 'crm.score.wizard'
    _description = 'Score Customers'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    as_of = fields.Date(
        required=True,
        default=fields.Date.context_today,
        help="Orders and credit notes up to this day count. Take a day of the past to see the "
        "customers as they were; the next nightly run brings them back to today.",
    )

    def action_score(self) -> dict:
        """Queue a run with new cut points and open it.

        :return: a window action
        """
        self.ensure_one()
        if self.as_of > fields.Date.context_today(self):
            raise ValidationError(self.env._("Customers cannot be scored as of a future day."))
        run = self.env['crm.score.run'].create(self._prepare_run_vals())
        run._enqueue()
        return run.get_formview_action()

    def _prepare_run_vals(self) -> dict:
        """Return the values of the run to start."""
        return {'company_id': self.company_id.id, 'as_of': self.as_of}
