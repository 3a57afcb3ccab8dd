def migrate(cr, version):
    """Let updates reach the groups again: databases installed early froze their rows."""
    cr.execute(
        """
        UPDATE ir_model_data
           SET noupdate = FALSE
         WHERE module = 'crm_campaigns'
           AND model IN ('res.groups', 'res.groups.privilege')
           AND noupdate
        """
    )
