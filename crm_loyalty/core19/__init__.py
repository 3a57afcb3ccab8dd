"""What is particular to the loyalty programs of Odoo 19.0.

Everything that knows how this version moves points or reads its earning rules stands here, so
that the next version replaces this folder and nothing else.
"""

from . import base_partner_merge
from . import loyalty_card_merge
from . import loyalty_generate_wizard
from . import loyalty_order_rules
from . import loyalty_rule
from . import sale_order
from . import sale_order_earning
from . import sale_order_line
from . import sale_order_payment
from . import sale_order_redeeming
from . import sale_loyalty_reward_wizard
