from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import pytz

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..messaging import CHANNELS, PURPOSES, PURPOSES_OF_CHOICE

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

    def _get_preference_values(self, company, channel: str | None = None) -> dict[str, Any]:
        """Return what the page of preferences shows; no personal data but a masked address.

        :param company: ``res.company`` whose messages it is about
        :param channel: by which the link to the page was sent, if by one
        """
        self.ensure_one()
        partner = self.sudo().partner_id
        return {
            'person': self.sudo(),
            'company': company.sudo(),
            'masked_address': self._get_masked_address(channel),
            'purposes': self._get_preference_purposes(company),
            'shown': self._get_shown_choices(company),
            'channels': self._get_preference_channels(),
            'day_times': self._get_day_times(),
            'day_time': self._get_day_time(),
            'languages': self._get_language_names(),
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
        closed = self._get_closed_channels(company)
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
                        # a mailbox can be asked for a proof, a number cannot
                        'closed': channel in closed and channel != 'email',
                        'pending': statuses.get((purpose, channel)) == 'pending',
                    }
                    for channel, label in channels
                ],
            }
            for purpose, _label in PURPOSES
            if purpose in PURPOSES_OF_CHOICE
        ]

    def _get_shown_choices(self, company) -> str:
        """Return what stands ticked on the page, to see whether it still does when it is saved.

        :param company: ``res.company`` whose messages it is about
        """
        ticked = [
            f'{purpose["key"]}:{channel["key"]}'
            for purpose in self._get_preference_purposes(company)
            for channel in purpose['channels']
            if channel['allowed']
        ]
        return ' '.join([*ticked, 'do_not_disturb'] if self.do_not_disturb else ticked)

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

    @api.model
    def _get_language_names(self) -> list[tuple[str, str]]:
        """Return the languages one can choose, each as its speakers call it."""
        installed = self.env['res.lang'].get_installed()
        return [(code, name.split(' / ')[-1]) for code, name in installed]

    def _get_masked_address(self, channel: str | None = None) -> str:
        """Return enough of an address to be recognised by its owner and by nobody else.

        :param channel: whose address it is, as ``messaging.CHANNELS``; by default the mailbox,
            else the number
        """
        channels = ('email', 'sms') if channel is None else (channel,)
        address = next(filter(None, map(self._get_address, channels)), '')
        if '@' in address:
            name, domain = address.split('@', 1)
            return f'{name[:1]}***@{domain[:1]}***.{domain.rsplit(".", 1)[-1]}'
        return f'***{address[-2:]}' if address else ''

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
        self, form: dict[str, Any], company, source: str, mailbox: str | None = None
    ) -> None:
        """Record what a customer chose on the page of preferences.

        Only what he changed becomes a decision: leaving a box as it was says nothing.

        :param form: what was posted; ``consents`` is a collection of ``'<purpose>:<channel>'``
        :param company: ``res.company`` whose messages it is about
        :param source: as ``messaging.CONSENT_SOURCES``
        :param mailbox: hash of the e-mail address to which his link was sent, '' when to none;
            None when he is logged in
        :raise UserError: with words for the customer
        """
        self.ensure_one()
        self.sudo()._bump_version()
        if not form.get('stop_all'):
            self._ensure_on_page(form, company)
        values = self._read_preference_form(form)
        evidence = form.get('evidence') or ''
        if form.get('stop_all'):
            self._refuse_everything(company, source, evidence)
        else:
            self._save_consents(form.get('consents') or (), company, source, evidence, mailbox)
        self.sudo().write(values)
        self._save_partner_preferences(form)

    def _ensure_on_page(self, form: dict[str, Any], company) -> None:
        """:raise UserError: the page does not offer, or no longer, what was chosen on it"""
        offered = {
            'preferred_channel': {key for key, _label in self._get_preference_channels()},
            'day_time': {key for key, _first, _last in DAY_TIMES},
            'lang': set(dict(self.env['res.lang'].get_installed())),
            'timezone': set(self._get_preference_timezones()),
        }
        known = {
            f'{purpose["key"]}:{channel["key"]}'
            for purpose in self._get_preference_purposes(company)
            for channel in purpose['channels']
        }
        strange = set(form.get('consents') or ()) - known
        # a box that was ticked before does not agree to what was refused since
        shown = self._get_shown_choices(company)
        outdated = form.get('shown', shown) != shown
        unknown = [name for name in offered if form.get(name) and form[name] not in offered[name]]
        if outdated or strange or unknown:
            raise UserError(
                self.env._("This page has changed meanwhile. Please look at it again, and save.")
            )

    def _refuse_everything(self, company, source: str, evidence: str) -> None:
        """Refuse every purpose by every channel, also those for which there is no address yet."""
        statuses = self._get_consent_statuses(company)
        for purpose in PURPOSES_OF_CHOICE:
            channels = [
                channel
                for channel, _label in CHANNELS
                if channel != 'in_person' and statuses.get((purpose, channel)) != 'out'
            ]
            decision = {'company': company, 'source': source, 'evidence': evidence}
            self._set_consent([purpose], channels, 'out', **decision)

    def _save_consents(
        self,
        wanted: Collection[str],
        company,
        source: str,
        evidence: str,
        mailbox: str | None = None,
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
                if tick == channel['allowed'] or channel['closed']:
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
