"""Find Odoo 19.0, or unpack Debian's package of it."""

import ast
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import packages
from .paths import RUN, need_disk
from .ui import SetupError, step, warn

SERIES = (19, 0)
UNPACKED = RUN / 'odoo'
STAMP = UNPACKED / '.suite-stamp'

# What the package links to.  The machine's own release comes first: newer
# releases carry another Font Awesome, with other file names and other icons.
LINKED = (
    'fonts-font-awesome',
    'fonts-glyphicons-halflings',
    'fonts-inconsolata',
    'fonts-montserrat',
    'fonts-ocr-b',
    'fonts-roboto-unhinted',
    'libjs-jquery',
    'libjs-jquery-form',
    'libjs-underscore',
)
# Left out: nine tenths of the package are languages that the suite does not
# speak, and a second, incomplete copy of the addons.
LEFT_OUT = (
    '--exclude=*/i18n*/[a-y]*.po',
    '--exclude=./usr/share/doc',
    '--exclude=./usr/lib/python3/dist-packages/addons',
    '--exclude=./usr/lib/python3/dist-packages/doc',
    '--exclude=./usr/lib/python3/dist-packages/setup',
    '--exclude=./lib',
    '--exclude=./etc',
)
# One script is missing in the package though a bundle of the web client lists
# it; without it every page reports a console error.
MISSING_SCRIPT = 'mail/static/lib/selfie_segmentation/selfie_segmentation.js'
CHECKOUT_ADVICE = "set ODOO_HOME to a checkout or an unpacked package of Odoo 19.0"


@dataclass(frozen=True)
class Odoo:
    """An Odoo that the suite can run on.

    :param path: folder that holds the ``odoo`` package
    :param addons: folders of core addons
    :param version: e.g. ``19.0``
    :param origin: where it was found, for people
    """

    path: Path
    addons: tuple
    version: str
    origin: str


def find():
    """Return the Odoo to use: ODOO_HOME, an importable one, or Debian's package."""
    if os.environ.get('ODOO_HOME'):
        home = Path(os.environ['ODOO_HOME']).expanduser().resolve()
        return _inspect(_package_folder(home), f"ODOO_HOME={home}")
    importable = _importable()
    if importable:
        return _inspect(importable, "importable in this Python")
    return _inspect(_debian(), "Debian's odoo-19, unpacked")


def _package_folder(home):
    for folder in (home, home / 'usr/lib/python3/dist-packages'):
        if (folder / 'odoo/release.py').exists():
            return folder
    raise SetupError(f"ODOO_HOME={home} holds no Odoo (no odoo/release.py)", CHECKOUT_ADVICE)


def _importable():
    """Return a folder that holds only a link to an installed ``odoo`` package.

    The link keeps the other packages of that Python out of ours.
    """
    spec = importlib.util.find_spec('odoo')
    places = list(spec.submodule_search_locations or []) if spec else []
    place = next((Path(p) for p in places if (Path(p) / 'release.py').exists()), None)
    if not place:
        return None
    link = RUN / 'odoo-importable' / 'odoo'
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(place)
    return link.parent


def _inspect(folder, origin):
    text = (folder / 'odoo/release.py').read_text()
    match = re.search(r"^version_info\s*=\s*(\([^)]*\))", text, re.MULTILINE)
    numbers = re.findall(r"\d+|'saas~[\d]+'", match[1])[:2] if match else []
    info = tuple(ast.literal_eval(number) for number in numbers)
    if info != SERIES:
        found = ".".join(str(number) for number in info) or "an unknown version"
        raise SetupError(f"{origin} is Odoo {found}; the suite runs on 19.0", CHECKOUT_ADVICE)
    candidates = (folder / 'addons', folder / 'odoo/addons')
    folders = tuple(path for path in candidates if (path / 'web/__manifest__.py').exists())
    if not folders:
        raise SetupError(f"{origin} has no addons beside its code", CHECKOUT_ADVICE)
    return Odoo(folder, folders, ".".join(str(number) for number in info), origin)


def _debian():
    """Return the folder of Debian's package, unpacking it the first time."""
    folder = UNPACKED / 'usr/lib/python3/dist-packages'
    if STAMP.exists():
        return folder
    need_disk(2, "Odoo and its Python packages")
    deb = packages.fetch('odoo-19', ['', 'sid'])
    linked = [packages.fetch(name, ['', 'sid']) for name in LINKED]
    step("unpacking Odoo")
    part = RUN / 'odoo.part'
    shutil.rmtree(part, ignore_errors=True)
    for package in (deb, *linked):
        packages.unpack(package, part, *LEFT_OUT)
    _mend(part / 'usr/lib/python3/dist-packages/odoo/addons')
    shutil.rmtree(UNPACKED, ignore_errors=True)
    part.rename(UNPACKED)
    STAMP.write_text(deb.stem)
    return folder


def _mend(addons):
    script = addons / MISSING_SCRIPT
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("// Not in the package: blurs the background of a video call.\n")
    for path in addons.rglob('*'):
        if path.is_symlink() and not path.exists():
            warn(f"{path.relative_to(addons)} links to a file that no package brought")
