from unittest.mock import patch

import psycopg2

from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TwoCursorsCase

NOW = Datetime.to_datetime('2026-06-01 02:00:00')


@tagged('post_install', '-at_install')
class TestMessageRace(TwoCursorsCase):
    """Two workers, one person with messages of two origins, and room for one."""

    def setUp(self):
        super().setUp()
        self.patch(self.registry['crm.message'], '_enqueue', lambda messages: None)
        self.addCleanup(self.clean_up)
        env = self.open_environment()
        partner = env['res.partner'].create({'name': "Race", 'email': 'race@example.com'})
        env['crm.contact.policy'].create(
            {
                'name': "Race",
                'company_id': env.company.id,
                'max_messages': 1,
                'quiet_from': 0,
                'quiet_to': 0,
            }
        )
        messages = env['crm.message']._plan(
            {
                'key': f'race:{origin}',
                'partner_id': partner.id,
                'message_class': 'greeting',
                'planned_at': NOW,
                'origin_model': 'res.partner',
                'origin_id': origin,
            }
            for origin in (1, 2)
        )
        env.cr.commit()
        self.first, self.second = (self.env['crm.message'].browse(id_) for id_ in messages.ids)

    def clean_up(self):
        self.execute_committed("DELETE FROM crm_message WHERE key LIKE 'race:%%'")
        self.execute_committed("DELETE FROM crm_contact_policy WHERE name ->> 'en_US' = %s", "Race")
        self.execute_committed(
            'DELETE FROM crm_person USING res_partner AS partner'
            ' WHERE partner.id = crm_person.partner_id AND partner.name = %s',
            "Race",
        )
        self.execute_committed('DELETE FROM res_partner WHERE name = %s', "Race")

    def get_states(self):
        self.env_1.cr.rollback()
        messages = (self.first + self.second).with_env(self.env_1)
        messages.invalidate_recordset()
        return messages.mapped('state')

    def test_d5_only_one_is_sent(self):
        self.take_snapshots()
        self.first.with_env(self.env_1)._process(NOW)
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            self.second.with_env(self.env_2)._process(NOW)
        self.env_2.cr.rollback()  # as the worker does

        self.second.with_env(self.env_2)._process(NOW)
        self.env_2.cr.commit()
        self.assertEqual(self.get_states(), ['queued', 'planned'])
        self.assertEqual(self.second.with_env(self.env_1).reason, 'frequency_cap')

    def test_worker_goes_on_when_others_were_faster(self):
        self.take_snapshots()
        self.first.with_env(self.env_1)._process(NOW)
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db', 'odoo.addons.crm_customer.models.crm_message_process'):
            self.assertFalse(self.second.with_env(self.env_2)._process_claimed(NOW))
        self.assertEqual(self.get_states(), ['queued', 'planned'])

    def test_claimed_by_one_worker(self):
        self.take_snapshots()
        claimed, _mark = self.env_1['crm.message']._claim_due(NOW, 0, 1)
        self.assertIn(self.first.id, claimed.ids)
        claimed, _mark = self.env_2['crm.message']._claim_due(NOW, 0, 1)
        self.assertNotIn(self.first.id, claimed.ids, "left to the other, not waited for")

    def test_staff_release_and_a_worker(self):
        self.take_snapshots()
        self.first.with_env(self.env_1).action_release()
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            self.second.with_env(self.env_2)._process(NOW)

    def test_nothing_stays_of_a_batch_that_dies(self):
        """What is decided and what is handed over are one transaction."""

        def enqueue(messages):
            messages.env['ir.config_parameter'].sudo().set_param('race.handed_over', messages.ids)
            messages.env.flush_all()
            raise KeyboardInterrupt  # the nearest a test can come to a worker that is killed

        self.take_snapshots()
        with (
            patch.object(self.registry['crm.message'], '_enqueue', enqueue),
            self.assertRaises(KeyboardInterrupt),
        ):
            self.first.with_env(self.env_1)._process(NOW)
        self.env_1.cr.rollback()
        self.assertEqual(self.get_states(), ['planned', 'planned'])
        self.assertFalse(self.env_1['ir.config_parameter'].get_param('race.handed_over'))
