"""The virtual environment: pinned packages with checksums."""

import os
import platform
import shutil
import sys
import zipfile
from pathlib import Path

from . import packages
from .paths import CACHE, RUN, SETUP, fingerprint
from .shell import run
from .ui import SetupError, step

VENV = RUN / 'venv'
PYTHON = VENV / 'bin/python'
RUNTIME = SETUP / 'requirements-19.0.txt'
TOOLS = SETUP / 'requirements-dev.txt'


def ensure(*, tools=False):
    """Make the virtual environment hold what is pinned.

    :param tools: also the linters and the test runner
    """
    if sys.version_info >= (3, 14):
        raise SetupError(
            f"Odoo 19.0 runs on Python 3.10 to 3.13; this is {sys.version.split()[0]}",
            "run the command with another Python, e.g. python3.12 setup/dev ...",
        )
    wanted = [RUNTIME, TOOLS] if tools else [RUNTIME]
    if not _usable():
        _create()
    missing = [lock for lock in wanted if not _stamp(lock).exists()]
    if missing:
        step("installing Python packages: " + ", ".join(lock.name for lock in missing))
        for lock in missing:
            wheels = _wheels(lock)
            pip('install', '--no-index', '--no-deps', *map(str, sorted(wheels.glob('*.whl'))))
            _stamp(lock).touch()


def _wheels(lock):
    """Return a folder of the cache with a wheel of everything pinned, checksums verified.

    Installing from there needs no network, so a second checkout is quick.
    """
    series = 'py{}{}'.format(*sys.version_info)
    folder = CACHE / 'wheels' / f'{lock.stem}-{fingerprint(lock)}-{series}-{platform.machine()}'
    if not (folder / '.complete').exists():
        part = folder.with_name(f'{folder.name}.{os.getpid()}')
        pip('wheel', '--require-hashes', '--no-deps', '-w', part, '-r', lock)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
        (folder / '.complete').touch()
    return folder


def pip(*words, cwd=None):
    """Run pip of the virtual environment; a failed download is tried once more."""
    command = [PYTHON, '-m', 'pip', '--disable-pip-version-check', '-q', *words]
    environment = {'PIP_CACHE_DIR': str(CACHE / 'pip'), 'PIP_ROOT_USER_ACTION': 'ignore'}
    what = "installing Python packages"
    try:
        return run(command, what=what, env=environment, cwd=cwd)
    except SetupError:
        step("pip failed, trying once more")
        return run(command, what=what, env=environment, cwd=cwd, advice=_advice)


def _advice(output):
    if 'HASHES' in output:
        return "a package is not the one that was pinned: look at your package index"
    if 'No space left' in output:
        return "free some disk space and run the command again"
    return "no network, or no package index? Then run the command again"


def _stamp(lock):
    return VENV / f'.{lock.stem}-{fingerprint(lock)}'


def _usable():
    """Whether the environment is there and belongs to the Python that runs now."""
    link = VENV / 'bin' / f'python{sys.version_info[0]}.{sys.version_info[1]}'
    return link.exists() and (VENV / '.complete').exists()


def _create():
    step(f"creating a virtual environment for Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    base = [getattr(sys, '_base_executable', None) or sys.executable, '-m', 'venv']
    try:
        import ensurepip  # noqa: F401 - Debian ships it apart
    except ImportError:
        run([*base, '--without-pip', VENV], what="creating the virtual environment")
        _borrow_pip()
    else:
        run([*base, VENV], what="creating the virtual environment")
    (VENV / '.complete').touch()


def _borrow_pip():
    """Bare Debian has Python without pip: take the wheel out of its package."""
    folder = RUN / 'pip-wheel'
    packages.unpack(packages.fetch('python3-pip-whl', ['', 'sid']), folder)
    wheel = next(folder.rglob('pip-*.whl'), None)
    if not wheel:
        raise SetupError(
            "this Python has neither ensurepip nor pip",
            "install python3-venv and run the command again",
        )
    site = next((VENV / 'lib').glob('python3*/site-packages'))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def environment(odoo):
    """Variables that put Odoo on the path of the virtual environment's Python."""
    return {
        'PYTHONPATH': str(odoo.path),
        'PATH': os.pathsep.join([str(VENV / 'bin'), os.environ.get('PATH', '')]),
        'PYTHONUNBUFFERED': '1',
    }


def wheel(name, version, target, *, python_version):
    """Download one wheel without its dependencies and return its path."""
    target.mkdir(parents=True, exist_ok=True)
    found = list(target.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not found:
        pip(
            'download', '--no-deps', '--only-binary=:all:',
            '--python-version', python_version, '-d', str(target), f'{name}=={version}',
        )  # fmt: skip
        found = list(target.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not found or not zipfile.is_zipfile(found[0]):
        for path in found:
            path.unlink()
        raise SetupError(f"{name} {version} arrived damaged", "run the command again")
    return Path(found[0])
