"""Programs that some tests need and that only the machine can bring."""

import os
import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A program of the machine.

    :param names: where it is looked for
    :param used_for: what is left out without it
    :param package: Debian's package
    """

    names: tuple
    used_for: str
    package: str

    def path(self):
        return next((found for found in map(shutil.which, self.names) if found), None)


CHROMIUM = Program(
    ('google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser'),
    "browser tests and screenshots",
    'chromium',
)
WKHTMLTOPDF = Program(('wkhtmltopdf',), "PDF tests", 'wkhtmltopdf')
PROGRAMS = (CHROMIUM, WKHTMLTOPDF)


def fonts_for_chinese():
    """Whether a font with Chinese characters is installed, for screenshots."""
    folders = ('/usr/share/fonts', os.path.expanduser('~/.fonts'), '/Library/Fonts')
    known = ('notosanscjk', 'notoserifcjk', 'wqy', 'droidsansfallback', 'pingfang', 'simsun')
    for folder in folders:
        for _path, _folders, files in os.walk(folder):
            if any(name.lower().replace('-', '').startswith(known) for name in files):
                return True
    return False
