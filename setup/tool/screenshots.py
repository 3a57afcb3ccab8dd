"""``setup/dev screenshots``: pictures of the demo, so that those of the README never rot."""

import json
import os
import re
import subprocess

from . import browser, databases, demo, python, workspace
from .paths import ROOT, SETUP
from .ui import SetupError, say, step

LIST = SETUP / 'screenshots.json'
FOLDER = ROOT / 'docs/images'


def add_options(parser):
    parser.add_argument('names', nargs='*', help="default: all of setup/screenshots.json")
    parser.add_argument('--database', default=demo.DATABASE)
    parser.add_argument('--into', default=str(FOLDER), help="folder of the pictures")
    parser.add_argument('--list', default=str(LIST), help="another list of pictures")


def run(options):
    """Serve a database, visit each page of the list and save its picture."""
    ready = workspace.ensure(tools=True)
    chromium = browser.CHROMIUM.path()
    if not chromium:
        raise SetupError("there is no Chromium on this machine", "Debian: package chromium")
    if options.database not in databases.names(ready):
        raise SetupError(f"there is no database {options.database}", "run setup/dev demo first")
    with open(options.list, encoding='utf-8') as file:
        shots = json.load(file)
    chosen = [
        {**shot, 'path': _resolve(ready, options.database, shot['path'])}
        for shot in shots
        if not options.names or shot['name'] in options.names
    ]
    with demo.running(ready, options.database) as served:
        step(f"taking {len(chosen)} pictures")
        done = subprocess.run(
            [
                python.PYTHON, SETUP / 'probes/screenshot.py', chromium, served.address,
                options.database, options.into,
            ],
            input=json.dumps(chosen), text=True, check=False,
            env={**os.environ, **ready.environment},
        )  # fmt: skip
    say(f"pictures are in {options.into}")
    return done.returncode


def _resolve(ready, database, path):
    """Put record ids into a path: ``{module.name}`` stands for the id of an external id."""

    def record_id(match):
        module, _dot, name = match[1].partition('.')
        found = ready.server.query(
            database,
            f"SELECT res_id FROM ir_model_data WHERE module = '{module}' AND name = '{name}'",
        )
        if not found:
            raise SetupError(f"{database} has no record {match[1]}", f"see {LIST.name}")
        return found[0]

    return re.sub(r"\{([\w.]+)\}", record_id, path)
