from __future__ import annotations

from datetime import date

from odoo import models
from odoo.tools import SQL, format_date, formatLang

from ..barcode import get_code128, get_qr


class LoyaltyCard(models.Model):
    """The statement for eyes: portal, paper and the dialog of the staff show the same."""

    _inherit = 'loyalty.card'

    def _get_statement_page(self, **wanted) -> dict:
        """Return the statement with what its templates need besides.

        :param wanted: arguments of :meth:`get_statement`
        """
        statement = self.get_statement(**wanted)
        movements = statement['movements']
        oldest = movements[-1] if movements else None
        return {
            'card': self.sudo(),
            'statement': statement,
            'number': self._format_statement_number,
            'with_name': self.sudo()._format_points_text,
            'labels': self._prepare_statement_labels(statement, wanted),
            'amounts': self._prepare_statement_amounts(statement),
            # of what is older than the page, or before the period
            'balance_before': oldest['balance'] - oldest['points']
            if oldest
            else statement['opening_balance'],
        }

    def _format_statement_number(self, points: float, signed: bool = False) -> str:
        """Return a number of points in the language of the reader, with a plus when asked."""
        number = formatLang(self.env, points, digits=0 if points % 1 == 0 else 2)
        return f'+{number}' if signed and points > 0 else number

    def _prepare_statement_labels(self, statement: dict, wanted: dict) -> dict:
        """Return the texts that hold dates, whole for translators."""
        env = self.env
        day = statement['as_of']
        labels = {
            'number': env._("Card number %(number)s", number=statement['code']),
            'as_of': env._("As it was counted on %(date)s", date=format_date(env, day))
            if day
            else '',
        }
        first, last = wanted.get('date_from'), wanted.get('date_to')
        labels['period'] = ' – '.join(
            format_date(env, self._parse_statement_day(limit)) if limit else '…'
            for limit in (first, last)
        )
        labels['has_period'] = bool(first or last)
        return labels

    def _prepare_statement_amounts(self, statement: dict) -> list[tuple[str, float]]:
        """Return the amounts beside the balance that are not zero, with their names."""
        names = {
            'debt': self.env._("To be paid back first"),
            'pending': self.env._("Pending"),
            'held': self.env._("Set aside for open orders"),
            'free': self.env._("Can be redeemed"),
        }
        shown = {key: statement[key] for key in names if statement[key]}
        if shown.keys() == {'free'}:
            return []
        return [(names[key], points) for key, points in shown.items()]

    def _get_statement_years(self) -> list[int]:
        """Return the years with movements, in the program's time zone, the last one first."""
        self.ensure_one()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT extract(year FROM date AT TIME ZONE 'UTC' AT TIME ZONE %s)::int
                     FROM loyalty_history WHERE card_id = %s AND qty <> 0 ORDER BY 1 DESC""",
                self.sudo().program_id._get_server_timezone(),
                self.id,
            )
        )
        return [year for (year,) in rows]

    # ------------------------------------------------------------
    # THE CARD ITSELF
    # ------------------------------------------------------------

    def _get_bar_image(self) -> str:
        """Return the number of the card as a bar code (Code 128), the address of an image."""
        self.ensure_one()
        return get_code128(self.code)

    def _get_qr_image(self) -> str:
        """Return the number of the card as a QR code, the address of an image."""
        self.ensure_one()
        return get_qr(self.code)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_statement(self) -> dict:
        """Open the statement as the member sees it."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Statement"),
            'res_model': 'loyalty.statement',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_card_id': self.id},
        }

    def _print_statement(self, **wanted: date | None) -> dict:
        """Return the action that prints the statement.

        :param wanted: days of :meth:`get_statement`
        """
        self._ensure_can_read_statement()
        data = {name: str(day) for name, day in wanted.items() if day}
        report = self.env.ref('crm_loyalty.action_report_statement')
        return report.report_action(self, data={'card_ids': self.ids, **data})
