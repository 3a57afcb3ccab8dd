"""Checks of translation files; runs in the virtual environment, which has polib."""

import re
import sys
from pathlib import Path

import polib

# The same in every language, and OCA's checks want no translation equal to its term.
UNTRANSLATABLE = re.compile(r"[A-Z]{2,4}|[^a-z]*[\u4e00-\u9fff].*")
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sd]|\{\{.*?\}\}|\$\{\w+\}")


def complete(paths):
    """Every term of a .pot is translated in each .po, not fuzzy, with its placeholders."""
    findings = []
    for path in map(Path, paths):
        if not path.exists():
            findings.append(f"{path.parent.parent.name}: {path.name} is missing")
        elif path.suffix == '.po':
            findings += _incomplete(path)
    return findings


def _incomplete(path):
    translated = {(e.msgctxt, e.msgid): e for e in polib.pofile(str(path)) if not e.obsolete}
    template = path.parent / f'{path.parent.parent.name}.pot'
    where = f"{path.parent.parent.name}/{path.name}"
    findings = []
    for term in polib.pofile(str(template)) if template.exists() else ():
        entry = translated.get((term.msgctxt, term.msgid))
        if UNTRANSLATABLE.fullmatch(term.msgid):
            continue
        if entry is None or not entry.msgstr:
            findings.append(f"{where}: untranslated: {term.msgid[:80]!r}")
        elif 'fuzzy' in entry.flags:
            findings.append(f"{where}: fuzzy: {term.msgid[:80]!r}")
        elif _placeholders(term.msgid) != _placeholders(entry.msgstr):
            findings.append(f"{where}: other placeholders: {term.msgid[:80]!r}")
    return findings


def _placeholders(text):
    return sorted(PLACEHOLDER.findall(text))


def merge(folders):
    """Bring each .po of a folder up to date with its .pot; translations are kept."""
    for folder in map(Path, folders):
        template = polib.pofile(str(folder / f'{folder.parent.name}.pot'))
        for path in folder.glob('*.po'):
            translation = polib.pofile(str(path), wrapwidth=78)
            translation.merge(template)
            for entry in translation.obsolete_entries():
                translation.remove(entry)
            translation.sort(key=lambda entry: entry.msgid)
            translation.save()
    return []


def same(pairs):
    """Two exports hold the same terms."""
    findings = []
    for pair in pairs:
        committed, exported = map(Path, pair.split('=', 1))
        old = _terms(committed) if committed.exists() else set()
        new = _terms(exported)
        findings += [f"{exported.name}: not exported yet: {t[:80]!r}" for t in sorted(new - old)]
        findings += [f"{exported.name}: gone from the code: {t[:80]!r}" for t in sorted(old - new)]
    return findings


def _terms(path):
    return {entry.msgid for entry in polib.pofile(str(path)) if not entry.obsolete}


if __name__ == '__main__':
    action = {'complete': complete, 'merge': merge, 'same': same}[sys.argv[1]]
    problems = action(sys.argv[2:])
    print("\n".join(problems) or "  complete")
    sys.exit(1 if problems else 0)
