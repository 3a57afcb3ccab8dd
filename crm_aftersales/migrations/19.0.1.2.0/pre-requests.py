def migrate(cr, version):
    """Add columns that are empty for past requests, so that nothing is computed for each."""
    cr.execute(
        'ALTER TABLE aftersales_request'
        ' ADD COLUMN IF NOT EXISTS answer_due date,'
        ' ADD COLUMN IF NOT EXISTS waiting_since timestamp,'
        ' ADD COLUMN IF NOT EXISTS lock_version int4 DEFAULT 0'
    )
    cr.execute('ALTER TABLE aftersales_request ALTER COLUMN lock_version DROP DEFAULT')
    # when customers were asked is not known: their days count from today
    cr.execute(
        "UPDATE aftersales_request SET waiting_since = now() AT TIME ZONE 'UTC'"
        " WHERE state = 'waiting_customer' AND waiting_since IS NULL"
    )
