from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import pytz

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..messaging import CHANNELS, PURPOSES, PURPOSES_OF_CHOICE

#: mails that ask one address to confirm, in a day
MAX_CONFIRMATIONS = 5
#: times of the day a customer can choose: key, first and last hour
DAY_TIMES = [('morning', 8, 12), ('afternoon', 12, 17), ('evening', 17, 21)]


def format_time_of_day(hours: float) -> str:
    """Return hours after midnight as a clock shows them."""
    minutes = round(hours * 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}'


class CrmPerson(models.Model):
    """What a customer sees and chooses of himself, with or without a login."""

    _inherit = 'crm.person'

    # ------------------------------------------------------------
    # WHAT HE SEES
    # ------------------------------------------------------------

    def _get_preference_values(self, company) -> dict[str, Any]:
        """Return what the page of preferences shows; no personal data but a masked address.

        :param company: ``res.company`` whose messages it is about
        """
        self.ensure_one()
        partner = self.sudo().partner_id
        return {
            'person': self.sudo(),
            'company': company.sudo(),
            'masked_address': self._get_masked_address(),
            'purposes': self._get_preference_purposes(company),
            'channels': self._get_preference_channels(),
            'day_times': self._get_day_times(),
            'day_time': self._get_day_time(),
            'languages': self.env['res.lang'].get_installed(),
            'lang': partner.lang,
            'timezones': self._get_preference_timezones(),
            'timezone': partner.customer_tz_choice,
            'wording': company.sudo().crm_consent_wording or '',
        }

    def _get_preference_channels(self) -> list[tuple[str, str]]:
        """Return the channels by which the customer can be reached, with their names."""
        partner = self.sudo().partner_id
        reachable = {
            'email': partner.email_normalized,
            'sms': partner.phone_sanitized,
            'phone': partner.phone,
            'post': partner.street,
        }
        labels = dict(self._fields['preferred_channel']._description_selection(self.env))
        return [(key, labels[key]) for key, _label in CHANNELS if reachable.get(key)]

    def _get_preference_purposes(self, company) -> list[dict[str, Any]]:
        """Return each purpose with what holds now by each channel."""
        statuses = self._get_consent_statuses(company)
        channels = self._get_preference_channels()
        labels = dict(self.env['crm.consent']._fields['purpose']._description_selection(self.env))
        closed = {key for key, _label in channels if self._filter_suppressed(key, company)}
        return [
            {
                'key': purpose,
                'label': labels[purpose],
                'channels': [
                    {
                        'key': channel,
                        'label': label,
                        'allowed': channel not in closed
                        and company.sudo()._is_consent_given(
                            purpose, statuses.get((purpose, channel))
                        ),
                        'pending': statuses.get((purpose, channel)) == 'pending',
                    }
                    for channel, label in channels
                ],
            }
            for purpose, _label in PURPOSES
            if purpose in PURPOSES_OF_CHOICE
        ]

    def _get_preference_timezones(self) -> list[str]:
        """Return the zones a customer can choose: those of places, and the one he has."""
        chosen = self.sudo().partner_id.customer_tz_choice
        zones = pytz.common_timezones
        return [*zones] if not chosen or chosen in zones else [chosen, *zones]

    def _get_day_times(self) -> list[tuple[str, str]]:
        labels = {
            'morning': self.env._("Morning (8 to 12)"),
            'afternoon': self.env._("Afternoon (12 to 17)"),
            'evening': self.env._("Evening (17 to 21)"),
        }
        return [(key, labels[key]) for key, _from, _to in DAY_TIMES]

    def _get_day_time(self) -> str:
        hours = (self.preferred_hour_from, self.preferred_hour_to)
        return next((key for key, *times in DAY_TIMES if tuple(times) == hours), '')

    def _get_masked_address(self) -> str:
        """Return enough of an address to be recognised by its owner and by nobody else."""
        partner = self.sudo().partner_id
        if email := partner.email_normalized:
            name, domain = email.split('@', 1)
            return f'{name[:1]}***@{domain[:1]}***.{domain.rsplit(".", 1)[-1]}'
        phone = partner.phone_sanitized or ''
        return f'***{phone[-2:]}' if phone else ''

    def _describe_preferences(self) -> list[str]:
        """Return in words what a person prefers, for staff."""
        self.ensure_one()
        channels = dict(self._fields['preferred_channel']._description_selection(self.env))
        texts = []
        if self.do_not_disturb and self.do_not_disturb_until:
            day = format_date(self.env, self.do_not_disturb_until)
            texts.append(self.env._("Do not disturb until %(day)s", day=day))
        elif self.do_not_disturb:
            texts.append(self.env._("Do not disturb"))
        if self.preferred_channel:
            channel = channels[self.preferred_channel]
            texts.append(self.env._("Prefers: %(channel)s", channel=channel))
        if self.preferred_hour_to:
            hours = (self.preferred_hour_from, self.preferred_hour_to)
            texts.append(
                self.env._(
                    "Best time: %(first)s to %(last)s",
                    first=format_time_of_day(hours[0]),
                    last=format_time_of_day(hours[1]),
                )
            )
        return texts

    # ------------------------------------------------------------
    # WHAT HE CHOOSES
    # ------------------------------------------------------------

    def _save_preferences(
        self, form: dict[str, Any], company, source: str, mailbox: str = ''
    ) -> None:
        """Record what a customer chose on the page of preferences.

        Only what he changed becomes a decision: leaving a box as it was says nothing.

        :param form: what was posted; ``consents`` is a collection of ``'<purpose>:<channel>'``
        :param company: ``res.company`` whose messages it is about
        :param source: as ``messaging.CONSENT_SOURCES``
        :param mailbox: hash of the e-mail address whose owner he is, as far as that is proven
        :raise UserError: with words for the customer
        """
        self.ensure_one()
        self.sudo()._bump_version()
        values = self._read_preference_form(form)
        wanted = set() if form.get('stop_all') else set(form.get('consents') or ())
        self._save_consents(wanted, company, source, form.get('evidence') or '', mailbox)
        self.sudo().write(values)
        self._save_partner_preferences(form)

    def _save_consents(
        self, wanted: Collection[str], company, source: str, evidence: str, mailbox: str = ''
    ) -> None:
        """Record what he ticked and unticked; what the owner of the address must confirm, waits.

        :param wanted: ``'<purpose>:<channel>'`` of the boxes that are ticked
        :param mailbox: as in :meth:`_save_preferences`
        """
        must_confirm = self._must_confirm_mailbox(company, mailbox)
        unconfirmed = []
        for purpose in self._get_preference_purposes(company):
            for channel in purpose['channels']:
                tick = f'{purpose["key"]}:{channel["key"]}' in wanted
                if tick == channel['allowed']:
                    continue
                if tick and channel['key'] == 'email' and must_confirm:
                    unconfirmed.append(purpose['key'])
                    continue
                self._set_consent(
                    [purpose['key']],
                    [channel['key']],
                    'in' if tick else 'out',
                    company=company,
                    source=source,
                    evidence=evidence,
                    wording=self._get_consent_wording(company, purpose['key'], channel['key']),
                )
        if unconfirmed:
            decision = {'company': company, 'source': source, 'evidence': evidence}
            if self._may_ask_mailbox():
                self._request_consent(unconfirmed, **decision)
            else:
                self._set_consent(unconfirmed, ['email'], 'pending', **decision)

    def _may_ask_mailbox(self) -> bool:
        """Count a mail asked for on a page; an address somebody typed must not be flooded."""
        address_hash = self._get_address_hash('email')
        return self.env['crm.rate.limit']._hit(
            'consent_confirm', address_hash, MAX_CONFIRMATIONS, 24 * 3600
        )

    def _must_confirm_mailbox(self, company, mailbox: str) -> bool:
        """Return whether an agreement by e-mail needs a confirmation from the mailbox.

        Anybody can type an address into his account: without a proof that it is his, a company
        that wants agreements confirmed asks.  An address to be left alone is always asked.

        :param mailbox: as in :meth:`_save_preferences`
        """
        address_hash = self._get_address_hash('email')
        if self._filter_suppressed('email', company) or (mailbox and mailbox != address_hash):
            return True
        if mailbox or not company.sudo().crm_consent_confirm:
            return False
        proof = [
            ('person_id', '=', self.id),
            ('source', '=', 'double_opt_in'),
            ('channel', '=', 'email'),
            ('address_hash', '=', address_hash),
        ]
        return not self.env['crm.consent.event'].sudo().search_count(proof, limit=1)

    def _read_preference_form(self, form: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the person from what was posted; nonsense is left out."""
        channel = form.get('preferred_channel')
        reachable = [key for key, _label in self._get_preference_channels()]
        hours = {key: (first, last) for key, first, last in DAY_TIMES}
        first, last = hours.get(form.get('day_time'), (0, 0))
        quiet = bool(form.get('do_not_disturb'))
        return {
            'preferred_channel': channel if channel in reachable else False,
            'preferred_hour_from': first,
            'preferred_hour_to': last,
            'do_not_disturb': quiet,
            'do_not_disturb_until': quiet and self._read_date(form.get('do_not_disturb_until')),
        }

    def _read_date(self, text: str | None) -> date | bool:
        if not text:
            return False
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise UserError(self.env._("Please give the day as year-month-day.")) from error

    def _save_partner_preferences(self, form: dict[str, Any]) -> None:
        """Keep language and time zone with the contact, where the rest of Odoo reads them."""
        partner = self.sudo().partner_id
        values = {}
        if form.get('lang') in dict(self.env['res.lang'].get_installed()):
            values['lang'] = form['lang']
        if form.get('timezone', '') in {'', *self._get_preference_timezones()}:
            values['customer_tz_choice'] = form.get('timezone') or False
        changed = {name: value for name, value in values.items() if partner[name] != value}
        if changed:
            partner.write(changed)

    def _get_consent_wording(self, company, purpose: str, channel: str) -> str:
        """Return the words beside the box a customer ticks, for the proof.

        :param company: ``res.company`` whose messages it is about
        """
        purposes = dict(self.env['crm.consent']._fields['purpose']._description_selection(self.env))
        channels = dict(self.env['crm.consent']._fields['channel']._description_selection(self.env))
        sentence = self.env._(
            "%(company)s may contact me by %(channel)s: %(purpose)s.",
            company=company.sudo().name,
            channel=channels[channel],
            purpose=purposes[purpose],
        )
        return '\n'.join(filter(None, [sentence, company.sudo().crm_consent_wording]))

    # ------------------------------------------------------------
    # DOUBLE OPT-IN
    # ------------------------------------------------------------

    def _record_statement(
        self,
        purposes: Collection[str],
        channels: Collection[str],
        status: str,
        *,
        company,
        source: str,
        evidence: str,
    ) -> None:
        """Record what somebody else says that a customer decided.

        :param purposes: as ``messaging.PURPOSES``
        :param channels: as ``messaging.CHANNELS``
        :param status: 'in' or 'out'
        :param company: ``res.company`` the decision is about; who agrees to e-mails is asked to
            confirm it where the company wants that, and where his address is to be left alone
        :param source: as ``messaging.CONSENT_SOURCES``
        :param evidence: how it is known
        :raise UserError: an agreement without evidence
        """
        if status == 'in' and not (evidence or '').strip():
            raise UserError(self.env._("Please note how you know that the customer agrees."))
        decision = {'company': company, 'source': source, 'evidence': evidence}
        asked = self.browse()
        if status == 'in' and 'email' in channels:
            confirm = company.sudo().crm_consent_confirm
            asked = self if confirm else self._filter_suppressed('email', company)
        asked._request_consent(purposes, **decision)
        (self - asked)._set_consent(purposes, channels, status, **decision)
        if asked and (others := [channel for channel in channels if channel != 'email']):
            asked._set_consent(purposes, others, status, **decision)

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

    def _confirm_consent(self, company, values: list[str], evidence: str = '') -> bool:
        """Turn what waits for confirmation into agreement.

        :param company: ``res.company`` that asked
        :param values: of the link: purposes, channel, hash of the address it was sent to
        :return: False when nothing waits: the address changed, or he refused meanwhile
        """
        purposes, channel, address_hash = values
        self.sudo()._bump_version()
        statuses = self._get_consent_statuses(company)
        pairs = [(purpose, channel) for purpose in purposes.split(',')]
        if self._get_address_hash(channel) != address_hash:
            return False
        if all(statuses.get(pair) == 'in' for pair in pairs):
            return True
        waiting = [purpose for purpose, _ in pairs if statuses.get((purpose, channel)) == 'pending']
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
