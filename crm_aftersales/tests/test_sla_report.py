from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .common import MONDAY
from .common_sla import SlaCommon

HOUR = timedelta(hours=1)


@tagged('post_install', '-at_install')
class TestSlaReport(SlaCommon):
    """Which promises were kept, and what does not count."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_policy(response=0, resolution=8)

    def _ended_at(self, moment, **values):
        request = self._request_at(MONDAY, **values)
        with freeze_time(moment):
            request.action_resolve()
        return request

    def _read(self, requests, groupby):
        Report = self.env['aftersales.sla.report'].with_user(self.user_service)
        return Report._read_group(
            [('request_id', 'in', requests.ids)],
            groupby,
            ['met:sum', 'breached:sum', 'compliance:avg'],
        )

    def test_share_by_team_type_customer_and_month(self):
        requests = self._ended_at(MONDAY + HOUR)
        requests += self._ended_at(MONDAY + timedelta(days=2))
        requests += self._ended_at(
            MONDAY + HOUR, team_id=self.team_workshop.id, type_id=self.type_complaint.id
        )
        requests += self._ended_at(
            MONDAY + timedelta(days=3), partner_id=self.stranger.id, unit_id=self.unit_stranger.id
        )
        self.assertEqual(
            sorted(self._read(requests, ['team_id']), key=lambda row: row[0].id),
            [(self.team, 1, 2, 100 / 3), (self.team_workshop, 1, 0, 100)],
        )
        by_type = {row[0]: row[1:] for row in self._read(requests, ['type_id'])}
        self.assertEqual(by_type[self.type_complaint], (1, 0, 100))
        by_customer = {row[0]: row[1:] for row in self._read(requests, ['commercial_partner_id'])}
        self.assertEqual(by_customer[self.customer_company][:2], (2, 1))
        self.assertEqual(by_customer[self.stranger][:2], (0, 1))
        ((month, met, breached, _share),) = self._read(requests, ['date:month'])
        self.assertEqual((month.month, met, breached), (3, 2, 2))

    def test_what_was_dropped_does_not_count(self):
        cancelled = self._request_at(MONDAY)
        source, survivor = self._request_at(MONDAY), self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(days=3)):
            cancelled.action_cancel()
            source._merge_into(survivor)
        self.assertFalse(self._read(cancelled | source, ['team_id']))

    def test_cancelling_hides_no_broken_promise(self):
        late, merged = self._ended_at(MONDAY + timedelta(days=3)), self._request_at(MONDAY)
        in_time = self._ended_at(MONDAY + HOUR)
        with freeze_time(MONDAY + timedelta(days=3)):
            merged.action_resolve()
            merged._merge_into(in_time)
            (late | in_time).action_cancel()
        requests = late | in_time | merged
        self.assertEqual(self._read(requests, ['team_id']), [(self.team, 1, 1, 50)])
        with freeze_time(MONDAY + timedelta(days=4)):
            self.assertFalse(requests._get_wrong_clocks())
            late.action_reopen()
            self.assertEqual(self._read(late, ['team_id']), [(self.team, 0, 1, 0)])

    def test_what_runs_counts_once_it_is_late(self):
        request = self._request_at(MONDAY)
        self.assertFalse(self._read(request, ['team_id']))
        with freeze_time(MONDAY + timedelta(days=3)):
            request._refresh_sla()
        self.assertEqual(self._read(request, ['team_id']), [(self.team, 0, 1, 0)])

    def _late_hours(self, request, kind):
        self.env.flush_all()
        self.env.invalidate_all()
        Report = self.env['aftersales.sla.report']
        row = Report.search([('request_id', '=', request.id), ('kind', '=', kind)])
        return row.breached, round(row.late_hours, 2)

    def test_hours_late_are_those_of_each_round(self):
        """A question that was answered in time a week later adds nothing."""
        self._create_policy(sequence=1, response=1, resolution=0, next_response_hours=1)
        request = self._request_at(MONDAY)
        week = timedelta(days=7)
        staff = self.user_service.partner_id
        story = (
            (MONDAY, staff, 0),
            (MONDAY, self.customer, 0),
            (MONDAY + 2 * HOUR, staff, 1),
            (MONDAY + week, self.customer, None),
            (MONDAY + week + HOUR / 6, staff, 1),
            (MONDAY + 2 * week, self.customer, None),
            (MONDAY + 2 * week + 1.5 * HOUR, staff, 1.5),
        )
        for moment, author, late in story:
            with freeze_time(moment):
                self._post(request, author)
            if late:
                self.assertEqual(self._late_hours(request, 'next_response'), (1, late), moment)

    def test_hours_in_which_it_was_thought_solved_do_not_count(self):
        request = self._ended_at(MONDAY + timedelta(days=1) + HOUR)
        self.assertEqual(self._late_hours(request, 'resolution'), (1, 1))
        with freeze_time(MONDAY + timedelta(days=7)):
            request.action_reopen()
        with freeze_time(MONDAY + timedelta(days=7, hours=2)):
            request.action_resolve()
        self.assertEqual(self._late_hours(request, 'resolution'), (1, 3))

    def test_companies_apart(self):
        request = self._ended_at(MONDAY + HOUR)
        self.user_service.write(
            {'company_ids': [(6, 0, self.company_2.ids)], 'company_id': self.company_2.id}
        )
        self.assertFalse(self._read(request, ['team_id']))
