from . import controllers, models
from .hooks import _set_default_teams
