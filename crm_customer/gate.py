"""What other addons hand to the gate, and what its answers mean."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from odoo.tools import SQL

#: states in which a message is on its way or has arrived, and counts against frequency caps
RELEASED_STATES = ('queued', 'sending', 'sent', 'uncertain')

#: hours after which a message is looked at again when nobody knows how long it must wait
RETRY_HOURS = 1

#: days after which a message that was not looked at in time is too late
LATE_DAYS = 2


@dataclass(frozen=True)
class GateSource:
    """Customers to whom messages are not sent, or not yet, because of something an addon knows.

    ``query`` is a SELECT with the columns

    * ``person_id`` or ``partner_id``, as ``by`` says; a customer may occur several times;
    * ``company_id``: whose messages are held, NULL for those of all companies;
    * ``until``: when the reason ends, in UTC; NULL when nobody knows.  A message that waits is
      looked at again then, or in an hour.

    It runs once per message, with the customer as a condition around it: keep it a plain SELECT
    over indexed columns, without DISTINCT, ORDER BY or LIMIT.

    :param reason: ``holdout``, ``hush``, ``in_house`` or a value added to ``crm.message.reason``
    :param query: the SELECT
    :param by: which column ``query`` has
    :param classes: message classes it holds; those that never wait are never held
    :param channels: channels it holds; None for all but ``in_person``
    :param final: whether such a message is refused instead of waiting
    """

    reason: str
    query: SQL
    by: Literal['person_id', 'partner_id'] = 'partner_id'
    classes: Collection[str] = ('hint', 'greeting', 'gift', 'offer', 'survey')
    channels: Collection[str] | None = None
    final: bool = False
