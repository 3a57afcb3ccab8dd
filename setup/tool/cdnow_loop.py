"""The closed loop on the imported log, done as its users would; runs inside Odoo."""

import datetime
import time

TIERS = (("Listener", 0), ("Collector", 100), ("Connoisseur", 300))
WARRANTY_MONTHS = 24
REFERENCE_OF_WARRANTED = 'CDNOW-HUGE'


class Loop:
    """One turn of the loop: points and tiers, scores, a segment, a mailing, a request.

    :param env: environment of the administrator
    :param company: the company that holds the log
    :param as_of: last day of the log
    :param since: first day of the log
    """

    def __init__(self, env, company, as_of, since):
        self.env = env(context={**env.context, 'allowed_company_ids': company.ids})
        self.company = self.env['res.company'].browse(company.id)
        self.as_of = as_of
        self.since = since

    def play(self):
        """Do all steps; each is committed and printed with what it gave."""
        for step in (
            self.start_programme,
            self.score_customers,
            self.build_segment,
            self.queue_mailing,
            self.raise_request,
        ):
            started = time.monotonic()
            said = step()
            self.env.cr.commit()
            print(f"  {said}, {time.monotonic() - started:.1f} s", flush=True)

    # ------------------------------------------------------------
    # LOYALTY
    # ------------------------------------------------------------

    def start_programme(self):
        """A programme with three tiers, started from the orders that are already there."""
        program = self._program()
        wizard = self.env['loyalty.backfill'].create(
            {'program_id': program.id, 'date_from': self.since, 'company_id': self.company.id}
        )
        orders = wizard.order_count
        if not orders:
            return "programme: no order is without its points"
        started = time.monotonic()
        job = self.env['crm.job'].browse(wizard.action_start()['res_id'])
        job._run()
        pace = orders / max(time.monotonic() - started, 0.001)
        return f"programme: {orders} past orders at {pace:.0f} a second ({job.result})"

    def _program(self):
        program = self.env['loyalty.program'].search(
            [('company_id', '=', self.company.id), ('program_type', '=', 'loyalty')], limit=1
        )
        return program or self.env['loyalty.program'].create(
            {
                'name': "CDNOW Club",
                'program_type': 'loyalty',
                'trigger': 'auto',
                'applies_on': 'both',
                'company_id': self.company.id,
                'portal_visible': True,
                'portal_point_name': "points",
                'rule_ids': [
                    (0, 0, {'reward_point_mode': 'money', 'reward_point_amount': 1}),
                ],
                'reward_ids': [
                    (0, 0, {'reward_type': 'discount', 'discount': 5, 'required_points': 100}),
                ],
                'tier_ids': [(0, 0, {'name': name, 'min_value': value}) for name, value in TIERS],
            }
        )

    # ------------------------------------------------------------
    # CAMPAIGNS
    # ------------------------------------------------------------

    def score_customers(self):
        """RFM scores of all customers, as of the last day of the log."""
        run = self.env['crm.score.run'].create({'company_id': self.company.id, 'as_of': self.as_of})
        run._enqueue()
        run.job_id._run()
        return f"scores: {run.customer_count} customers ({run.gate_text})"

    def build_segment(self):
        """The customers who bought well and have not come for long."""
        cell = self.env.ref('crm_campaigns.crm_rfm_cell_at_risk')
        segment = self._segment() or self.env['crm.segment'].create(
            {
                'name': "At risk, formerly good",
                'company_id': self.company.id,
                'kind': 'rfm',
                'cell_ids': [(6, 0, cell.ids)],
            }
        )
        segment.action_activate()
        return f"segment: {segment.member_count} members are at risk, formerly good"

    def _segment(self):
        return self.env['crm.segment'].search([('company_id', '=', self.company.id)], limit=1)

    def queue_mailing(self):
        """A mailing to the segment, queued for tomorrow: the demo has no mail server."""
        segment = self._segment()
        mailing = segment.mailing_ids[:1]
        if not mailing:
            mailing = self.env['mailing.mailing'].browse(segment.action_new_mailing()['res_id'])
        mailing.write(
            {
                'subject': "We miss you: 10 % on your next order",
                'schedule_type': 'scheduled',
                'schedule_date': datetime.datetime.now().replace(microsecond=0)
                + datetime.timedelta(days=1),
            }
        )
        mailing.action_put_in_queue()
        return f"mailing: {mailing.total} recipients, {mailing.state}"

    # ------------------------------------------------------------
    # AFTER-SALES
    # ------------------------------------------------------------

    def raise_request(self):
        """A request about a product that stands in the log, with the warranty it has."""
        template = self.env['product.template'].search(
            [('default_code', '=', REFERENCE_OF_WARRANTED)], limit=1
        )
        template.aftersales_warranty_months = WARRANTY_MONTHS
        order = self.env['sale.order'].search(
            [
                ('company_id', '=', self.company.id),
                ('state', '=', 'sale'),
                ('order_line.product_template_id', '=', template.id),
            ],
            order='date_order DESC, id DESC',
            limit=1,
        )
        order.action_create_aftersales_units()
        unit = self.env['aftersales.unit'].search([('sale_order_id', '=', order.id)], limit=1)
        request = self.env['aftersales.request'].search([('unit_id', '=', unit.id)], limit=1)
        request = request or self.env['aftersales.request'].create(
            {
                'name': "Disc 2 of the box cannot be played",
                'partner_id': order.partner_id.id,
                'unit_id': unit.id,
                'company_id': self.company.id,
            }
        )
        return f"request: {request.number} on {unit.display_name}, due {request.sla_deadline}"
