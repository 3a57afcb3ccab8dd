from . import aftersales_component_replace
from . import aftersales_request_merge
from . import aftersales_request_split
from . import aftersales_unit_transfer
from . import aftersales_macro_apply
