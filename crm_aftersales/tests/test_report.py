from ast import literal_eval
from datetime import timedelta

from freezegun import freeze_time
from lxml import etree

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import tagged

from .common import MONDAY
from .common_sla import SlaCommon

#: figures are read half a year after the first request
TODAY = MONDAY + timedelta(days=180)


class ReportCommon(SlaCommon):
    """Faults, causes, and requests that were received and solved on days counted from a Monday."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.noise, cls.leak = cls._create_codes('fault', "Noise", "Leak")
        cls.wear, cls.seal, cls.dirt = cls._create_codes('cause', "Wear", "Seal", "Dirt")

    @classmethod
    def _create_codes(cls, kind, *names):
        return cls.env['aftersales.code'].create(
            [{'kind': kind, 'code': f'T-{name}', 'name': name} for name in names]
        )

    @classmethod
    def _solved(cls, received, solved=None, **values):
        """Create a request that came in on a day and was solved on another one.

        :param received: days after the first Monday
        :param solved: days after it; open when not given
        """
        if solved is not None:
            values['date_resolved'] = MONDAY + timedelta(days=solved)
            values.setdefault('stage_id', cls._stage('resolved').id)
        return cls._create_request(
            date_received=MONDAY + timedelta(days=received),
            **{'fault_code_id': cls.noise.id, **values},
        )

    def _read(self, requests, groupby=(), *aggregates, model='aftersales.report'):
        self.env.flush_all()
        Report = self.env[model].with_user(self.user_manager)
        with freeze_time(TODAY):
            return Report._read_group(
                [('request_id', 'in', requests.ids)], list(groupby), list(aggregates)
            )

    def _rate(self, request, name='first_time_fix'):
        """Return the rate of one request: 100, 0, or None when it is not counted."""
        self.env.flush_all()
        with freeze_time(TODAY):
            value = self.env['aftersales.report'].search_read([('id', '=', request.id)], [name])
        counted = self._read(request, (), f'{name}:count')[0][0]
        return value[0][name] if counted else None


@tagged('post_install', '-at_install')
class TestReportRows(ReportCommon):
    """Which requests count, how old they are and how long they took."""

    def test_one_row_for_each_matter(self):
        source, survivor, cancelled = (self._create_request() for _n in range(3))
        source._merge_into(survivor)
        cancelled.action_cancel()
        self.env.flush_all()
        rows = self.env['aftersales.report'].search([])
        requests = self.env['aftersales.request'].with_context(active_test=False)
        self.assertEqual(rows.request_id, requests.search(requests._get_counted_domain()))
        self.assertNotIn(source, rows.request_id)
        self.assertIn(cancelled, rows.request_id)

    def test_cancelled_counts_in_no_time_and_no_rate(self):
        """One answered after 2 hours and solved after 2 days; the cancelled one changes nothing."""
        reply = MONDAY + timedelta(hours=2)
        solved = self._solved(0, 2, date_first_reply=reply)
        cancelled = self._solved(
            0, date_first_reply=MONDAY, date_resolved=MONDAY, stage_id=self._stage('cancelled').id
        )
        aggregates = ('reply_hours:avg', 'solution_hours:avg', 'first_time_fix:count')
        rows = self._read(solved | cancelled, (), '__count', 'solved_count:sum', *aggregates)
        self.assertEqual(rows, [(2, 1, 2, 48, 1)])

    def test_pivot_of_the_backlog_shows_its_age(self):
        action = self.env.ref('crm_aftersales.aftersales_report_action_backlog')
        view = action.view_ids.filtered(lambda line: line.view_mode == 'pivot').view_id
        shown = etree.fromstring(view.arch).xpath('//field/@name')
        self.assertEqual(shown, ['team_id', 'backlog_age', 'open_count'])

    def test_backlog_age(self):
        """Open for 180, 150 and 0.5 days: 110.17 on average; the solved one has no age."""
        requests = self._solved(0) | self._solved(30) | self._solved(0, 1) | self._solved(179.5)
        ((age, count),) = self._read(requests, (), 'backlog_days:avg', 'open_count:sum')
        self.assertAlmostEqual(age, (180 + 150 + 0.5) / 3)
        self.assertEqual(count, 3)
        by_age = dict(self._read(requests, ['backlog_age'], '__count'))
        self.assertEqual(by_age, {'1_day': 1, '4_older': 2, False: 1})

    def test_bounds_of_ages(self):
        requests = self.env['aftersales.request']
        for days in (179, 178, 173, 172, 150, 149):
            requests |= self._solved(days)
        by_age = dict(self._read(requests, ['backlog_age'], '__count'))
        self.assertEqual(by_age, {'1_day': 1, '2_week': 2, '3_month': 2, '4_older': 1})

    def test_working_hours_of_clocks(self):
        """Friday 16:00 to Monday 10:00 are 66 hours, and 3 of work: 16-17, 8-10."""
        policy = self._create_policy(response=8, resolution=16)
        friday = MONDAY + timedelta(days=4, hours=7)
        request = self._request_at(friday)
        with freeze_time(friday + timedelta(hours=66)):
            self._post(request, self.user_service.partner_id)
            request.action_resolve()
        names = ('reply', 'reply_working', 'solution', 'solution_working')
        rows = self._read(request, (), *(f'{name}_hours:avg' for name in names))
        self.assertEqual(rows, [(66, 3, 66, 3)])
        policy.active = False
        without = self._solved(0, 1)
        self.assertEqual(self._read(without, (), 'solution_working_hours:count'), [(0,)])

    def test_companies_and_roles(self):
        request = self._create_request()
        self.env.flush_all()
        Report = self.env['aftersales.report']
        found = Report.with_user(self.user_service).search([('id', '=', request.id)])
        self.assertEqual(found.request_id, request)
        self.assertEqual(found.action_view_request()['res_id'], request.id)
        other = self.env['res.company'].create({'name': "Other"})
        self.user_service.write({'company_ids': [(4, other.id)]})
        of_other = Report.with_user(self.user_service).with_context(allowed_company_ids=other.ids)
        self.assertFalse(of_other.search([('id', '=', request.id)]))
        for model in ('aftersales.report', 'aftersales.reliability'):
            for user in (self.user_technician, self.user_customer):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([])

    def test_costs_by_cause(self):
        """2 hours at 30 and a part at 11, of which warranty bears the part and half the hours."""
        hour, part = self.env['product.product'].create(
            [
                {'name': "Hour", 'type': 'service', 'standard_price': 30},
                {'name': "Part", 'type': 'consu', 'standard_price': 11},
            ]
        )
        request = self._solved(0, 1, cause_code_id=self.wear.id)
        work, seal = self.env['aftersales.service.line'].create(
            [
                {'request_id': request.id, 'product_id': hour.id, 'quantity': 2},
                {'request_id': request.id, 'product_id': part.id},
            ]
        )
        work.with_user(self.user_manager)._override('warranty', 50, "Half")
        seal.with_user(self.user_manager)._override('warranty', 0, "Whole")
        requests = request | self._solved(0, 1, cause_code_id=self.wear.id)
        rows = self._read(requests, ['cause_code_id'], 'cost:sum', 'warranty_cost:sum')
        self.assertEqual(rows, [(self.wear, 71, 41)])

    def test_costs_are_the_managers(self):
        with self.assertRaises(AccessError):
            self.env['aftersales.report'].with_user(self.user_service)._read_group(
                [], [], ['cost:sum']
            )


@tagged('post_install', '-at_install')
class TestReportRates(ReportCommon):
    """Whether a solution held: 30 days, same product, same fault."""

    def test_nothing_came_back(self):
        request = self._solved(0, 1)
        self.assertEqual(self._rate(request), 100)
        self.assertEqual(self._rate(request, 'repeat_rate'), 0)

    def test_same_fault_on_the_thirtieth_day(self):
        request = self._solved(0, 1)
        self._solved(31, 32)
        self.assertEqual(self._rate(request), 0)
        self.assertEqual(self._rate(request, 'repeat_rate'), 100)

    def test_same_fault_after_the_thirtieth_day(self):
        request = self._solved(0, 1)
        self._solved(31.01, 32)
        self.assertEqual(self._rate(request), 100)
        self.assertEqual(self._rate(request, 'repeat_rate'), 0)

    def test_another_fault_is_a_repeat_but_was_fixed(self):
        request = self._solved(0, 1)
        self._solved(10, 11, fault_code_id=self.leak.id)
        self.assertEqual(self._rate(request), 100)
        self.assertEqual(self._rate(request, 'repeat_rate'), 100)

    def test_fault_that_is_not_named_yet_is_a_repeat(self):
        request = self._solved(0, 1)
        self._solved(10, fault_code_id=False)
        self.assertEqual(self._rate(request), 100)
        self.assertEqual(self._rate(request, 'repeat_rate'), 100)

    def test_what_is_no_fault_does_not_come_back(self):
        request = self._solved(0, 1)
        self._solved(10, fault_code_id=False, type_id=self.type_praise.id)
        self.assertEqual(self._rate(request, 'repeat_rate'), 0)
        praise = self._solved(60, 61, fault_code_id=False, type_id=self.type_praise.id)
        self.assertIsNone(self._rate(praise))
        self.assertIsNone(self._rate(praise, 'repeat_rate'))

    def test_another_product_does_not_count(self):
        request = self._solved(0, 1)
        self._solved(10, partner_id=self.stranger.id, unit_id=self.unit_stranger.id)
        self.assertEqual(self._rate(request, 'repeat_rate'), 0)

    def test_cancelled_and_merged_do_not_come_back(self):
        request = self._solved(0, 1)
        self._solved(10, stage_id=self._stage('cancelled').id)
        survivor = self._solved(60)
        self._solved(12)._merge_into(survivor)
        survivor.date_received = MONDAY + timedelta(days=60)
        self.assertEqual(self._rate(request), 100)
        self.assertEqual(self._rate(request, 'repeat_rate'), 0)

    def test_what_was_there_before_the_solution_does_not_come_back(self):
        request = self._solved(0, 5)
        self._solved(3, 5)
        self.assertEqual(self._rate(request), 100)

    def test_reopened_was_not_fixed(self):
        request = self._solved(0, 1)
        request.action_reopen()
        request.action_resolve()
        self.assertEqual(request.reopen_count, 1)
        self.env.flush_all()
        # solved again long enough ago
        request.sudo().date_resolved = MONDAY + timedelta(days=2)
        self.assertEqual(self._rate(request), 0)
        self.assertEqual(self._rate(request, 'repeat_rate'), 100)

    def test_not_judged_before_thirty_days_are_over(self):
        judged = self._solved(100, 150)
        early = self._solved(
            100, 150.01, partner_id=self.stranger.id, unit_id=self.unit_stranger.id
        )
        self.assertEqual(self._rate(judged), 100)
        self.assertIsNone(self._rate(early))
        self.assertIsNone(self._rate(early, 'repeat_rate'))

    def test_needs_product_fault_and_solution(self):
        self.assertIsNone(self._rate(self._solved(0, 1, unit_id=False), 'repeat_rate'))
        self.assertIsNone(self._rate(self._solved(0, 1, fault_code_id=False)))
        self.assertIsNone(self._rate(self._solved(0), 'repeat_rate'))

    def test_what_the_menu_shows(self):
        """A rate of 0 is a rate: the list has what was judged, held or not."""
        back, again, held = self._solved(0, 1), self._solved(19, 20), self._solved(100, 101)
        self._solved(170, 171)
        self._solved(60, 61, unit_id=False)
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_report_action_held'
        )
        self.env.flush_all()
        with freeze_time(TODAY):
            rows = self.env['aftersales.report'].search(
                Domain(literal_eval(action['domain'])) & Domain('unit_id', '=', self.unit.id)
            )
        self.assertEqual(rows.request_id, held | again | back)

    def test_share_of_a_product(self):
        """Solved on day 1, 20, 60, 100; came in again on day 19: 3 of 4 held = 75 %."""
        requests = self.env['aftersales.request']
        for received, solved in ((0, 1), (19, 20), (59, 60), (99, 100)):
            requests |= self._solved(received, solved)
        rows = self._read(requests, ['product_id'], 'first_time_fix:avg', 'repeat_rate:avg')
        self.assertEqual(rows, [(self.product, 75, 25)])


@tagged('post_install', '-at_install')
class TestReportCauses(ReportCommon):
    """Pareto: which causes make up how much."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        causes = [cls.wear] * 5 + [cls.seal] * 3 + [cls.dirt] * 2
        cls.requests = cls.env['aftersales.request']
        for cause in causes:
            cls.requests |= cls._solved(0, 1, cause_code_id=cause.id)

    def _shares(self, requests):
        rows = self._read(requests, ['cause_code_id'], 'share:sum', 'cumulative_share:max')
        return {cause: (round(share, 6), round(upto, 6)) for cause, share, upto in rows}

    def test_pareto(self):
        """5, 3 and 2 of 10: 50, 80 and 100 %."""
        shares = {self.wear: (50, 50), self.seal: (30, 80), self.dirt: (20, 100)}
        self.assertEqual(self._shares(self.requests), shares)

    def test_of_what_is_filtered(self):
        """Without wear 3 and 2 of 5: 60 and 100 %."""
        requests = self.requests.filtered(lambda request: request.cause_code_id != self.wear)
        self.assertEqual(self._shares(requests), {self.seal: (60, 60), self.dirt: (40, 100)})

    def test_equally_frequent_causes_share_a_step(self):
        requests = (
            self.requests
            - self.requests.filtered(lambda request: request.cause_code_id == self.seal)[:1]
        )
        shares = self._shares(requests)
        self.assertEqual(shares[self.seal], shares[self.dirt])
        self.assertEqual(shares[self.seal][1], 100)

    def test_levels_of_a_pivot_do_not_mix(self):
        self.env.flush_all()
        Report = self.env['aftersales.report'].with_user(self.user_manager)
        total, by_cause, _by_both = Report._read_grouping_sets(
            [('request_id', 'in', self.requests.ids)],
            [[], ['cause_code_id'], ['cause_code_id', 'team_id']],
            ['share:sum', 'cumulative_share:max'],
        )
        self.assertEqual(total, [(100, 100)])
        self.assertEqual(
            {cause: values for cause, *values in by_cause},
            {self.wear: [50, 50], self.seal: [30, 80], self.dirt: [20, 100]},
        )


