from . import aftersales_unit_transfer
