import logging

_logger = logging.getLogger('odoo.addons.crm_aftersales')

#: what technicians saw so far, and what helpers of a request see as well
OWN = (
    "['|', ('user_id', '=', user.id),"
    " '&', ('user_id', '=', False), ('team_id.member_ids', 'in', user.ids)]"
)
HELPED = (
    "['|', '|', ('user_id', '=', user.id), ('helper_ids', 'in', user.ids),"
    " '&', ('user_id', '=', False), ('team_id.member_ids', 'in', user.ids)]"
)
#: record rules an administrator may change, so updates leave them alone: name -> as shipped
RULES = {
    'aftersales_request_rule_own': '%s',
    'sale_order_rule_own': (
        "['|', ('order_line.aftersales_unit_ids', '!=', False),"
        " ('partner_id.commercial_partner_id.aftersales_request_ids', 'any', %s)]"
    ),
    'sale_order_line_rule_own': (
        "['|', ('order_id.order_line.aftersales_unit_ids', '!=', False),"
        " ('order_id.partner_id.commercial_partner_id.aftersales_request_ids', 'any', %s)]"
    ),
}


def squeeze(domain):
    """Return a domain without its blanks, to compare it however it was laid out."""
    return ''.join((domain or '').split())


def migrate(cr, version):
    """Let helpers see the requests they work on; a rule somebody changed stays."""
    cr.execute(
        """
        SELECT data.name, rule.id, rule.domain_force
          FROM ir_rule rule
          JOIN ir_model_data data ON data.model = 'ir.rule' AND data.res_id = rule.id
         WHERE data.module = 'crm_aftersales' AND data.name IN %s
        """,
        [tuple(RULES)],
    )
    for name, rule_id, domain in cr.fetchall():
        helped = RULES[name] % HELPED
        if squeeze(domain) == squeeze(RULES[name] % OWN):
            cr.execute('UPDATE ir_rule SET domain_force = %s WHERE id = %s', [helped, rule_id])
        elif squeeze(domain) != squeeze(helped):
            _logger.warning(
                "crm_aftersales.%s was changed and stays: helpers do not see by it.", name
            )
