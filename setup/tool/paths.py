"""Where everything of a checkout lives."""

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from .ui import SetupError

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / 'setup'
RUN = ROOT / '.run'


def _user_cache():
    """The one folder outside the checkout that is written to: downloads only."""
    if os.environ.get('CRM_SUITE_CACHE'):
        return Path(os.environ['CRM_SUITE_CACHE'])
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'crm-suite'


CACHE = _user_cache()

# Addons of core that the suite runs beside in demo and tests, though none of
# ours depends on them (core hides its Sales menu without sale_management).
COMPANIONS = ('sale_management',)


def addons(root=ROOT):
    """Names of our addons: the folders of the root that hold a manifest.

    :param root: this checkout, or the tree of another commit, here and below
    """
    return sorted(path.parent.name for path in root.glob('*/__manifest__.py'))


def manifest(addon, root=ROOT):
    """The manifest of one of our addons."""
    return ast.literal_eval((root / addon / '__manifest__.py').read_text())


def bridges(root=ROOT):
    """Names of our addons that come by themselves beside an addon of core that no other needs.

    The databases of demo and tests are without them, as most shops are; their tests run apart.
    """
    manifests = {name: manifest(name, root) for name in addons(root)}
    needs = {
        name: set(data.get('depends', ())) - set(manifests) for name, data in manifests.items()
    }
    bridging = [name for name, data in manifests.items() if data.get('auto_install')]
    others = set(COMPANIONS).union(*(needs[name] for name in manifests if name not in bridging))
    return [name for name in bridging if needs[name] - others]


def suite_addons(root=ROOT):
    """Names of our addons in the databases of demo and tests."""
    return [name for name in addons(root) if name not in bridges(root)]


def applications():
    """Names of our addons that an administrator installs by hand."""
    return [name for name in addons() if manifest(name).get('application')]


def fingerprint(*parts):
    """A short name for the contents of files, folders and texts."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for path in _files_of(part):
                digest.update(str(path.relative_to(part.parent)).encode())
                digest.update(path.read_bytes())
        else:
            digest.update(str(part).encode())
        digest.update(b'\0')
    return digest.hexdigest()[:12]


def _files_of(path):
    if path.is_file():
        return [path]
    return sorted(
        file for file in path.rglob('*') if file.is_file() and '__pycache__' not in file.parts
    )


@contextlib.contextmanager
def exclusive():
    """Let a second command on this checkout wait while another one prepares something."""
    RUN.mkdir(exist_ok=True)
    with open(RUN / 'lock', 'w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def need_disk(gigabytes, what):
    """Refuse to begin what the disk cannot hold."""
    RUN.mkdir(exist_ok=True)
    free = shutil.disk_usage(RUN).free / 1e9
    if free < gigabytes:
        raise SetupError(
            f"{what} needs {gigabytes} GB in {RUN}, and {free:.1f} GB are free",
            "free some disk space, or move the checkout to another disk",
        )
