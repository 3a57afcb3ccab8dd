from . import preferences
from . import timeline
