"""The channels of a used loyalty program, uninstalled one after the other before the program.

See ``setup/probes/channels.py``.
"""

from . import databases
from .paths import SETUP

PROBE = SETUP / 'probes/channels.py'
#: last, because the program goes with it
CHANNELS = ('pos_loyalty', 'point_of_sale', 'sale_stock', 'website_sale_loyalty', 'sale_loyalty')
DATABASE = 'matrix_channels'


def play(ready, source):
    """Return the findings.

    :param source: database with all addons of ours, which stays as it is
    """
    databases.clone(ready, source, DATABASE)
    try:
        said = ready.script(
            DATABASE, PROBE, what="taking the channels away", channels=",".join(CHANNELS)
        )
    finally:
        databases.drop(ready, DATABASE)
    return [line.removeprefix('FINDING ') for line in said.splitlines() if 'FINDING ' in line]
