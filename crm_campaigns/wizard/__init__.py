from . import crm_score_wizard
