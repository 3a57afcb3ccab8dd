from unittest.mock import patch

from odoo.fields import Datetime
from odoo.tests import tagged

from ..models import loyalty_card_job
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestCardJob(LoyaltyCommon):
    """What is left when the time of a worker is over is gone on with at once."""

    def setUp(self):
        super().setUp()
        self.cards = self.env['loyalty.card'].union(
            *(self.create_card(self.create_partner(name)) for name in ("陳一", "陳二", "陳三"))
        )
        self.cron = self.env.ref('crm_loyalty.ir_cron_release_pending_0')
        self.env['ir.cron.trigger'].search([('cron_id', '=', self.cron.id)]).unlink()
        self.patch(loyalty_card_job, 'CHUNK_SIZE', 2)

    def patch_job(self, name, function):
        self.patch(self.registry['loyalty.pending'], name, function)

    def run_job(self):
        self.env['loyalty.pending'].with_context(cron_id=self.cron.id)._cron_release()

    def is_called_again(self):
        triggers = self.env['ir.cron.trigger'].search([('cron_id', '=', self.cron.id)])
        triggers_left = bool(triggers)
        triggers.unlink()
        return triggers_left

    def test_time_is_over_between_chunks(self):
        self.env['loyalty.pending'].create(
            [
                {'card_id': card.id, 'qty': 5, 'description': "x", 'release_at': Datetime.now()}
                for card in self.cards
            ]
        )
        self.patch_job('_commit_progress', lambda self, number: 0)
        self.run_job()
        self.assertEqual(self.cards.mapped('points'), [5, 5, 0])
        self.assertTrue(self.is_called_again())
        self.run_job()
        self.env.invalidate_all()
        self.assertEqual(self.cards.mapped('points'), [5, 5, 5])

    def run_with_busy(self, time_left, do_chunk):
        """Run the job, whose chunks are done by a function of the cards and whether it waits."""
        calls = []

        def do(_job, _method, card_ids, *_args, wait=False):
            calls.append((card_ids, wait))
            return do_chunk(card_ids, wait)

        pages = iter([self.cards.ids])
        self.patch_job('_get_page', lambda *_args: next(pages, []))
        self.patch_job('_do_chunk', do)
        self.patch_job('_commit_progress', lambda _job, _number: next(time_left))
        self.run_job()
        return calls

    def test_time_is_over_while_waiting_for_others(self):
        """A thousand cards in use, of some seconds each, are more than a worker may stay."""
        first, second, third = self.cards.ids
        calls = self.run_with_busy(iter([1, 1, 0]), lambda card_ids, wait: [] if wait else card_ids)
        self.assertEqual(calls, [([first, second], False), ([third], False), ([first], True)])
        self.assertTrue(self.is_called_again())

    def test_nothing_could_be_done(self):
        """What fails each time is not tried again without a pause."""
        calls = self.run_with_busy(iter([1, 1, 0]), lambda card_ids, _wait: card_ids)
        self.assertEqual(len(calls), 3)
        self.assertFalse(self.is_called_again())

    def test_one_call_is_enough(self):
        with patch.object(self.registry['loyalty.pending'], '_release_cards'):
            self.run_job()
        self.assertFalse(self.is_called_again())
