from . import loyalty_backfill
from . import loyalty_proof_repair
from . import loyalty_statement
from . import loyalty_request_create
from . import loyalty_card_update_balance
