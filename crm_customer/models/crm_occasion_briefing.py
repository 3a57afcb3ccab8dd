from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import format_date

from ..briefing import BriefingLine, BriefingSection


class CrmOccasion(models.Model):
    """What staff should know of the customers of an arrival list."""

    _inherit = 'crm.occasion'

    briefing = fields.Html(compute='_compute_briefing', sanitize=False)
    birthday = fields.Char(
        compute='_compute_birthday', help="Birthday that falls into the occasion."
    )

    @api.depends('partner_id', 'date_from', 'date_to', 'arrived_at', 'left_at')
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_briefing(self):
        briefings = self._get_briefings()
        for occasion in self:
            sections = [
                found
                for found in briefings.get(occasion._origin.id, [])
                if found[0].key != 'birthday'  # a banner of its own says so
            ]
            occasion.briefing = self.env['ir.qweb']._render(
                'crm_customer.occasion_briefing', {'sections': sections}
            )

    @api.depends('partner_id', 'date_from', 'date_to', 'arrived_at', 'left_at')
    @api.depends_context('lang')
    def _compute_birthday(self):
        birthdays = self._get_birthdays()
        for occasion in self:
            dates = [occurrence.date for occurrence in birthdays.get(occasion.id, [])]
            occasion.birthday = ', '.join(format_date(self.env, day) for day in dates)

    # ------------------------------------------------------------
    # BIRTHDAYS
    # ------------------------------------------------------------

    def _get_birthdays(self) -> dict[int, list]:
        """Return the birthdays that fall into these occasions, by occasion id.

        One reading for all, over the days from the first to the last of them.
        """
        days = {occasion.id: occasion._get_days() for occasion in self if occasion.date_from}
        if not days:
            return {}
        first = min(start for start, _end in days.values())
        last = max(end for _start, end in days.values())
        known = self.partner_id._get_birthdays(first, last)
        found = {}
        for occasion in self:
            start, end = days.get(occasion.id, (None, None))
            inside = [
                occurrence
                for occurrence in known.get(occasion.partner_id.id, [])
                if start and start <= occurrence.date <= end
            ]
            if inside:
                found[occasion.id] = inside
        return found

    def _get_days(self) -> tuple:
        """Return the first and the last day of the occasion in the company's zone."""
        zone = self.with_context(tz=self.company_id._get_customer_timezone())
        return tuple(
            fields.Datetime.context_timestamp(zone, moment).date() for moment in self._get_period()
        )

    # ------------------------------------------------------------
    # BRIEFING
    # ------------------------------------------------------------

    @api.readonly
    def get_briefings(self) -> list[dict]:
        """Read what staff should know of the customers of these occasions.

        :return: for each occasion ``id``, ``partner_id`` and ``sections``: ``key``, ``label`` and
            ``lines`` with ``label``, ``text`` and ``level``
        """
        self.check_access('read')
        briefings = self._get_briefings()
        return [
            {
                'id': occasion.id,
                'partner_id': occasion.partner_id.id,
                'sections': [
                    {
                        'key': section.key,
                        'label': section.label,
                        'lines': [
                            {'label': line.label, 'text': line.text, 'level': line.level}
                            for line in lines
                        ],
                    }
                    for section, lines in briefings[occasion.id]
                ],
            }
            for occasion in self
        ]

    def _get_briefings(self) -> dict[int, list[tuple[BriefingSection, list[BriefingLine]]]]:
        """Return the sections that have something to say, by occasion id."""
        occasions = self._origin
        partners = occasions.partner_id
        briefings = {occasion.id: [] for occasion in occasions}
        for section in partners._get_readable_briefing_sections():
            by_partner = section.describe(partners) if section.describe else {}
            by_occasion = (
                section.describe_occasions(occasions) if section.describe_occasions else {}
            )
            for occasion in occasions:
                lines = [
                    *by_occasion.get(occasion.id, ()),
                    *by_partner.get(occasion.partner_id.id, ()),
                ]
                if lines:
                    briefings[occasion.id].append((section, lines))
        return briefings

    def _get_birthday_lines(self) -> dict[int, list[BriefingLine]]:
        """Say whose birthday falls into his occasion."""
        return {
            occasion_id: [
                BriefingLine(format_date(self.env, occurrence.date), level='success')
                for occurrence in occurrences
            ]
            for occasion_id, occurrences in self._get_birthdays().items()
        }

    def _get_arrival_notice(self) -> dict | None:
        """Show the birthdays of customers who just arrived."""
        notice = super()._get_arrival_notice()
        celebrating = self.filtered('birthday')
        if notice or not celebrating:
            return notice
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'sticky': True,
                'title': self.env._("Birthday during the stay"),
                'message': ', '.join(
                    f'{occasion.partner_id.display_name}: {occasion.birthday}'
                    for occasion in celebrating
                ),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
