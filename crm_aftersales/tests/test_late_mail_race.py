from datetime import timedelta

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase


@tagged('post_install', '-at_install')
class TestLateMailRace(TwoCursorsCase):
    """Two mails come long after the end, at the same time."""

    def setUp(self):
        super().setUp()
        self.addCleanup(
            self.execute_committed,
            "DELETE FROM aftersales_request WHERE email_from = 'race@example.com'",
        )
        env = self.open_environment()
        request = env['aftersales.request'].create(
            {'name': "Race", 'email_from': 'race@example.com'}
        )
        request.action_close()
        request.date_closed -= timedelta(days=400)
        env.cr.commit()
        self.request_id = request.id

    def _write(self, env):
        env['aftersales.request'].browse(self.request_id).message_post(
            body="Late",
            email_from='race@example.com',
            author_id=False,
            message_type='email',
            subtype_xmlid='mail.mt_comment',
        )
        env.cr.flush()
        env.cr.commit()

    def test_one_follow_up(self):
        self.take_snapshots()
        self._write(self.env_1)
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self._write(self.env_2)
        self.env_2.cr.rollback()  # as Odoo does before it tries again
        self._write(self.env_2)
        follow_ups = self.env_2['aftersales.request'].search([('parent_id', '=', self.request_id)])
        self.assertEqual(len(follow_ups), 1)
