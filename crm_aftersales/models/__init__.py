from . import (
    aftersales_code,
    aftersales_request_stage,
    aftersales_team,
    aftersales_request_type,
    aftersales_sla_policy,
    aftersales_sla_mixin,
    aftersales_unit,
    aftersales_unit_owner,
    aftersales_unit_transfer,
    aftersales_request,
    aftersales_request_mail,
    aftersales_request_triage,
    aftersales_request_merge,
    crm_import,
    crm_message,
    aftersales_request_owner,
    aftersales_request_hush,
    crm_selfcheck,
    product_template,
    res_company,
    res_config_settings,
    res_partner,
    res_partner_privacy,
    sale_order,
    sale_order_line,
)
from . import mail_thread
from . import res_company_voice, res_config_settings_voice
from . import aftersales_opinion_theme, aftersales_opinion, aftersales_opinion_effect
from . import aftersales_request_opinion, crm_import_voice, res_partner_voice
