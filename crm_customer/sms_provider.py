"""What an answer of a provider of short messages, or none, means for a message."""

from __future__ import annotations

from requests import exceptions
from urllib3.exceptions import MaxRetryError

from odoo.addons.iap.tools.iap_tools import IAPServerError

from .smtp import Outcome

#: failures, in core's words, that are not the message's: it did not leave, and may later
PASSING_FAILURES = ('sms_credit',)
#: failures that say nothing of the message: core also answers so when nobody answered
UNKNOWN_FAILURES = ('sms_server',)


class AnswerWatch:
    """Knows what a provider answered, whatever becomes of the rest of the work.

    :param sms_api: core's way to the provider
    :param taken: what providers say, in core's words, when they take a message
    """

    def __init__(self, sms_api, taken):
        self._send = sms_api._send_sms_batch
        self._failure_types = sms_api.PROVIDER_TO_SMS_FAILURE_TYPE
        self._taken = taken
        self._answers: dict[str, dict] = {}
        self._error: Exception | None = None
        self._asked = False
        sms_api._send_sms_batch = self._watched_send

    def _watched_send(self, *args, **kwargs):
        self._asked = True
        try:
            answers = self._send(*args, **kwargs)
        except Exception as error:
            self._error = error
            raise
        self._answers = {answer['uuid']: answer for answer in answers}
        return answers

    def judge(self, uuid: str) -> Outcome:
        """Return what the answer, or none, says about a message.

        :param uuid: by which the provider knows the message
        """
        if answer := self._answers.get(uuid):
            if answer['state'] in self._taken:
                return Outcome('sent')
            failure = self._failure_types.get(answer['state'], 'unknown')
            text = answer.get('failure_reason') or answer['state']
            if failure in UNKNOWN_FAILURES:
                return Outcome('uncertain', text)
            return Outcome('later' if failure in PASSING_FAILURES else 'failed', text)
        if self._error:
            text = ' '.join(f"{self._error.__class__.__name__}: {self._error}".split())
            return Outcome('uncertain' if self._may_have_left() else 'later', text)
        return Outcome('uncertain' if self._asked else 'later', "The provider did not answer.")

    def _may_have_left(self) -> bool:
        """Whether the provider may have got what it did not answer to."""
        cause = self._error
        if not isinstance(cause, (exceptions.RequestException, IAPServerError)):
            cause = cause.__context__  # core says it in words of its own
        if isinstance(cause, exceptions.HTTPError):
            # of 5xx, said by a proxy or halfway through the work, nobody knows
            return cause.response is None or cause.response.status_code >= 500
        if isinstance(cause, exceptions.ConnectTimeout):
            return False
        if isinstance(cause, exceptions.ConnectionError):
            return not (cause.args and isinstance(cause.args[0], MaxRetryError))
        return isinstance(cause, (exceptions.RequestException, IAPServerError))
