from . import test_cart
from . import test_cart_tour
