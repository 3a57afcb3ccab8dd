"""What each application pulls in: it may not grow unnoticed."""

import ast
import json

from .paths import ROOT, SETUP, addons, applications, manifest
from .ui import say, step

COMMITTED = SETUP / 'closures.json'
# An application must be installable in a company that runs none of these.
FORBIDDEN = {'website', 'point_of_sale', 'stock', 'survey'}
LICENCES = {'LGPL-3'}


def check(ready, *, write=False):
    """Compare each application's closure with the committed one.

    :return: number of findings
    """
    step("dependencies")
    manifests = {
        **_core_manifests(ready.odoo.addons),
        **{name: manifest(name) for name in addons()},
    }
    closures = {name: sorted(closure(name, manifests)) for name in applications()}
    if write or not COMMITTED.exists():
        COMMITTED.write_text(json.dumps(closures, indent=1, sort_keys=True) + '\n')
        say(f"  wrote {COMMITTED.relative_to(ROOT)}")
    committed = json.loads(COMMITTED.read_text())
    findings = []
    for name, modules in closures.items():
        say(f"  {name}: {len(modules)} addons")
        grown = set(modules) - set(committed.get(name, []))
        if grown:
            findings.append(f"{name} now pulls in {', '.join(sorted(grown))}")
        if FORBIDDEN & set(modules):
            findings.append(f"{name} pulls in {', '.join(sorted(FORBIDDEN & set(modules)))}")
    for name in addons():
        if manifest(name).get('license') not in LICENCES:
            findings.append(f"{name} is not LGPL-3")
    for finding in findings:
        say(f"  {finding}")
    return len(findings)


def closure(name, manifests):
    """All addons that installing one brings along, automatic ones included."""
    found = set()
    waiting = [name, 'base', 'web']
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += manifests[module].get('depends', [])
        if not waiting:
            waiting = [
                other
                for other, data in manifests.items()
                if other not in found and _is_triggered(data, found)
            ]
    return found


def _is_triggered(data, installed):
    """Whether an addon installs itself beside the installed ones."""
    triggers = data.get('auto_install')
    if not triggers or not data.get('installable', True) or data.get('countries'):
        return False
    needed = set(triggers) if isinstance(triggers, (list, set, tuple)) else set(data['depends'])
    return needed <= installed


def _core_manifests(folders):
    paths = [path for folder in folders for path in folder.glob('*/__manifest__.py')]
    return {path.parent.name: ast.literal_eval(path.read_text()) for path in paths}
