from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestData(AftersalesCommon):
    def test_every_state_has_a_stage(self):
        Stage = self.env['aftersales.request.stage']
        for state, _label in Stage._fields['state'].selection:
            self.assertTrue(Stage._get_for_state(state))

    def test_types(self):
        codes = set(self.env['aftersales.request.type'].search([]).mapped('code'))
        expected = {'fault', 'consultation', 'quality', 'installation', 'return', 'complaint'}
        expected |= {'claim', 'emergency', 'suggestion', 'praise', 'opinion'}
        self.assertLessEqual(expected, codes)

    def test_settings(self):
        settings = self.env['res.config.settings'].create({})
        settings.aftersales_reopen_days = 3
        settings.aftersales_team_id = self.team_workshop
        settings.execute()
        self.assertEqual(self.company.aftersales_reopen_days, 3)
        self.assertEqual(self._create_request().team_id, self.team_workshop)

    def test_team_counts(self):
        self._create_policy(response=0, resolution=1, calendar_source='always')
        self._create_request(date_received='2026-03-02 09:00:00')
        self._create_request()
        self._create_request().action_close()
        self.assertEqual(self.team.open_request_count, 2)
        self.assertEqual(self.team.overdue_request_count, 1)
        action = self.team.action_view_requests()
        self.assertEqual(action['context']['default_team_id'], self.team.id)
