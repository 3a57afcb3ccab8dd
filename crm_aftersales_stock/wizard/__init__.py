from . import stock_picking_return
from . import stock_picking_return_line
