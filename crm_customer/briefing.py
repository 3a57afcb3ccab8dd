"""What staff should know of a customer before he stands before them.

A section says what it knows of many customers at once; the arrival list shows all sections of all
its customers with the same number of queries as those of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from odoo.models import BaseModel

#: levels of a line, by what they look like; the icon and the text say the same without colour
LEVELS = ('info', 'success', 'warning', 'danger')


@dataclass(frozen=True)
class BriefingLine:
    """One thing to know."""

    text: str
    #: shown before the text, as the category of a note
    label: str = ''
    level: str = 'info'
    #: Font Awesome class instead of that of the section
    icon: str = ''
    #: model and id of the record the line is about
    target: tuple[str, int] | None = None


@dataclass(frozen=True)
class BriefingSection:
    """One kind of things to know.

    Example::

        BriefingSection(
            key='aftersales.request',
            label=self.env._("Service"),
            icon='fa-wrench',
            models=('aftersales.request',),
            describe=lambda partners: partners._get_briefing_requests(),
        )
    """

    #: stable and unique
    key: str
    #: translated title
    label: str
    #: Font Awesome class, as ``fa-wrench``
    icon: str
    #: lines of many customers at once, by contact id; called with the rights of who reads
    describe: Callable[[BaseModel], dict[int, list[BriefingLine]]] | None = None
    #: the same by occasion id, for what depends on the dates of the occasion
    describe_occasions: Callable[[BaseModel], dict[int, list[BriefingLine]]] | None = None
    #: who may not read all of these models does not get the section
    models: tuple[str, ...] = ()
    sequence: int = 50
