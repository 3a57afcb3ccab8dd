"""What is particular to the tills of Odoo 19.0."""

from . import loyalty_card
from . import loyalty_program
from . import pos_config
from . import pos_order
