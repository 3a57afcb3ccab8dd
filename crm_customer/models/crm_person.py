from __future__ import annotations

import uuid

from odoo import fields, models
from odoo.tools import SQL

from ..messaging import CHANNELS


class CrmPerson(models.Model):
    """Somebody who can be written to, under a key that outlives contacts.

    Consent, caps and the message ledger hang on the person, not on the contact: merging contacts
    links persons to the one that survives, erasing a contact only takes the link away.
    """

    _name = 'crm.person'
    _description = 'Person'
    _inherit = ['crm.version.mixin']
    _rec_name = 'partner_id'

    person_key = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: str(uuid.uuid4()),
        groups='crm_customer.group_manager',
        help="Random; the same in every export, and of no meaning outside.",
    )
    partner_id = fields.Many2one('res.partner', readonly=True, ondelete='set null')
    survivor_id = fields.Many2one(
        'crm.person', readonly=True, index='btree_not_null', help="The person this one became."
    )
    erased_on = fields.Datetime(readonly=True)
    preferred_channel = fields.Selection(selection=CHANNELS)
    preferred_hour_from = fields.Float(string="Best Time from")
    preferred_hour_to = fields.Float(string="Best Time to")
    do_not_disturb = fields.Boolean(
        help="Nothing but orders, service and safety is sent to this person."
    )
    do_not_disturb_until = fields.Date(
        help="First day on which messages may be sent again; empty for good."
    )

    _person_key_unique = models.UniqueIndex('(person_key)')
    _partner_unique = models.UniqueIndex('(partner_id) WHERE partner_id IS NOT NULL')

    def init(self):
        """Leave room on each page: raising a version must not touch the indexes."""
        self.env.cr.execute('ALTER TABLE crm_person SET (fillfactor = 80)')

    def _for_partners(self, partners) -> CrmPerson:
        """Return the persons behind contacts, making those that do not exist yet.

        :param partners: contacts; each gets exactly one person, whatever runs at the same time
        """
        ids = tuple(partners.ids)
        if not ids:
            return self.browse()
        self.env['res.partner'].flush_model()
        self._insert_missing(SQL('SELECT id FROM res_partner WHERE id IN %s', ids))
        return self.sudo().search([('partner_id', 'in', ids)]).with_env(self.env)

    def _insert_missing(self, partner_ids: SQL) -> None:
        """Make the persons that do not exist yet, in one statement.

        :param partner_ids: SELECT of one column, ids of contacts
        """
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_person'
                ' (person_key, partner_id, lock_version, create_uid, create_date,'
                ' write_uid, write_date)'
                " SELECT gen_random_uuid()::text, partner.id, 0, %(uid)s, %(now)s, %(uid)s, %(now)s"
                ' FROM res_partner AS partner WHERE partner.id IN (%(partner_ids)s)'
                ' AND NOT EXISTS (SELECT FROM crm_person WHERE partner_id = partner.id)'
                ' ON CONFLICT (partner_id) WHERE partner_id IS NOT NULL DO NOTHING RETURNING id',
                uid=self.env.uid,
                now=self.env.cr.now(),
                partner_ids=partner_ids,
            )
        )
