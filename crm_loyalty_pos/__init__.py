from . import models
from . import core19
