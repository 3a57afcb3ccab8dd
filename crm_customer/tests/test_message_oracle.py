"""The gate against the oracle: the same random worlds, the same decisions.

``CRM_GATE_CASES`` sets the number of persons of the slow run.
"""

import os
from unittest.mock import patch

import pytest

from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from . import gate_oracle
from .gate_world import DatabaseWorld, RandomWorld

CASES = int(os.environ.get('CRM_GATE_CASES', 10_000))
CASES_OF_A_WORLD = 500


class OracleCase(TransactionCase):
    def setUp(self):
        super().setUp()
        models = self.registry['crm.message']
        self.patch(models, '_get_gate_sources', lambda model: DatabaseWorld.sources())
        self.patch(models, '_enqueue', lambda messages: None)  # transport has its own tests
        self.addCleanup(gate_oracle.clock.cache_clear)

    def make(self, seed, cases):
        world = RandomWorld(seed, cases).world
        world.run()
        return world, DatabaseWorld(self.env, world)

    def compare(self, world, database):
        """Return the messages about which oracle and gate do not agree."""
        database.run()
        return [
            (message, found)
            for message, found in zip(world.messages, database.found(), strict=True)
            if (message.state, message.reason, message.decided, message.into)
            != (found.state, found.reason, found.decided, found.into)
        ]


@tagged('post_install', '-at_install')
class TestMessageOracle(OracleCase):
    def test_few_cases(self):
        world, database = self.make(seed=1, cases=60)
        self.assertEqual(self.compare(world, database)[:3], [])
        self.assertGreater(len({message.reason for message in world.messages}), 8)

    @pytest.mark.slow
    def test_many_cases(self):
        found = {}
        for seed in range(CASES // CASES_OF_A_WORLD):
            with self.env.cr.savepoint() as savepoint:
                found[seed] = self.compare(*self.make(seed, CASES_OF_A_WORLD))
                savepoint.rollback()
            gate_oracle.clock.cache_clear()
        self.assertEqual({seed: rows[:2] for seed, rows in found.items() if rows}, {})


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestMessageOracleSees(OracleCase):
    """Without any one of its conditions the gate does not do what the oracle says."""

    def setUp(self):
        super().setUp()
        self.world, self.database = self.make(seed=2, cases=250)

    def is_seen(self, method, replacement):
        """Return whether the oracle sees that a part of the gate is another."""
        with (
            self.env.cr.savepoint() as savepoint,
            patch.object(self.registry['crm.message'], method, replacement),
        ):
            differences = self.compare(self.world, self.database)
            savepoint.rollback()
        return bool(differences)

    def test_nothing_taken_away(self):
        self.assertFalse(self.compare(self.world, self.database))

    def test_each_final_condition(self):
        model = self.registry['crm.message']
        original = model._get_final_conditions
        unseen = []
        for reason in [
            'merged',
            'erased',
            'archived',
            'expired',
            'no_address',
            'blacklist',
            'do_not_disturb',
            'no_consent',
            'holdout',
        ]:

            def without(messages, *args, reason=reason, **kwargs):
                conditions = original(messages, *args, **kwargs)
                conditions.pop(reason)
                return conditions

            if not self.is_seen('_get_final_conditions', without):
                unseen.append(reason)
        self.assertFalse(unseen)

    def test_each_source(self):
        unseen = []
        for left_out in ('hush', 'in_house', 'holdout'):
            sources = [source for source in DatabaseWorld.sources() if source.reason != left_out]
            if not self.is_seen('_get_gate_sources', lambda model, sources=sources: sources):
                unseen.append(left_out)
        self.assertFalse(unseen)

    def test_each_rule(self):
        original = self.registry['crm.message']._get_verdict_conditions
        unseen = []
        for reason in ('quiet_period', 'frequency_cap', 'quiet_hours'):

            def without(messages, reason=reason):
                return [
                    (condition, verdict)
                    for condition, verdict in original(messages)
                    if reason not in verdict.code
                ]

            if not self.is_seen('_get_verdict_conditions', without):
                unseen.append(reason)
        self.assertFalse(unseen)

    def test_periods_made_by_hand(self):
        """They have no origin, which is not that of a message without one."""
        original = self.registry['crm.message']._get_period_condition_sql

        def compared(messages):
            condition = original(messages)
            code = condition.code.replace('period.res_model IS NULL OR', '')
            self.assertNotEqual(code, condition.code)
            return SQL(code, *condition.params)

        self.assertTrue(self.is_seen('_get_period_condition_sql', compared))

    def test_parts(self):
        parts = {
            # orders and safety wait, too
            '_get_waits_sql': lambda model, alias: SQL('TRUE'),
            # periods are about everybody and everything
            '_get_period_condition_sql': lambda model: SQL('TRUE'),
            # nobody has to agree first
            '_get_opt_in_sql': lambda model: SQL('FALSE'),
            # the server's clock
            '_get_local_sql': lambda model, moment, timezone: moment,
            # nothing is put into a promotion's message
            '_get_host_condition_sql': lambda model, now: SQL('FALSE'),
            # messages wait for ever
            '_get_given_up_sql': lambda model, alias, now: SQL('FALSE'),
            # what goes out in one batch takes no room
            '_get_ranked_sql': lambda model, now: SQL(
                'SELECT *, 0 AS all_before, 0 AS channel_before FROM held'
            ),
        }
        unseen = [name for name, other in parts.items() if not self.is_seen(name, other)]
        self.assertFalse(unseen)
