from odoo import api, models

from ..briefing import BriefingLine

#: how a note looks in a briefing, by its visibility
LEVEL_OF_VISIBILITY = {'all': 'info', 'service': 'warning', 'confidential': 'danger'}

#: characters of a note in a briefing
MAX_BRIEFING_TEXT = 400


class CrmCustomerNote(models.Model):
    """Notes taken while a customer is expected or here become tasks at once.

    Tasks hold what a note says, so who reads them follows from the note as long as it exists, also
    where the task is done and the customer long gone; a deleted note leaves no text behind.
    """

    _inherit = 'crm.customer.note'

    @api.model_create_multi
    def create(self, vals_list):
        notes = super().create(vals_list)
        notes.sudo().partner_id._sync_occasion_tasks()
        return notes

    def write(self, vals):
        partners = self.sudo().partner_id
        result = super().write(vals)
        if 'visibility' in vals:
            self._get_tasks_sudo().write({'visibility': vals['visibility']})
        if {'text', 'category_id', 'visibility', 'active', 'partner_id'} & set(vals):
            (partners | self.sudo().partner_id)._sync_occasion_tasks()
        return result

    def unlink(self):
        self.check_access('unlink')
        tasks_sudo = self._get_tasks_sudo()
        kept_sudo = tasks_sudo.filtered(lambda task: task.state in ('done', 'skipped'))
        kept_sudo._forget_text()
        (tasks_sudo - kept_sudo).unlink()
        return super().unlink()

    def _get_tasks_sudo(self) -> models.BaseModel:
        """Return the tasks made of these notes, whoever reads them."""
        return self.env['crm.occasion.task'].sudo().search([('note_id', 'in', self.ids)])

    def _get_briefing_line(self) -> BriefingLine:
        """Return the note as a briefing tells it; a lock stands before what not all may read.

        Of a long one its beginning: the screen has many customers, and his file has the rest.
        """
        self.ensure_one()
        text = self.text
        return BriefingLine(
            text if len(text) <= MAX_BRIEFING_TEXT else f'{text[:MAX_BRIEFING_TEXT].rstrip()} …',
            label=self.category_id.name or '',
            level=LEVEL_OF_VISIBILITY[self.visibility],
            icon='' if self.visibility == 'all' else 'fa-lock',
            target=(self._name, self.id),
        )
