from datetime import datetime

from freezegun import freeze_time

from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPreset(AftersalesCommon):
    def test_supermarket(self):
        preset = self.env['crm.preset'].search([('code', '=', 'b5_supermarket')])
        preset.action_load()
        preset.action_load()
        policy = self.env.ref('crm_aftersales.b5_sla_policy_complaint')
        saturday = datetime(2026, 3, 7, 13, 30)  # 21:30 in Shanghai, half an hour before closing
        with freeze_time(saturday):
            request = self._create_request(type_id=self.type_complaint.id)
        self.assertEqual(request.sla_policy_id, policy)
        # half an hour on Saturday, 08:00-09:30 on Sunday
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 8, 1, 30))
        # half an hour, 14 hours on Sunday, 13.5 hours on Monday
        resolution = request.sla_clock_ids.filtered(lambda clock: clock.kind == 'resolution')
        self.assertEqual(resolution.deadline, datetime(2026, 3, 9, 13, 30))
        request.unlink()
        preset.action_undo()
        self.assertFalse(policy.exists())
