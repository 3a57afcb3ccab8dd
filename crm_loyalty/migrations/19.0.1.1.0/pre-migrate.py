def migrate(cr, version):
    """Say which cards have a ledger; of several of one member the oldest, as the index wants."""
    cr.execute(
        """
        ALTER TABLE loyalty_card ADD COLUMN IF NOT EXISTS is_member boolean;
        UPDATE loyalty_card card SET is_member = TRUE
          FROM loyalty_program program
         WHERE program.id = card.program_id AND program.managed
           AND NOT (card.active AND card.partner_id IS NOT NULL AND EXISTS (
                   SELECT FROM loyalty_card other
                    WHERE other.program_id = card.program_id AND other.active
                      AND other.partner_id = card.partner_id AND other.id < card.id));
        """
    )
