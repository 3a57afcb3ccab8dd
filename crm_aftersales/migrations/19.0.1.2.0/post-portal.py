#: record rules an administrator may change, so updates leave them alone
RULES = ('aftersales_request_rule_portal', 'aftersales_unit_rule_portal')


def migrate(cr, version):
    """Let the settings decide what contacts of a company see; a rule somebody changed stays.

    What writes to customers, or opens a page to everybody, is off until somebody wants it.
    """
    cr.execute(
        """
        UPDATE ir_rule
           SET domain_force = 'user.partner_id._get_aftersales_portal_domain()'
          FROM ir_model_data data
         WHERE data.module = 'crm_aftersales' AND data.name IN %s AND data.model = 'ir.rule'
           AND ir_rule.id = data.res_id
           AND ir_rule.domain_force
               = '[(''commercial_partner_id'', ''='', user.commercial_partner_id.id)]'
        """,
        [RULES],
    )
    cr.execute(
        """
        UPDATE res_company
           SET aftersales_form = false,
               aftersales_notice_received = false,
               aftersales_notice_waiting = false,
               aftersales_notice_resolved = false
        """
    )
