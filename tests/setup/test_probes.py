"""The files that run in Odoo's shell, as far as they run without one."""

import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'setup'))

from probes.forms import fields_of  # noqa: E402
from tool import workspace  # noqa: E402


def test_fields_of_a_view():
    model = SimpleNamespace(_fields={'name': 1, 'line_ids': 1, 'qty': 1})
    arch = """<form>
        <group><field name="name"/></group><field name="gone"/>
        <field name="line_ids"><list><field name="qty"/></list></field>
    </form>"""
    assert fields_of(model, arch) == {'name', 'line_ids'}


def test_script_and_stream_start_the_same_shell(tmp_path, monkeypatch):
    path = tmp_path / 'probe.py'
    path.write_text("print(1)")
    started = []
    monkeypatch.setattr(workspace.Workspace, 'environment', {'BASE': 'x'})
    monkeypatch.setattr(
        workspace, 'run', lambda words, **kwargs: started.append((words, kwargs['env'])) or ''
    )
    monkeypatch.setattr(
        workspace.subprocess,
        'run',
        lambda words, **kwargs: (
            started.append((words, kwargs['env'])) or SimpleNamespace(returncode=3)
        ),
    )
    ready = workspace.Workspace(odoo=None, server=None)
    ready.script('db', path, what="probing", as_of='2026-05-09')
    assert ready.stream('db', path, as_of='2026-05-09') == 3
    (script, settings), (stream, inherited) = started
    assert script == stream
    assert settings == {'BASE': 'x', 'SUITE_AS_OF': '2026-05-09'}
    assert settings.items() <= inherited.items()
