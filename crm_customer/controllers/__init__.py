from . import preferences
from . import timeline
from . import personal_data
