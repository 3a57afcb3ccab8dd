"""What an addon registers to have its invariants checked every night."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SelfCheck:
    """One check of ``crm.selfcheck._get_checks``."""

    #: stable and unique, as ``aftersales.deadlines``
    code: str
    #: translated, shown to administrators
    name: str
    #: method of ``crm.selfcheck`` that returns ``(ok, message, count)``
    method: str
