"""What this checkout found on the machine."""

import platform
import shutil
import sys

from . import browser, databases, odoo, postgres, python, workspace
from .paths import CACHE, RUN, addons
from .ui import SetupError, say


def run(_options):
    """Print a line for each thing; return 1 when something needed is missing."""
    problems = []
    free = shutil.disk_usage(RUN.parent).free / 1e9
    _line("System", f"{platform.platform()}, {free:.0f} GB free")
    _line("Python", f"{sys.version.split()[0]} ({sys.executable})")
    _line("Download cache", CACHE)
    found = _try(odoo.find, problems)
    if found:
        _line("Odoo", f"{found.version}, {found.origin} ({found.path})")
    if found and _try(lambda: python.ensure() or True, problems):
        _line("Environment", python.VENV)
    server = _try(postgres.ensure, problems)
    if server:
        _line("PostgreSQL", f"{server.version}, {server.origin}")
        _line("Extensions", ", ".join(postgres.describe_extensions(server)))
    for program in browser.PROGRAMS:
        path = program.path()
        _line(
            program.package, path or f"missing: no {program.used_for} (package {program.package})"
        )
    fonts = "found" if browser.fonts_for_chinese() else "missing (package fonts-noto-cjk)"
    _line("Chinese fonts", fonts)
    _line("Addons", ", ".join(addons()))
    if found and server:
        ready = workspace.ensure()
        _line("Databases", ", ".join(sorted(databases.names(ready))) or "none yet")
    for problem in problems:
        say(f"\nproblem: {problem}")
        if problem.advice:
            say(f"  -> {problem.advice}")
    return 1 if problems else 0


def _try(function, problems):
    try:
        return function()
    except SetupError as error:
        problems.append(error)
        return None


def _line(name, value):
    say(f"{name + ':':<16}{value}")
