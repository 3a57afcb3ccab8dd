from . import base_import_import
from . import crm_calendar_extra_day_add
from . import base_partner_merge
from . import crm_consent_change
from . import crm_erasure
from . import crm_preference_change
from . import privacy_lookup_wizard_line
from . import crm_preset_start
