def migrate(cr, version):
    """Send after the promotion what quiet periods made by hand were to put into its own message.

    They have none, so that these messages waited all the same, and nothing could be saved.
    """
    cr.execute(
        """
        UPDATE crm_quiet_period SET action = 'defer_to_end'
         WHERE action = 'fold' AND (COALESCE(res_model, '') = '' OR COALESCE(res_id, 0) = 0)
        """
    )
