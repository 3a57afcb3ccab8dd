from . import portal
from . import portal_request
from . import feedback
from . import public
from . import portal_meter
from . import help
from . import portal_quotation
