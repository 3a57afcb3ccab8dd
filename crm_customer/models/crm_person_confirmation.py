from __future__ import annotations

from collections.abc import Collection

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..messaging import ADDRESS_KINDS

#: mails that pages send to one address to have it confirmed, in a day
MAX_CONFIRMATIONS = 5
#: persons whose new mailboxes are asked in one transaction
CHUNK = 100


class CrmPerson(models.Model):
    """Agreements that count only when the owner of the mailbox confirms them: double opt-in."""

    _inherit = 'crm.person'

    def _may_ask_mailbox(self) -> bool:
        """Count a mail asked for on a page; an address somebody typed must not be flooded."""
        address_hash = self._get_address_hash('email')
        return self.env['crm.rate.limit']._hit(
            'consent_confirm', address_hash, MAX_CONFIRMATIONS, 24 * 3600
        )

    def _must_confirm_mailbox(self, company, mailbox: str | None) -> bool:
        """Return whether an agreement by e-mail needs a confirmation from the mailbox.

        Anybody can type an address into his account: without a proof that it is his, a company
        that wants agreements confirmed asks.  An address to be left alone is always asked.

        :param mailbox: as in :meth:`_save_preferences`
        """
        address_hash = self._get_address_hash('email')
        if self._filter_suppressed('email', company):
            return True
        if mailbox is not None:
            return mailbox != address_hash
        if not company.sudo().crm_consent_confirm:
            return False
        proof = [
            ('person_id', '=', self.id),
            ('source', '=', 'double_opt_in'),
            ('channel', '=', 'email'),
            ('address_hash', '=', address_hash),
        ]
        return not self.env['crm.consent.event'].sudo().search_count(proof, limit=1)

    @api.model
    def _cron_confirm_changed_mailboxes(self) -> None:
        """Ask the new mailboxes of customers who agreed for another one.

        Their agreements rest since the address changed, see ``crm.consent._get_present_status``.
        """
        while ids := self._get_moved_ids(CHUNK):
            self.sudo().browse(ids)._confirm_changed_mailbox()
            if not self.env['ir.cron']._commit_progress(len(ids)):
                break

    @api.model
    def _get_moved_ids(self, limit: int) -> list[int]:
        """Return ids of persons with agreements that wait for a mailbox nobody has asked."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT DISTINCT consent.person_id FROM crm_consent AS consent'
                ' JOIN res_company AS company ON company.id = consent.company_id'
                ' JOIN crm_person AS person ON person.id = consent.person_id'
                ' JOIN res_partner AS partner ON partner.id = person.partner_id'
                " WHERE partner.email_normalized <> '' AND partner.active AND %s LIMIT %s",
                self.env['crm.consent']._get_moved_sql('consent', 'company', 'partner'),
                limit,
            )
        )
        return [row_id for (row_id,) in rows]

    def _confirm_changed_mailbox(self) -> None:
        """Ask the new mailbox whether what was agreed for another one holds for it too."""
        for person in self.filtered(lambda person: person._get_address('email')):
            given = (
                self.env['crm.consent']
                .sudo()
                .search(
                    [
                        ('person_id', '=', person.id),
                        ('channel', '=', 'email'),
                        ('status', '=', 'in'),
                        ('company_id.crm_consent_confirm', '=', True),
                    ]
                )
            )
            for company, consents in given.grouped('company_id').items():
                consents = consents.filtered(lambda row: row._get_present_status() != 'in')
                if not consents:
                    continue
                if not person._must_confirm_mailbox(company, None):
                    # he went back to one he had confirmed
                    consents.address_hash = person._get_address_hash('email')
                    continue
                purposes = consents.mapped('purpose')
                person._set_consent(
                    purposes, ['email'], 'pending', company=company, source='new_address'
                )
                if person._may_ask_mailbox():
                    person._send_confirmation(purposes, company)

    def _record_statement(
        self,
        purposes: Collection[str],
        channels: Collection[str],
        status: str,
        *,
        company,
        source: str,
        evidence: str,
        heard: bool = False,
    ) -> None:
        """Record what somebody else says that a customer decided.

        :param purposes: as ``messaging.PURPOSES``
        :param channels: as ``messaging.CHANNELS``
        :param status: 'in' or 'out'
        :param company: ``res.company`` the decision is about; who agrees to e-mails is asked to
            confirm it where the company wants that, and where his address is to be left alone
        :param source: as ``messaging.CONSENT_SOURCES``
        :param evidence: how it is known
        :param heard: the owner of a number to be left alone has said so himself: it is free again
        :raise UserError: an agreement without evidence, or to e-mails without an address
        """
        if status == 'in' and not (evidence or '').strip():
            raise UserError(self.env._("Please note how you know that the customer agrees."))
        decision = {'company': company, 'source': source, 'evidence': evidence}
        asked = self.browse()
        if status == 'in' and 'email' in channels:
            confirm = company.sudo().crm_consent_confirm
            asked = self if confirm else self._filter_suppressed('email', company)
        others = [channel for channel in channels if channel != 'email']
        reachable = asked.filtered(lambda person: person._get_address('email'))
        (reachable if others or len(self) > 1 else asked)._request_consent(purposes, **decision)
        (asked - reachable)._set_consent(purposes, ['email'], 'pending', **decision)
        (self - asked)._set_consent(purposes, channels, status, **decision)
        asked._set_consent(purposes, others, status, **decision)
        if heard and status == 'in':
            numbers = [channel for channel in others if ADDRESS_KINDS.get(channel) == 'phone']
            self._lift_suppression(numbers, company, source)

    def _request_consent(
        self, purposes: Collection[str], *, company, source: str, evidence: str = ''
    ) -> None:
        """Ask the owner of an e-mail address to confirm that he agrees.

        Until he does, nothing but orders and service is sent to him.  Of what he gets already he
        is not asked again.

        :param purposes: as ``messaging.PURPOSES``
        :param company: ``res.company`` that asks
        :param source: who said that he agrees, as ``messaging.CONSENT_SOURCES``
        :raise UserError: the customer has no e-mail address
        """
        for person in self:
            if not person._get_address('email'):
                raise UserError(self.env._("There is no e-mail address to confirm."))
            given = person._get_given_purposes(purposes, company)
            decision = {'company': company, 'source': source, 'evidence': evidence}
            if given:
                person._set_consent(given, ['email'], 'in', **decision)
            if waiting := [purpose for purpose in purposes if purpose not in given]:
                person._set_consent(waiting, ['email'], 'pending', **decision)
                person._send_confirmation(waiting, company)

    def _get_given_purposes(self, purposes: Collection[str], company) -> list[str]:
        """Return the purposes of which e-mails are sent to this person at present."""
        if self._filter_suppressed('email', company):
            return []
        statuses = self._get_consent_statuses(company)
        return [
            purpose
            for purpose in purposes
            if company.sudo()._is_consent_given(purpose, statuses.get((purpose, 'email')))
        ]

    def _send_confirmation(self, purposes: Collection[str], company) -> None:
        """Plan the mail with the link; it passes the gate as any other message."""
        event = (
            self.env['crm.consent.event']
            .sudo()
            .search([('person_id', '=', self.id)], order='id desc', limit=1)
        )
        template = self.env.ref('crm_customer.mail_template_consent_confirm')
        self.env['crm.message'].sudo()._plan(
            [
                {
                    'key': f'consent_confirm:{event.id}',
                    'person_id': self.id,
                    'company_id': company.id,
                    'message_class': 'transactional',
                    'channel': 'email',
                    'subject': template.sudo().subject,
                    'content_model': 'mail.template',
                    'content_id': template.id,
                    'content_values': {
                        'url': self._get_confirm_url(company, purposes, 'email'),
                        'company': company.sudo().name,
                        'email_from': company.sudo().email_formatted or '',
                    },
                }
            ]
        )

    def _get_waiting_purposes(
        self, company, purposes: Collection[str], channel: str
    ) -> list[str] | None:
        """Return the purposes that wait for confirmation, None when all of them were confirmed.

        :param company: ``res.company`` that asked
        :param purposes: that the owner of an address was asked about
        :param channel: as ``messaging.CHANNELS``
        """
        statuses = self._get_consent_statuses(company)
        found = {purpose: statuses.get((purpose, channel)) for purpose in purposes}
        if set(found.values()) == {'in'}:
            return None
        return [purpose for purpose, status in found.items() if status == 'pending']

    def _confirm_consent(
        self, company, purposes: Collection[str], channel: str, evidence: str = ''
    ) -> bool:
        """Turn what waits for confirmation into agreement; only by a link to the present address.

        :param company: ``res.company`` that asked
        :param purposes: that the owner of the address was asked about
        :param channel: as ``messaging.CHANNELS``
        :return: False when nothing waits: he refused meanwhile
        """
        self.sudo()._bump_version()
        waiting = self._get_waiting_purposes(company, purposes, channel)
        if waiting is None:
            return True
        for purpose in waiting:
            self._set_consent(
                [purpose],
                [channel],
                'in',
                company=company,
                source='double_opt_in',
                evidence=evidence,
                wording=self._get_consent_wording(company, purpose, channel),
            )
        return bool(waiting)
