from . import common
from . import test_delivery
