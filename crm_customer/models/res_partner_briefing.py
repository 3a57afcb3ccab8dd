from __future__ import annotations

from collections import defaultdict

from odoo import models
from odoo.fields import Date, Domain
from odoo.tools import format_amount, format_date

from ..briefing import BriefingLine, BriefingSection

#: notes on one customer in a briefing; more are read in his file
MAX_NOTES = 12


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # ------------------------------------------------------------
    # BRIEFING
    # ------------------------------------------------------------

    def _get_briefing_sections(self) -> list[BriefingSection]:
        """Return what staff should know of customers; extend by ``super() + [...]``.

        ``self`` may be empty: the sections are asked for many customers at once.
        """
        return [*self._get_person_briefing_sections(), *self._get_document_briefing_sections()]

    def _get_person_briefing_sections(self) -> list[BriefingSection]:
        """Return who the customers are: birthday, wishes, last time here."""
        return [
            BriefingSection(
                key='birthday',
                label=self.env._("Birthday"),
                icon='fa-birthday-cake',
                describe_occasions=lambda occasions: occasions._get_birthday_lines(),
                sequence=10,
            ),
            BriefingSection(
                key='crm.customer.note',
                label=self.env._("Wishes and Notes"),
                icon='fa-sticky-note-o',
                models=('crm.customer.note',),
                describe=lambda partners: partners._get_briefing_notes(),
                sequence=20,
            ),
            BriefingSection(
                key='crm.occasion',
                label=self.env._("Last Time Here"),
                icon='fa-history',
                models=('crm.occasion',),
                describe=lambda partners: partners._get_briefing_occasions(),
                sequence=30,
            ),
        ]

    def _get_document_briefing_sections(self) -> list[BriefingSection]:
        """Return what is open between the customers and us."""
        return [
            BriefingSection(
                key='sale.order',
                label=self.env._("Open Orders"),
                icon='fa-shopping-cart',
                models=('sale.order',),
                describe=lambda partners: partners._get_briefing_orders(),
                sequence=60,
            ),
            BriefingSection(
                key='account.move',
                label=self.env._("Open Invoices"),
                icon='fa-file-text-o',
                models=('account.move',),
                describe=lambda partners: partners._get_briefing_invoices(),
                sequence=70,
            ),
        ]

    def _get_readable_briefing_sections(self) -> list[BriefingSection]:
        return sorted(
            (
                section
                for section in self._get_briefing_sections()
                if all(self.env[model].has_access('read') for model in section.models)
            ),
            key=lambda section: section.sequence,
        )

    # ------------------------------------------------------------
    # SECTIONS
    # ------------------------------------------------------------

    def _get_briefing_notes(self) -> dict[int, list[BriefingLine]]:
        """Tell the notes on these customers that the reader may read, the newest first."""
        domain = Domain('partner_id', 'in', self.ids)
        if self.env.su:  # nobody in particular reads it, as in a mail
            domain &= Domain('visibility', '!=', 'confidential')
        lines = defaultdict(list)
        for note in self.env['crm.customer.note']._search_newest(domain, MAX_NOTES):
            lines[note.partner_id.id].append(note._get_briefing_line())
        return lines

    def _get_briefing_occasions(self) -> dict[int, list[BriefingLine]]:
        """Say how often these customers were here, and when last."""
        groups = self.env['crm.occasion']._read_group(
            Domain('partner_id', 'in', self.ids) & Domain('state', '=', 'left'),
            ['partner_id', 'type_id'],
            ['__count', 'date_from:max'],
        )
        lines = defaultdict(list)
        for partner, kind, count, last in groups:
            text = self.env._(
                "%(count)s × %(type)s, last on %(date)s",
                count=count,
                type=kind.name,
                date=format_date(self.env, last),
            )
            lines[partner.id].append(BriefingLine(text))
        return lines

    def _get_briefing_orders(self) -> dict[int, list[BriefingLine]]:
        """Say what the customers' companies have ordered or been offered and is not settled."""
        domain = Domain('state', '=', 'sent') | (
            Domain('state', '=', 'sale') & Domain('invoice_status', '=', 'to invoice')
        )
        return self._get_briefing_amounts('sale.order', domain, 'amount_total:sum')

    def _get_briefing_invoices(self) -> dict[int, list[BriefingLine]]:
        """Say what the customers' companies still owe."""
        domain = (
            Domain('move_type', '=', 'out_invoice')
            & Domain('state', '=', 'posted')
            & Domain('payment_state', 'in', ('not_paid', 'partial'))
        )
        late = domain & Domain('invoice_date_due', '<', Date.context_today(self))
        overdue = self._get_briefing_amounts('account.move', late, 'amount_residual:sum')
        lines = self._get_briefing_amounts('account.move', domain, 'amount_residual:sum')
        for partner_id, late_lines in overdue.items():
            lines[partner_id] = lines[partner_id] + [
                BriefingLine(
                    line.text,
                    label=self.env._("Overdue"),
                    level='danger',
                    icon='fa-exclamation-triangle',
                )
                for line in late_lines
            ]
        return lines

    def _get_briefing_amounts(
        self, model: str, domain: Domain, aggregate: str
    ) -> dict[int, list[BriefingLine]]:
        """Return number and sum of documents of the customers' commercial entities."""
        groups = self.env[model]._read_group(
            domain
            & Domain('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids),
            ['commercial_partner_id' if model == 'account.move' else 'partner_id', 'currency_id'],
            ['__count', aggregate],
        )
        totals = defaultdict(lambda: [0, 0.0])
        for partner, currency, count, amount in groups:
            total = totals[partner.commercial_partner_id, currency]
            total[0] += count
            total[1] += amount
        by_customer = defaultdict(list)
        for (customer, currency), (count, amount) in totals.items():
            text = self.env._(
                "%(count)s: %(amount)s",
                count=count,
                amount=format_amount(self.env, amount, currency),
            )
            by_customer[customer].append(BriefingLine(text))
        return {
            partner.id: list(by_customer[partner.commercial_partner_id])
            for partner in self
            if partner.commercial_partner_id in by_customer
        }
