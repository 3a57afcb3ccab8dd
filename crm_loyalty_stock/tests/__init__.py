from . import test_delivery, test_past_orders, test_stock_machine
