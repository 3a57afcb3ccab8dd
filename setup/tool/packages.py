"""Debian packages by checksum, without touching the system's sources or its packages."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from .paths import CACHE, RUN
from .shell import run
from .ui import SetupError, step

STORE = CACHE / 'packages'
INDEX = STORE / 'index.json'
NO_APT = (
    "this machine has no apt: set ODOO_HOME to an Odoo 19.0 checkout "
    "(git clone --depth 1 --branch 19.0 of odoo/odoo) and run the command again"
)


def available():
    """Whether this machine can fetch Debian packages at all."""
    return bool(shutil.which('apt-get') and shutil.which('dpkg-deb'))


def fetch(name, suites):
    """Return the path of a package, from the cache or from the machine's own mirror.

    :param name: package name
    :param suites: releases to look in, first match wins; ``''`` is the machine's own
    :raises SetupError: no apt, no network, or no such package
    """
    cached = _cached(name)
    if cached:
        return cached
    if not available():
        raise SetupError(f"{name} is not in the cache and cannot be fetched", NO_APT)
    archive = _Archive()
    for suite in suites:
        found = archive.look_up(name, suite or archive.codename)
        if found:
            return _keep(name, archive.download(name, found), found)
    raise SetupError(
        f"the package archive of this machine does not have {name}",
        "set ODOO_HOME to an Odoo 19.0 checkout and run the command again",
    )


def _index():
    try:
        return json.loads(INDEX.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def _cached(name):
    entry = _index().get(name)
    path = entry and STORE / f"{entry['sha256']}.deb"
    if not path or not path.exists():
        return None
    if _sha256(path) == entry['sha256']:
        return path
    step(f"{name}: the cached file is damaged, fetching it again")
    path.unlink()
    return None


def _keep(name, path, found):
    actual = _sha256(path)
    if actual != found['sha256']:
        path.unlink()
        raise SetupError(
            f"{name} arrived damaged (checksum {actual[:12]}, expected {found['sha256'][:12]})",
            "run the command again; the half-downloaded file was removed",
        )
    STORE.mkdir(parents=True, exist_ok=True)
    kept = STORE / f"{actual}.deb"
    shutil.move(path, kept)
    index = _index()
    index[name] = {'sha256': actual, 'version': found['version']}
    part = INDEX.with_suffix(f'.{os.getpid()}')
    part.write_text(json.dumps(index, indent=1, sort_keys=True))
    part.replace(INDEX)
    return kept


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class _Archive:
    """The machine's own Debian mirror, looked at through a sources file of ours."""

    updated = False

    def __init__(self):
        self.codename = _os_release().get('VERSION_CODENAME') or 'stable'
        self.folder = RUN / 'apt'
        self.sources = self.folder / 'suite.sources'

    def look_up(self, name, suite):
        """Return version and checksum of a package in a release, or None."""
        self._update()
        try:
            said = self._apt('download', '--print-uris', f'{name}/{suite}')
        except SetupError:
            return None
        match = re.search(r"_([^_\s]+)_\w+\.deb (\d+) SHA256:(\w+)", said)
        if not match:
            return None
        return {'version': match[1], 'sha256': match[3], 'suite': suite}

    def download(self, name, found):
        """Fetch one package into the run folder; a broken download is tried once more."""
        target = self.folder / 'new'
        for last in (False, True):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            step(f"fetching {name} {found['version']}")
            try:
                self._apt('download', f"{name}/{found['suite']}", cwd=target)
            except SetupError:
                if last:
                    raise
                continue
            files = list(target.glob('*.deb'))
            if files and (_sha256(files[0]) == found['sha256'] or last):
                return files[0]
        raise SetupError(f"{name} could not be downloaded", "check the network and try again")

    def _update(self):
        if _Archive.updated:
            return
        uri, keyring = _own_mirror(self.codename)
        for part in ('lists/partial', 'cache/archives/partial'):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        suites = " ".join(dict.fromkeys([self.codename, 'sid']))
        self.sources.write_text(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\n"
            + (f"Signed-By: {keyring}\n" if keyring else '')
        )
        step("reading the package lists of this machine's mirror")
        self._apt('update', what="reading the package lists")
        _Archive.updated = True

    def _apt(self, *words, cwd=None, what="apt-get"):
        options = {
            'Dir::Etc::sourcelist': self.sources,
            'Dir::Etc::sourceparts': '-',
            'Dir::State::Lists': self.folder / 'lists',
            'Dir::State::status': '/dev/null',
            'Dir::Cache': self.folder / 'cache',
            'APT::Sandbox::User': '',
            'Acquire::Languages': 'none',
            'Acquire::Retries': '2',
        }
        flags = [word for key, value in options.items() for word in ('-o', f'{key}={value}')]
        return run(['apt-get', '-q', *flags, *words], what=what, cwd=cwd, advice=_advice_of_apt)


def _advice_of_apt(output):
    if re.search(r"resolve|connect|Temporary failure|timed out|unreachable", output):
        return "no network: check the connection, or set ODOO_HOME to an Odoo 19.0 checkout"
    if 'NO_PUBKEY' in output or 'not signed' in output:
        return (
            "the machine's keyring does not know the archive's key: "
            "install debian-archive-keyring, or set ODOO_HOME to an Odoo 19.0 checkout"
        )
    return "see the lines above, or set ODOO_HOME to an Odoo 19.0 checkout"


def _os_release():
    try:
        lines = Path('/etc/os-release').read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition('=') for line in lines if '=' in line)
    return {key: value.strip('"') for key, _sign, value in pairs}


def _own_mirror(codename, etc=Path('/etc/apt')):
    """Return address and keyring of the mirror this machine installs its release from."""
    for path in sorted(etc.glob('sources.list.d/*.sources')):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([\w-]+):\s*(.+)$", stanza, re.MULTILINE))
            if codename in fields.get('Suites', '').split() and 'main' in fields.get(
                'Components', ''
            ):
                return fields['URIs'].split()[0], fields.get('Signed-By', '')
    for path in [etc / 'sources.list', *sorted(etc.glob('sources.list.d/*.list'))]:
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            match = re.match(rf"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+{codename}\s+.*\bmain\b", line)
            if match:
                keyring = re.search(r"signed-by=(\S+)", match[1] or '')
                return match[2], keyring[1] if keyring else ''
    raise SetupError(
        f"no package source for {codename} was found in {etc}",
        "set ODOO_HOME to an Odoo 19.0 checkout and run the command again",
    )


def unpack(package, target, *tar_options):
    """Unpack the files of a package into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        ['dpkg-deb', '--fsys-tarfile', str(package)], stdout=subprocess.PIPE
    ) as reader:
        tar = ['tar', '-x', '--no-same-owner', '-C', str(target), *tar_options]
        done = subprocess.run(tar, stdin=reader.stdout, check=False)
    if done.returncode or reader.returncode:
        raise SetupError(
            f"{package.name} could not be unpacked into {target}",
            "look at the free disk space, then run the command again",
        )
