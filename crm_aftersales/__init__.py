from . import controllers, models, wizard
from .hooks import _set_default_teams
