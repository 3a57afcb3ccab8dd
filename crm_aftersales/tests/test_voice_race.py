from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase


@tagged('post_install', '-at_install')
class TestVoiceRace(TwoCursorsCase):
    """Scores that come at the same moment, and a worker beside somebody who works."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self._clean_up)
        env = self.open_environment()
        quiet = {'tracking_disable': True, 'mail_create_nolog': True}
        request = env['aftersales.request'].with_context(**quiet)
        self.request = request.create({'name': "Race of scores", 'user_id': False})
        # due before everything else
        opinion = env['aftersales.opinion'].with_context(**quiet)
        self.opinion = opinion.create(
            {
                'text': "Race of scores",
                'state': 'measure',
                'measure': "Any",
                'date_measure': fields.Date.today() - timedelta(days=9000),
            }
        )
        env.flush_all()
        env.cr.commit()

    def _clean_up(self):
        self.execute_committed(
            'DELETE FROM aftersales_followup WHERE request_id IN'
            " (SELECT id FROM aftersales_request WHERE name = 'Race of scores')"
        )
        self.execute_committed("DELETE FROM aftersales_request WHERE name = 'Race of scores'")
        self.execute_committed("DELETE FROM aftersales_opinion WHERE text = 'Race of scores'")

    def _open(self, env, key):
        vals = {
            'key': f'race:{self.request.id}:{key}',
            'kind': key,
            'score': 1,
            'comment': "",
            'request_id': self.request.id,
            'company_id': env.company.id,
        }
        with patch.object(
            self.registry['aftersales.followup'], '_opened_after_hook', lambda self: None
        ):
            return env['aftersales.followup']._open([vals])

    def test_two_scores_are_one_follow_up(self):
        self.take_snapshots()
        self._open(self.env_1, 'csat')
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.SerializationFailure):
            self._open(self.env_2, 'nps')
        self.env_2.cr.rollback()  # Odoo runs it again
        self.assertFalse(self._open(self.env_2, 'nps'))
        self.env_2.cr.commit()
        followup = self.env_2['aftersales.followup'].search([('request_id', '=', self.request.id)])
        self.assertEqual((len(followup), followup.kind), (1, 'csat'))
        self.assertIn("Recommendation", followup.comment)

    def test_reminders_go_on_beside_who_writes(self):
        self.take_snapshots()
        self.opinion.with_env(self.env_1).sentiment = 'negative'
        self.env_1.flush_all()
        self.env_1.cr.commit()
        done = []

        def commit(_cron, processed=0, **_kwargs):
            self.env_2.cr.commit()
            done.append(processed)
            return 60

        opinions = self.env_2['aftersales.opinion']
        schedule = patch.object(type(opinions), '_schedule_effect_checks', lambda self: None)
        progress = patch.object(self.registry['ir.cron'], '_commit_progress', commit)
        with schedule, progress, mute_logger('odoo.sql_db'):
            opinions._cron_remind_effects()
        self.assertTrue(done)
        self.assertTrue(self.opinion.with_env(self.env_2).effect_reminded)
