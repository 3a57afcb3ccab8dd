from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common_sla import SlaCommon

#: a Monday long before the demo data
MONDAY = datetime(2020, 3, 2, 9)


@tagged('post_install', '-at_install')
class TestDigest(SlaCommon):
    """Figures of the service desk in the digest mails."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.env['digest.digest'].create(
            {
                'name': "Service",
                'company_id': cls.company.id,
                'kpi_aftersales_request': True,
                'kpi_aftersales_in_time': True,
                'kpi_aftersales_satisfaction': True,
            }
        )

    def _value(self, name, days=7, user=None):
        self.env.flush_all()
        digest = self.digest.with_user(user or self.user_service).with_context(
            start_datetime=MONDAY, end_datetime=MONDAY + timedelta(days=days)
        )
        digest.invalidate_recordset()
        return digest[f'kpi_aftersales_{name}_value']

    def test_received(self):
        """Two of the week; one is of the next week, one was merged."""
        request = self._request_at(MONDAY)
        self._request_at(MONDAY + timedelta(days=6))
        self._request_at(MONDAY + timedelta(days=7))
        self._request_at(MONDAY + timedelta(days=1))._merge_into(request)
        self.assertEqual(self._value('request'), 2)

    def test_in_time(self):
        """Solved in the week: two in time, one too late = 66.7 %; one is solved after it."""
        self._create_policy(response=0, resolution=8)
        for hours in (1, 2, 48, 200):
            request = self._request_at(MONDAY)
            with freeze_time(MONDAY + timedelta(hours=hours)):
                request.action_resolve()
        self.assertAlmostEqual(self._value('in_time'), 200 / 3)
        self.assertAlmostEqual(self._value('in_time', days=14), 50)

    def test_satisfaction(self):
        """Ratings of 5 and 2 are 3.5; who did not answer does not count."""
        for score in (5, 2, None):
            request = self._request_at(MONDAY)
            token = request._rating_get_access_token()
            if score:
                request.sudo().rating_apply(score, token=token)
            rating = request.rating_ids
            self.env.cr.execute(
                'UPDATE rating_rating SET create_date = %s WHERE id IN %s',
                # of the last day, an hour before it ends
                [MONDAY + timedelta(hours=23), tuple(rating.ids)],
            )
        self.assertAlmostEqual(self._value('satisfaction', days=1), 3.5)
        self.assertAlmostEqual(self._value('satisfaction'), 3.5)

    def test_who_does_not_see_all_requests_gets_no_figures(self):
        for name in ('request', 'in_time', 'satisfaction'):
            with self.assertRaises(AccessError):
                self._value(name, user=self.user_technician)
        kpis = self.digest._compute_kpis(self.company, self.user_service)
        names = {kpi['kpi_name'] for kpi in kpis}
        self.assertTrue({f'kpi_aftersales_{n}' for n in ('request', 'in_time')} <= names)
        kpis = self.digest._compute_kpis(self.company, self.user_technician)
        self.assertFalse(any(kpi['kpi_name'].startswith('kpi_aftersales') for kpi in kpis))
