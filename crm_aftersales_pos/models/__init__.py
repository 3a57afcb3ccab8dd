from . import aftersales_unit
from . import pos_order
from . import pos_order_line
from . import stock_picking
