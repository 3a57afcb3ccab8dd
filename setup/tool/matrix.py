"""Each application alone on a database of its own, from install to uninstall."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from . import channels, databases, used, workspace
from .paths import RUN, SETUP, addons, applications, bridges, manifest
from .ui import Stopwatch, say

PROBES = SETUP / 'probes'
AT_ONCE = 2


def add_options(parser):
    parser.add_argument('addons', nargs='*', help="default: every application, then all together")


def run(options):
    """Install, open every menu as each role, update twice, uninstall; return the findings."""
    ready = workspace.ensure()
    base = databases.bare(ready, 'matrix_base')
    watch = Stopwatch()
    parts = _plan(ready, base, options.addons)
    try:
        # the longest first: a database keeps one core busy
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda part: _look(watch, *part), parts)
            findings = list(chain.from_iterable(found))
    finally:
        databases.drop(ready, base)
    watch.report(f"Minutes per part, {AT_ONCE} at a time")
    say(f"matrix: {len(parts)} databases, {len(findings)} findings")
    return 1 if findings else 0


def _plan(ready, base, named):
    """Return title and function of each part, in the order they begin."""
    parts = []
    if not named:
        parts.append(("all together", partial(_play, ready, base, addons(), 'matrix_all')))
    if not named or used.MODULE in named:
        core = sorted(_core_needs([used.MODULE]))
        parts.append(("a used shop", partial(used.play, ready, base, core)))
    for name in named or applications():
        parts.append((name, partial(_play, ready, base, [name], f'matrix_{name}')))
    return parts


def _look(watch, title, play):
    with watch.stage(title):
        findings = play()
    for finding in findings:
        say(f"  {title}: {finding}")
    return findings


def _play(ready, base, modules, database):
    databases.clone(ready, base, database)
    try:
        # What core brings must not count as ours, so it is installed first.
        databases.install(ready, database, sorted(_core_needs(modules)))
        before = _footprint(ready, database)
        databases.install(ready, database, modules)
        findings = _open_menus(ready, database, modules)
        findings += _open_as_core_roles(ready, database, modules)
        findings += _update_twice(ready, database, modules)
        if {*bridges()} <= {*modules}:  # each channel is there
            findings += channels.play(ready, database)
        findings += _uninstall(ready, database, modules, before)
    finally:
        databases.drop(ready, database)
    return findings


def _core_needs(modules):
    ours = set(addons())
    found, waiting = set(), list(modules)
    while waiting:
        for need in manifest(waiting.pop()).get('depends', []):
            (waiting.append if need in ours else found.add)(need)
    return found


def _with_bases(modules):
    """The modules and those of ours that they bring along, applications first."""
    ours = set(addons())
    found = list(modules)
    for module in found:
        found += [n for n in manifest(module)['depends'] if n in ours and n not in found]
    return found


def _open_menus(ready, database, modules):
    said = ready.script(
        database, PROBES / 'menus.py', what="opening every menu", modules=",".join(modules)
    )
    return _findings(said)


def _open_as_core_roles(ready, database, modules):
    said = ready.script(
        database, PROBES / 'core_roles.py', what="opening core's views as core's roles",
        modules=",".join(_with_bases(modules)),
    )  # fmt: skip
    return _findings(said)


def _update_twice(ready, database, modules):
    databases.update(ready, database, modules)
    first = _footprint(ready, database, contents=True)
    databases.update(ready, database, modules)
    second = _footprint(ready, database, contents=True)
    return [f"the second update changed {line}" for line in _differences(first, second)]


def _uninstall(ready, database, modules, before):
    said = ready.script(
        database, PROBES / 'uninstall.py', what="uninstalling",
        modules=",".join(_with_bases(modules)),
    )  # fmt: skip
    after = _footprint(ready, database)
    left = [f"uninstalling left {line}" for line in _differences(before, after)]
    return _findings(said) + left


def _footprint(ready, database, *, contents=False):
    target = RUN / f'footprint-{database}.json'
    ready.script(
        database, PROBES / 'footprint.py', what="reading the catalog",
        target=target, contents=int(contents),
    )  # fmt: skip
    return json.loads(target.read_text())


def _differences(before, after):
    lines = []
    for kind in sorted({*before, *after}):
        old, new = before.get(kind, {}), after.get(kind, {})
        lines += [f"{kind} {name} (new)" for name in sorted(set(new) - set(old))]
        lines += [f"{kind} {name} (gone)" for name in sorted(set(old) - set(new))]
        lines += [f"{kind} {n} (changed)" for n in sorted(set(old) & set(new)) if old[n] != new[n]]
    return lines


def _findings(said):
    return [line.removeprefix('FINDING ') for line in said.splitlines() if 'FINDING ' in line]
