"""Each application alone on a database of its own, from install to uninstall."""

import json

from . import databases, used, workspace
from .paths import RUN, SETUP, addons, applications, manifest
from .ui import Stopwatch, say

PROBES = SETUP / 'probes'


def add_options(parser):
    parser.add_argument('addons', nargs='*', help="default: every application, then all together")


def run(options):
    """Install, open every menu as each role, update twice, uninstall; return the findings."""
    ready = workspace.ensure()
    base = databases.bare(ready, 'matrix_base')
    watch = Stopwatch()
    findings = []
    chosen = [[name] for name in options.addons or applications()]
    if not options.addons:
        chosen.append(addons())
    for modules in chosen:
        title = modules[0] if len(modules) == 1 else "all together"
        with watch.stage(title):
            found = _play(ready, base, modules)
        for finding in found:
            say(f"  {title}: {finding}")
        findings += found
    if used.MODULE in options.addons or not options.addons:
        with watch.stage("a used shop"):
            found = used.play(ready, base, sorted(_core_needs([used.MODULE])))
        for finding in found:
            say(f"  a used shop: {finding}")
        findings += found
    databases.drop(ready, base)
    watch.report("Minutes per application")
    say(f"matrix: {len(chosen)} databases, {len(findings)} findings")
    return 1 if findings else 0


def _play(ready, base, modules):
    database = 'matrix_run'
    databases.clone(ready, base, database)
    try:
        # What core brings must not count as ours, so it is installed first.
        databases.install(ready, database, sorted(_core_needs(modules)))
        before = _footprint(ready, database)
        databases.install(ready, database, modules)
        findings = _open_menus(ready, database, modules)
        findings += _update_twice(ready, database, modules)
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
    target = RUN / 'footprint.json'
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
