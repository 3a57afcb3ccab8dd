#: what technicians saw so far, and what helpers of a request see as well
OWN = "['|',('user_id','=',user.id),'&',('user_id','=',False),('team_id.member_ids','in',user.ids)]"
HELPED = (
    "['|','|',('user_id','=',user.id),('helper_ids','in',user.ids),"
    "'&',('user_id','=',False),('team_id.member_ids','in',user.ids)]"
)
#: record rules an administrator may change, so updates leave them alone
RULES = ('aftersales_request_rule_own', 'sale_order_rule_own', 'sale_order_line_rule_own')


def migrate(cr, version):
    """Let helpers see the requests they work on; a rule somebody changed stays."""
    cr.execute(
        """
        UPDATE ir_rule
           SET domain_force = replace(plain.domain, %s, %s)
          FROM ir_model_data data
          JOIN LATERAL (
               SELECT regexp_replace(domain_force, '\\s', '', 'g') AS domain
                 FROM ir_rule
                WHERE ir_rule.id = data.res_id
               ) plain ON TRUE
         WHERE data.module = 'crm_aftersales' AND data.name IN %s AND data.model = 'ir.rule'
           AND ir_rule.id = data.res_id AND strpos(plain.domain, %s) > 0
        """,
        [OWN, HELPED, RULES, OWN],
    )
