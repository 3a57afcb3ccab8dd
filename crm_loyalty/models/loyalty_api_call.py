from __future__ import annotations

import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError

MAX_KEY_LENGTH = 255  # what fits into an index whatever the characters


class LoyaltyApiCall(models.Model):
    """What another system asked for under a key of its own, and what it was answered.

    Asked again, it is answered the same, and nothing moves twice.
    """

    _name = 'loyalty.api.call'
    _inherit = ['crm.keyed.mixin', 'crm.version.mixin']
    _description = 'Points Movement of Another System'
    _order = 'id desc'
    _rec_name = 'key'

    key = fields.Char(required=True, help="Company, and key given by the other system.")
    method = fields.Char(required=True, readonly=True)
    fingerprint = fields.Char(required=True, readonly=True, help="Hash of all that was asked for.")
    answer = fields.Json(readonly=True)
    card_id = fields.Many2one(
        'loyalty.card', readonly=True, index='btree_not_null', ondelete='set null'
    )
    row_id = fields.Many2one(
        'loyalty.history',
        string="Movement",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    reversed_row_id = fields.Many2one(
        'loyalty.history',
        string="Takes Back",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    company_id = fields.Many2one('res.company', required=True, readonly=True)

    @api.model
    def _get_full_key(self, key: str) -> str:
        """Return the key as it is kept: each company has keys of its own.

        :raise UserError: there is none, or one that cannot be kept
        """
        if not isinstance(key, str) or not key.strip():
            raise UserError(self.env._("A key is needed, which says what the movement is for."))
        if len(key) > MAX_KEY_LENGTH or '\0' in key:
            raise UserError(self.env._("A key has at most %s characters.", MAX_KEY_LENGTH))
        return f'{self.env.company.id}:{key.strip()}'

    @api.model
    def _get_fingerprint(self, method: str, content: dict) -> str:
        text = json.dumps([method, content], sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @api.model
    def _find(self, key: str) -> LoyaltyApiCall:
        """Return the call of a key (sudo), or none."""
        return self.sudo().search([('key', '=', self._get_full_key(key))])

    def _repeat_answer(self, fingerprint: str) -> dict:
        """Return what was answered before.

        :raise UserError: something else was asked for under this key
        """
        self.ensure_one()
        if self.fingerprint != fingerprint:
            raise UserError(
                self.env._(
                    "The key %(key)s was used for something else (%(method)s, %(date)s). Give each "
                    "movement a key of its own.",
                    key=self.key.partition(':')[2],
                    method=self.method,
                    date=self.create_date,
                )
            )
        return self.answer
