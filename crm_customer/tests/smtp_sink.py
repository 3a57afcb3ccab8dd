"""A mail server for tests: takes everything, counts it, and misbehaves on demand.

Needs no Odoo, so that it can also run as a process of its own::

    python smtp_sink.py PORT        # prints the number of mails when its input is closed
"""

from __future__ import annotations

import email
import re
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

MESSAGE_ID = re.compile(rb'^Message-Id:\s*(\S+)', re.IGNORECASE | re.MULTILINE)


@dataclass
class Behaviour:
    """What the server does with the next mails; may be changed at any time."""

    #: seconds before the answer to a mail
    delay: float = 0
    #: seconds before that, while the server has the mail already
    delay_after_taking: float = 0
    #: whether to take the mail and break the connection without an answer
    drop_instead_of_ok: bool = False
    #: whether to break the connection after the answer
    drop_after_ok: bool = False
    #: answers to recipients, by address
    refusals: dict[str, str] = field(default_factory=dict)
    #: answer to all mails, instead of taking them
    data_answer: str = ''
    #: called with each mail taken, before it is answered
    on_mail: Callable[[bytes], None] | None = None
    #: called with each address a mail is for
    on_recipient: Callable[[str], None] | None = None


class SmtpSink:
    """Context manager; ``counts`` says how often each Message-Id has arrived.

    :param port: 0 for any free one, as found in ``port`` then
    :param keep: whether to keep the mails in ``mails``
    """

    def __init__(self, port: int = 0, keep: bool = True):
        self.behaviour = Behaviour()
        self.counts: Counter[str] = Counter()
        self.mails: list[bytes] = []
        self.keep = keep
        self._lock = threading.Lock()
        server = socketserver.ThreadingTCPServer
        self._server = server(('localhost', port), _Session, bind_and_activate=False)
        self._server.allow_reuse_address = True
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_args: None  # clients die here
        self._server.sink = self
        self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_address[1]

    def __enter__(self) -> SmtpSink:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exception) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, content: bytes) -> None:
        """Take a mail: from here on it counts as delivered."""
        found = MESSAGE_ID.search(content)
        with self._lock:
            self.counts[found[1].decode() if found else ''] += 1
            if self.keep:
                self.mails.append(content)
        if self.behaviour.on_mail:
            self.behaviour.on_mail(content)

    def parsed(self) -> list[email.message.Message]:
        """Return the mails taken so far."""
        return [email.message_from_bytes(content) for content in self.mails]


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self._answer('220 sink')
        for line in self.rfile:
            command = line[:4].upper()
            if command == b'DATA':
                if not self._take_data():
                    return
            elif command == b'QUIT':
                self._answer('221 bye')
                return
            elif command == b'EHLO':
                self._answer('250-sink\r\n250-SIZE 33554432\r\n250 8BITMIME')
            elif command == b'RCPT':
                address = line.decode().partition('<')[2].partition('>')[0]
                if self.server.sink.behaviour.on_recipient:
                    self.server.sink.behaviour.on_recipient(address)
                self._answer(self.server.sink.behaviour.refusals.get(address, '250 ok'))
            else:
                self._answer('250 ok')

    def _take_data(self) -> bool:
        """Read a mail and answer; False breaks the connection."""
        sink, behaviour = self.server.sink, self.server.sink.behaviour
        self._answer('354 go on')
        lines = []
        for line in self.rfile:
            if line == b'.\r\n':
                break
            lines.append(line)
        else:
            return False  # broken off in the middle: not taken
        if behaviour.data_answer:
            self._answer(behaviour.data_answer)
            return True
        time.sleep(behaviour.delay)
        sink.take(b''.join(lines))
        time.sleep(behaviour.delay_after_taking)
        if behaviour.drop_instead_of_ok:
            return False
        self._answer('250 ok')
        return not behaviour.drop_after_ok

    def _answer(self, text: str) -> None:
        self.wfile.write(text.encode() + b'\r\n')


if __name__ == '__main__':
    with SmtpSink(int(sys.argv[1]), keep=False) as running:
        sys.stdin.read()
        sys.stdout.write(f'{running.counts.total()} {len(running.counts)}\n')
