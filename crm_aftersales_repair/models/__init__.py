from . import aftersales_request
from . import aftersales_unit
from . import aftersales_unit_remedy
from . import repair_order
from . import sale_order_line
from . import stock_move
