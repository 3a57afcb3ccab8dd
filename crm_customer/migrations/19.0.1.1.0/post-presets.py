def migrate(cr, version):
    """Note with the company of who loaded a preset what it made: each company has its own."""
    cr.execute(
        """
        INSERT INTO crm_preset_load (preset_id, company_id, loaded, date)
        SELECT preset.id,
               COALESCE(loader.company_id, (SELECT min(id) FROM res_company)),
               preset.loaded, preset.date
          FROM crm_preset preset
          LEFT JOIN res_users loader ON loader.id = preset.write_uid
         WHERE jsonb_typeof(preset.loaded) = 'object'
        """
    )
    cr.execute('ALTER TABLE crm_preset DROP COLUMN loaded, DROP COLUMN date')
