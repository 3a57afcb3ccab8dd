from __future__ import annotations

from datetime import timedelta

from odoo import api, fields, models
from odoo.http import request
from odoo.tools import SQL

from .crm_import import OPEN_IMPORT_STATES

#: how long a file that was not brought in, and lines left out, are kept at most
CONTENT_DAYS = 30


class CrmImport(models.Model):
    """Files hold names, numbers and what was noted: they go as soon as they can.

    What may hold confidential texts is only for who brings it in, and not for the external API.
    """

    _name = 'crm.import'
    _inherit = ['crm.import', 'crm.visibility.mixin']

    visibility = fields.Selection(
        compute='_compute_visibility', store=True, precompute=True, default=None
    )

    @api.depends('template')
    def _compute_visibility(self):
        mixin = self.env.registry['crm.visibility.mixin']
        closed = {
            template.code
            for template in self._get_import_templates()
            if isinstance(self.env[template.model], mixin)
        }
        for record in self:
            record.visibility = 'confidential' if record.template in closed else 'all'

    @api.model
    def _is_confidential_channel(self) -> bool:
        """Return whether the web client asks, for a page or a file, or the job."""
        return not request or request.httprequest.path.startswith('/web/')

    def _forget_file(self) -> None:
        """Drop the file; its rows, where it was taken apart, have all that is needed."""
        self.filtered('file').sudo().write({'file': False})

    @api.autovacuum
    def _gc_contents(self, limit: int = 100) -> tuple[int, int]:
        """Drop old files and rows; that something was brought in stays to be seen."""
        before = fields.Datetime.now() - timedelta(days=CONTENT_DAYS)
        domain = [('state', 'not in', OPEN_IMPORT_STATES), ('write_date', '<', before)]
        imports = self.search([*domain, ('file', '!=', False)], limit=limit)
        imports |= self.search([*domain, ('id', 'in', self._get_with_cells_sql())], limit=limit)
        imports._clear_rows()
        imports._forget_file()
        return len(imports), len(imports) // limit

    @api.model
    def _get_with_cells_sql(self) -> SQL:
        return SQL('(SELECT import_id FROM crm_import_row WHERE cells IS NOT NULL)')


class CrmImportRow(models.Model):
    _name = 'crm.import.row'
    _inherit = ['crm.import.row', 'crm.visibility.mixin']

    visibility = fields.Selection(
        compute='_compute_visibility',
        search='_search_visibility',
        index=False,
        required=False,
        default=None,
    )

    @api.depends('import_id.visibility')
    def _compute_visibility(self):
        for row in self:
            row.visibility = row.import_id.visibility

    @api.model
    def _search_visibility(self, operator, value):
        return [('import_id.visibility', operator, value)]

    @api.model
    def _is_confidential_channel(self) -> bool:
        return self.env['crm.import']._is_confidential_channel()
