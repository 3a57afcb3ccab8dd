from . import loyalty_backfill
from . import loyalty_proof_repair
from . import loyalty_statement
