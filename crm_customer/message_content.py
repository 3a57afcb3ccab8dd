"""What a message says, as its source (a template, a mailing) gave it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup

BODY_TAG = re.compile(r'<body[^>]*>', re.IGNORECASE)


@dataclass
class MessageContent:
    """Text of one message, the same for every channel.

    ``crm.message._compose_<model of the content>`` returns one for each message.
    """

    #: of a mail or of a task
    subject: str = ''
    #: HTML; where the channel knows only text, it becomes text
    body: str = ''
    #: whether the message stays readable in the chatter of its record after it was sent
    keep: bool = False
    #: whether it shows by itself what the gate folded into the message
    shows_folded: bool = False
    #: further values of the mail, by name of the field
    mail: dict = field(default_factory=dict)
    #: files made for this message: name and base64 content
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def prepend(self, html: str) -> None:
        """Put a text before this one.

        :param html: the text; of a whole document what is inside its body
        """
        start = BODY_TAG.search(html)
        inner = html[start.end() : html.lower().rfind('</body>')] if start else html
        own = str(self.body)
        begin = BODY_TAG.search(own)
        position = begin.end() if begin else 0
        self.body = Markup(own[:position] + str(inner) + own[position:])
