from datetime import timedelta

import psycopg2
from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase

from .common import MONDAY

#: nobody else's clocks are due so early
PAST = MONDAY - timedelta(days=9000)


@tagged('post_install', '-at_install')
class TestSlaRace(TwoCursorsCase):
    """Two workers, and a customer who is answered while a worker looks at his request."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._clean_up)
        env = self.open_environment()
        policy = env['aftersales.sla.policy'].create(
            {
                'name': "Race",
                'sequence': -1,
                'response_hours': 1,
                'calendar_source': 'always',
            }
        )
        with freeze_time(PAST):
            request = (
                env['aftersales.request']
                .with_context(tracking_disable=True, mail_create_nolog=True)
                .create({'name': "Race", 'user_id': False})
            )
            env.flush_all()
        self.assertEqual(request.sla_policy_id, policy)
        env.cr.commit()
        self.request_id = request.id

    def _clean_up(self):
        self.execute_committed("DELETE FROM aftersales_request WHERE name = 'Race'")
        self.execute_committed("DELETE FROM aftersales_sla_policy WHERE name ->> 'en_US' = 'Race'")

    def _request(self, env):
        return env['aftersales.request'].browse(self.request_id)

    def test_claimed_by_one_worker(self):
        self.take_snapshots()
        moment = PAST + timedelta(hours=2)
        claimed = self.env_1['aftersales.sla.clock']._claim_due(moment, 0, 1)
        self.assertEqual(claimed.request_id, self._request(self.env_1))
        self.assertFalse(self.env_2['aftersales.sla.clock']._claim_due(moment, 0, 1))

    def test_answered_while_a_worker_looks(self):
        self.take_snapshots()
        with freeze_time(PAST + timedelta(minutes=30)):
            self._request(self.env_1)._post_sla_event('reply')
            self.env_1.cr.commit()
        clocks = self.env_2['aftersales.sla.clock']
        moment = PAST + timedelta(hours=2)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            clocks._claim_due(moment, 0, 1)._process_due(moment)
        self.env_2.cr.rollback()  # as the worker does
        self.assertFalse(clocks._claim_due(moment, 0, 1))
        self.assertFalse(self._request(self.env_2).sla_missed)

    def test_two_events_at_the_same_time_do_not_overlook_each_other(self):
        self.take_snapshots()
        self._request(self.env_1)._post_sla_event('reply', at=PAST + timedelta(minutes=30))
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            self._request(self.env_2)._post_sla_event('customer', at=PAST + timedelta(hours=2))
        self.env_2.cr.rollback()  # Odoo calls it again
        self._request(self.env_2)._post_sla_event('customer', at=PAST + timedelta(hours=2))
        self.env_2.cr.commit()
        self.assertEqual(
            self._request(self.env_2).sla_event_ids.mapped('kind'), ['start', 'reply', 'customer']
        )
