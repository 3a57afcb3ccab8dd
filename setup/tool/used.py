"""A shop that used core's loyalty for years, from the install of crm_loyalty to the next one.

Duplicate cards, balances below zero, rows that never agreed, fractions, nobody's cards, archived
customers and programs, other companies: see ``setup/probes/used_loyalty.py``.
"""

from . import databases
from .paths import RUN, SETUP

PROBES = SETUP / 'probes'
MODULE = 'crm_loyalty'
DATABASE = 'matrix_used'


def play(ready, base, core):
    """Return the findings.

    :param base: database with Odoo's base only
    :param core: addons of core the module needs
    """
    databases.clone(ready, base, DATABASE)
    try:
        databases.install(ready, DATABASE, core)
        ready.script(DATABASE, PROBES / 'used_loyalty.py', what="making a used shop")
        findings = _check(ready, 'before')
        databases.install(ready, DATABASE, [MODULE])
        findings += _check(ready, 'installed')
        databases.update(ready, DATABASE, [MODULE])
        findings += _check(ready, 'updated')
        said = ready.script(DATABASE, PROBES / 'uninstall.py', what="uninstalling", modules=MODULE)
        findings += _findings(said) + _check(ready, 'uninstalled')
        databases.install(ready, DATABASE, [MODULE])
        return findings + _check(ready, 'again')
    finally:
        databases.drop(ready, DATABASE)


def _check(ready, phase):
    said = ready.script(
        DATABASE, PROBES / 'used_loyalty_check.py', what=f"looking at the used shop, {phase}",
        phase=phase, target=RUN / 'used_loyalty.json',
    )  # fmt: skip
    return _findings(said)


def _findings(said):
    return [line.removeprefix('FINDING ') for line in said.splitlines() if 'FINDING ' in line]
