from . import test_delivery, test_past_orders