@tagged('post_install', '-at_install')
class TestReliability(ReportCommon):
    """MTBF: days in service of all pieces / their faults."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.env['product.product'].create({'name': "Valve", 'type': 'consu'})

    def _unit(self, start, **values):
        return self.env['aftersales.unit'].create(
            {
                'product_id': self.model.id,
                'partner_id': self.customer.id,
                'date_delivered': (MONDAY + timedelta(days=start)).date(),
                **values,
            }
        )

    def _faults(self, unit, *days):
        for day in days:
            self._solved(day, day + 1, unit_id=unit.id)

    def _mtbf(self, **domain):
        self.env.flush_all()
        domain = Domain.AND([Domain(name, '=', value) for name, value in domain.items()])
        Reliability = self.env['aftersales.reliability'].with_user(self.user_service)
        with freeze_time(TODAY):
            return Reliability._read_group(
                domain & Domain('product_id', '=', self.model.id),
                [],
                ['days_in_service:sum', 'fault_count:sum', 'mtbf_days:avg'],
            )[0]

    def test_pieces_without_fault_count(self):
        """180 + 100 days, 2 faults on one piece: 140 days, and not the 30 between the faults."""
        self._faults(self._unit(0), 50, 80)
        self._unit(80)
        self.assertEqual(self._mtbf(), (280, 2, 140))

    def test_without_fault_there_is_none(self):
        self._unit(0)
        self.assertEqual(self._mtbf(), (180, 0, False))

    def test_retired_pieces_end(self):
        """In service from day 0 to 60 with one fault; the one on day 70 is not of its service."""
        unit = self._unit(0)
        self._faults(unit, 30, 70)
        with freeze_time(MONDAY + timedelta(days=60)):
            unit.action_retire()
            self.assertEqual(unit.date_retired, (MONDAY + timedelta(days=60)).date())
        self.assertEqual(self._mtbf(), (60, 1, 60))
        unit.state = 'active'
        self.assertFalse(unit.date_retired)
        self.assertEqual(self._mtbf(), (180, 2, 90))

    def test_service_begins_with_the_installation(self):
        """Delivered on day 0, installed on day 20: the fault on day 10 is not of its service."""
        unit = self._unit(0, date_installed=(MONDAY + timedelta(days=20)).date())
        self._faults(unit, 10, 100)
        self.assertEqual(self._mtbf(), (160, 1, 160))

    def test_what_never_was_in_service(self):
        self._unit(0, state='draft')
        withdrawn = self._unit(0)
        withdrawn._withdraw()
        self.assertEqual(self._mtbf(), (False, False, False))

    def test_what_is_no_fault(self):
        unit = self._unit(0)
        self._faults(unit, 10)
        self._solved(20, 21, unit_id=unit.id, type_id=self.type_praise.id, fault_code_id=False)
        self._solved(30, unit_id=unit.id, stage_id=self._stage('cancelled').id)
        self.assertEqual(self._mtbf(), (180, 1, 180))

    def test_by_piece(self):
        unit = self._unit(0)
        self._faults(unit, 10, 20, 30)
        self.assertEqual(self._mtbf(unit_id=unit.id), (180, 3, 60))
        row = self.env['aftersales.reliability'].search([('unit_id', '=', unit.id)])
        self.assertEqual(row.action_view_unit()['res_id'], unit.id)
