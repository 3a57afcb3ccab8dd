from datetime import timedelta
from unittest.mock import patch

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
        self.message_id = request.message_post(
            body="Done", message_type='comment', subtype_xmlid='mail.mt_comment'
        ).message_id
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

    def test_fetched_mail_is_not_lost(self):
        """A mail is fetched once: Odoo does not try again when somebody else is faster."""
        mail = f"""To: desk@example.com
From: race@example.com
Subject: Loud again
In-Reply-To: {self.message_id}
Message-Id: <fetched.{self.request_id}@example.com>

Late
"""
        self.take_snapshots()
        self._write(self.env_1)
        gateway = self.env_2['mail.thread'].with_context(default_fetchmail_server_id=False)
        with (
            mute_logger('odoo.sql_db', 'odoo.addons.mail.models.mail_thread'),
            patch('odoo.service.model.time.sleep'),
        ):
            gateway.message_process('aftersales.request', mail)
        self.env_2.cr.commit()
        follow_up = self.env_2['aftersales.request'].search([('parent_id', '=', self.request_id)])
        self.assertEqual(len(follow_up.website_message_ids), 2)
