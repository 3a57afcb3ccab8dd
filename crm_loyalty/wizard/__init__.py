from . import loyalty_backfill
