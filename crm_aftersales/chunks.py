"""Long work of scheduled actions: claimed, done and committed chunk by chunk."""

import logging
from collections.abc import Callable

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

MAX_FAILURES = 5  # claims in a row that others were faster at


def work_off(model, claim: Callable, work: Callable, size: int) -> None:
    """Claim records and work on them until none is left, or the time of the worker is over.

    :param model: of the records, for the log
    :param claim: returns the next records, at most ``size``; the first statement of a transaction
    :param work: function of the records; it sees to it that they are not claimed again
    :param size: records of one transaction
    """
    env, failures = model.env, 0
    while failures < MAX_FAILURES:
        try:
            records = claim()
            work(records)
            env.flush_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("%s: others were faster, what is left is looked at later", model._name)
            env.cr.rollback()
            failures += 1
            continue
        failures = 0
        remaining = int(len(records) == size)
        if not records or not env['ir.cron']._commit_progress(len(records), remaining=remaining):
            break


def work_apart(records, work: Callable) -> None:
    """Work on all of some records at once; where that fails on each alone, past those that fail.

    :param records: what is worked on
    :param work: function of records of the same model
    """
    try:
        with records.env.cr.savepoint():
            work(records)
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        raise
    except Exception:
        if len(records) == 1:
            _logger.exception("%s could not be worked on", records)
            return
        for record in records:
            work_apart(record, work)
