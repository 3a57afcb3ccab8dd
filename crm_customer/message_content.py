"""What a message says, as its source (a template, a mailing) gave it."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    #: further values of the mail, by name of the field
    mail: dict = field(default_factory=dict)
    #: files made for this message: name and base64 content
    files: list[tuple[str, bytes]] = field(default_factory=list)
