"""What an answer of a mail server, or none, means for a message."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage

from odoo.models import BaseModel

from odoo.addons.base.models.ir_mail_server import (
    IdentificationFieldsNoFoldPolicy,
    MailDeliveryException,
)


class PlainLinksPolicy(IdentificationFieldsNoFoldPolicy):
    """How core writes mails, but for headers with a link: these stay on one line as they are.

    Python breaks a word that is longer than a line into encoded ones (RFC 2047), and no mail
    program decodes these in a header that has no text for people.
    """

    HEADERS = ('list-unsubscribe',)

    def _fold(self, name, value, *args, **kwargs):
        if name.lower() in self.HEADERS:
            return f'{name}: {value}{self.linesep}'
        return super()._fold(name, value, *args, **kwargs)


MAIL_POLICY = PlainLinksPolicy(linesep='\r\n')


@dataclass(frozen=True)
class Outcome:
    """What became of one try to hand a message to a mail server."""

    #: ``sent``, ``failed`` (never to be tried again), ``later`` or ``uncertain``
    result: str
    error: str = ''
    #: whether the connection cannot be used any more
    disconnected: bool = False


def get_answer(error: Exception) -> str:
    """Return in one line what a mail server said, or why it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = error.recipients.values()
    elif isinstance(error, smtplib.SMTPResponseException):
        answers = [(error.smtp_code, error.smtp_error)]
    else:
        return ' '.join(f"{error.__class__.__name__}: {error}".split())
    return '; '.join(
        f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
        for code, text in answers
    )


class DataWatch:
    """Knows whether a connection broke before or after the server could have taken the message.

    Up to the DATA command nothing has been handed over.  From there to the server's answer nobody
    can tell: it may have the message although we never heard so.

    :param session: open SMTP connection, or None where sending is switched off
    """

    def __init__(self, session: smtplib.SMTP | None):
        self.handing_over = False
        if session is not None:
            self._data = session.data
            session.data = self._watched_data

    def _watched_data(self, message):
        self.handing_over = True
        answer = self._data(message)
        self.handing_over = False
        return answer

    def judge(self, error: Exception) -> Outcome:
        """Return what an error says about the message.

        :param error: as raised by ``ir.mail_server.send_email``
        """
        handing_over, self.handing_over = self.handing_over, False
        cause = error.__context__ if isinstance(error, MailDeliveryException) else error
        text = get_answer(cause)
        if isinstance(cause, smtplib.SMTPRecipientsRefused):
            codes = [code for code, _reason in cause.recipients.values()]
            return Outcome('failed' if min(codes) >= 500 else 'later', text, 421 in codes)
        if isinstance(cause, smtplib.SMTPDataError):
            return Outcome('failed' if cause.smtp_code >= 500 else 'later', text)
        if isinstance(cause, smtplib.SMTPNotSupportedError):
            return Outcome('failed', text)  # an address this server cannot write
        if isinstance(cause, smtplib.SMTPResponseException):
            # the server does not want us (sender, log-in): nothing wrong with the message
            return Outcome('later', text, disconnected=True)
        if isinstance(cause, (smtplib.SMTPServerDisconnected, OSError, MemoryError)):
            return Outcome('uncertain' if handing_over else 'later', text, disconnected=True)
        return Outcome('failed', text)


@dataclass
class Letter:
    """A mail on its way to a mail server, or a short message on its way to a provider."""

    message_id: int
    #: mailbox or number it goes to, as the contact has it
    address: str | None = None
    content: EmailMessage | None = None
    #: mail server in the context that core sends in
    transport: BaseModel | None = None
    outcome: Outcome | None = None

    def hand_over(self, session, watch: DataWatch) -> Outcome:
        """Hand the mail to the server; what it answers is never an exception.

        :param session: open connection
        :param watch: what watches the connection
        """
        try:
            self.transport.send_email(
                self.content, mail_server_id=self.transport.id, smtp_session=session
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is accounted for
            return watch.judge(error)
        return Outcome('sent')
