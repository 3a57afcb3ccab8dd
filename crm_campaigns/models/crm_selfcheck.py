from __future__ import annotations

import random

from odoo import api, models
from odoo.fields import Domain

from odoo.addons.crm_customer.selfcheck import SelfCheck

SAMPLE_SIZE = 50
SEGMENT_SAMPLE_SIZE = 5
DOCUMENT_MODELS = ('sale.order', 'account.move')


class CrmSelfcheck(models.Model):
    _inherit = 'crm.selfcheck'

    @api.model
    def _get_checks(self) -> list[SelfCheck]:
        return [
            *super()._get_checks(),
            SelfCheck(
                'campaigns.scores',
                self.env._("Customer scores agree with orders and credit notes"),
                '_check_campaign_scores',
            ),
            SelfCheck(
                'campaigns.segments',
                self.env._("Segment members agree with the segments' rules"),
                '_check_campaign_segments',
            ),
        ]

    # ------------------------------------------------------------
    # SCORES
    # ------------------------------------------------------------

    def _check_campaign_scores(self) -> tuple[bool, str, int]:
        """Add up the documents of some customers once more, record by record."""
        findings = []
        for run in self._get_latest_score_runs():
            for score in self._get_score_sample(run):
                if self._sum_documents(run, score.partner_id) != (score.frequency, score.monetary):
                    findings.append(score.display_name)
        return self._to_result(findings)

    @api.model
    def _get_latest_score_runs(self):
        groups = self.env['crm.score.run']._read_group(
            [('state', '=', 'done')], ['company_id'], ['id:max']
        )
        return self.env['crm.score.run'].browse(run_id for _company, run_id in groups)

    @api.model
    def _get_score_sample(self, run):
        """Return random scores of customers with no document touched since the run."""
        scores = self.env['crm.customer.score']
        ids = list(scores._search([('company_id', '=', run.company_id.id)]))
        sample = scores.browse(random.sample(ids, min(SAMPLE_SIZE, len(ids))))
        touched = Domain('company_id', '=', run.company_id.id) & Domain(
            'write_date', '>=', run.started_at
        )
        partners = sample.partner_id
        of_sample = Domain('partner_id.commercial_partner_id', 'in', partners.ids)
        documents = [self.env[model].search(touched & of_sample) for model in DOCUMENT_MODELS]
        stale = {
            partner.id
            for records in documents
            for partner in records.partner_id.commercial_partner_id
        }
        return sample.filtered(lambda score: score.partner_id.id not in stale)

    @api.model
    def _sum_documents(self, run, partner) -> tuple[int, float]:
        """Return frequency and value of one customer, document by document."""
        currency = run.company_id.currency_id
        window_from, until = run._get_window_bounds()
        of_partner = Domain('partner_id.commercial_partner_id', '=', partner.id) & Domain(
            'company_id', '=', run.company_id.id
        )
        orders = self.env['sale.order'].search(
            of_partner
            & Domain('state', '=', 'sale')
            & Domain('amount_untaxed', '>', 0)
            & Domain('date_order', '>=', window_from)
            & Domain('date_order', '<', until)
        )
        refunds = self.env['account.move'].search(
            of_partner
            & Domain('move_type', '=', 'out_refund')
            & Domain('state', '=', 'posted')
            & Domain('invoice_date', '>=', run._get_window_start())
            & Domain('invoice_date', '<=', run.as_of)
        )
        revenue = sum(
            currency.round(order.amount_untaxed / (order.currency_rate or 1)) for order in orders
        )
        refunded = -sum(refunds.mapped('amount_untaxed_signed'))
        kept = orders.filtered(lambda order: not self._is_credited_in_full(order, run.as_of))
        return len(kept), currency.round(revenue - refunded)

    @api.model
    def _is_credited_in_full(self, order, day) -> bool:
        """Whether posted credit notes on the order's lines reach the order's amount."""
        credited = 0.0
        for line in order.order_line.invoice_lines:
            move = line.move_id
            if move.move_type != 'out_refund' or move.state != 'posted' or move.invoice_date > day:
                continue
            same_currency = move.currency_id == order.currency_id
            credited += line.price_subtotal if same_currency else line.balance * order.currency_rate
        return (
            bool(credited)
            and order.currency_id.compare_amounts(credited, order.amount_untaxed) >= 0
        )

    # ------------------------------------------------------------
    # SEGMENTS
    # ------------------------------------------------------------

    def _check_campaign_segments(self) -> tuple[bool, str, int]:
        """Daily segments are fresh, and for some of them the next refresh would be right.

        Between two refreshes members may rightly differ from the rule, so what is compared is who
        would be a member after the next one; nothing is written.
        """
        findings = []
        segments = self.env['crm.segment'].search([('state', '=', 'active')])
        sample = random.sample(segments.ids, min(SEGMENT_SAMPLE_SIZE, len(segments)))
        for segment in segments:
            if (
                segment.last_error
                or segment._is_overdue()
                or (segment.id in sample and not self._is_diff_right(segment))
            ):
                findings.append(segment.name)
        return self._to_result(findings)

    @api.model
    def _is_diff_right(self, segment) -> bool:
        """Return whether members less leavers plus newcomers are those the rule finds."""
        members = self.env['crm.segment.member'].search(segment._get_open_domain()).partner_id
        entering, leaving = segment._fetch_diff()
        expected = segment._get_owner_partners().search(segment._get_partner_domain())
        return set(expected.ids) == (set(members.ids) - set(leaving)) | set(entering)
