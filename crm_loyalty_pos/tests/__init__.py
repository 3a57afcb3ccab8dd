from . import test_earning
from . import test_hold
from . import test_redeeming
from . import test_refund
from . import test_receipt
from . import test_rights
from . import test_till_machine
from . import test_tours
