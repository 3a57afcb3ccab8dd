from __future__ import annotations

import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError

#: how long another system may ask again under a key
KEEP_DAYS = 400


class AftersalesApiCall(models.Model):
    """A request another system raised under a key of its own.

    Asked again, it is answered the same, and no second request is made.
    """

    _name = 'aftersales.api.call'
    _description = "Request Raised by Another System"
    _inherit = ['crm.keyed.mixin']
    _order = 'id desc'
    _rec_name = 'key'

    key = fields.Char(required=True, help="Company, and key given by the other system.")
    fingerprint = fields.Char(required=True, readonly=True, help="Hash of all that was sent.")
    answer = fields.Json(readonly=True)
    request_id = fields.Many2one(
        comodel_name='aftersales.request', readonly=True, index='btree_not_null', ondelete='cascade'
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)

    @api.model
    def _get_full_key(self, key: str) -> str:
        """Return the key as it is kept: each company has keys of its own.

        :raise UserError: there is none
        """
        if not isinstance(key, str) or not key.strip():
            raise UserError(self.env._("A key is needed, by which you know this request."))
        return f'{self.env.company.id}:{key.strip()}'

    @api.model
    def _get_fingerprint(self, values: dict) -> str:
        text = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @api.model
    def _find(self, key: str) -> AftersalesApiCall:
        """Return the call of a key, in elevated rights, or none."""
        return self.sudo().search([('key', '=', self._get_full_key(key))])

    def _repeat_answer(self, fingerprint: str) -> dict:
        """Return what was answered before.

        :raise UserError: something else was sent under this key
        """
        self.ensure_one()
        if self.fingerprint != fingerprint:
            raise UserError(
                self.env._(
                    "The key %(key)s was used for something else (request %(number)s). Give each"
                    " request a key of its own.",
                    key=self.key.partition(':')[2],
                    number=self.request_id.number,
                )
            )
        # XML-RPC knows no null, which answers once had
        return {name: value or False for name, value in self.answer.items()} | {'created': False}

    @api.autovacuum
    def _gc_calls(self) -> None:
        """Forget calls nobody will repeat any more."""
        before = fields.Datetime.subtract(fields.Datetime.now(), days=KEEP_DAYS)
        self.sudo().search([('create_date', '<', before)], limit=10_000).unlink()
