from . import common
from . import test_delivery
from . import test_exchange
