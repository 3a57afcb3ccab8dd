import psycopg2

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from .common import TwoCursorsCase


@tagged('post_install', '-at_install')
class TestVersion(TwoCursorsCase):
    def setUp(self):
        super().setUp()
        self.preset = self.env.ref('crm_customer.crm_preset_b3_hotel')
        self.version = self.preset.lock_version
        self.addCleanup(
            self.execute_committed,
            'UPDATE crm_preset SET lock_version = %s WHERE id = %s',
            self.version,
            self.preset.id,
        )

    def bump(self, env):
        self.preset.with_env(env)._bump_version()

    def test_second_of_two_fails(self):
        self.take_snapshots()
        self.bump(self.env_1)
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.bump(self.env_2)

        self.env_2.cr.rollback()  # as Odoo does before it tries again
        self.bump(self.env_2)
        self.env_2.cr.commit()
        self.assertEqual(self.preset.with_env(self.env_2).lock_version, self.version + 2)


@tagged('post_install', '-at_install')
class TestVersionCache(TransactionCase):
    def test_nothing_to_bump(self):
        self.env['crm.preset']._bump_version()

    def test_cache_is_fresh(self):
        preset = self.env.ref('crm_customer.crm_preset_b3_hotel')
        version = preset.lock_version
        preset._bump_version()
        self.assertEqual(preset.lock_version, version + 1)
