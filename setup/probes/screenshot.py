"""Take pictures of pages with headless Chromium; runs in the virtual environment.

Usage: screenshot.py CHROMIUM ADDRESS DATABASE FOLDER < list.json

Each item of the list: ``name``, ``path``, and optionally ``login`` (default admin),
``width`` (1280), ``height`` (800), ``lang`` (en_US), ``wait`` (a CSS selector that must
appear), ``click`` (selectors clicked one after the other), ``company`` (id to work in).
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

TIMEOUT = 20


class Page:
    """One browser tab, driven over the DevTools protocol."""

    def __init__(self, chromium, folder):
        self.process = subprocess.Popen(
            [
                chromium, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic',
                '--no-first-run', '--disable-background-networking', '--disable-sync',
                '--disable-component-update', '--hide-scrollbars', '--remote-debugging-port=0',
                '--remote-allow-origins=*', f'--user-data-dir={folder}', 'about:blank',
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = self._port(Path(folder, 'DevToolsActivePort'))
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/json') as answer:
            tabs = [tab for tab in json.load(answer) if tab['type'] == 'page']
        self.socket = websocket.create_connection(tabs[0]['webSocketDebuggerUrl'], timeout=TIMEOUT)
        self.number = 0

    @staticmethod
    def _port(path):
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if path.exists() and path.read_text().strip():
                return path.read_text().split()[0]
            time.sleep(0.1)
        raise RuntimeError("Chromium did not start")

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()

    def send(self, method, **params):
        """Send one command and return its result."""
        self.number += 1
        self.socket.send(json.dumps({'id': self.number, 'method': method, 'params': params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get('id') == self.number:
                if 'error' in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message['result']

    def evaluate(self, expression):
        result = self.send(
            'Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True
        )
        return result['result'].get('value')

    def wait_for(self, condition, what):
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            try:
                if self.evaluate(f"!!({condition})"):
                    return
            except RuntimeError:
                pass  # the page is just being replaced
            time.sleep(0.15)
        raise RuntimeError(f"{what} did not appear")

    def open(self, address):
        self.send('Page.navigate', url=address)
        self.wait_for("document.readyState === 'complete'", address)

    def size(self, width, height):
        self.send(
            'Emulation.setDeviceMetricsOverride',
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self.send('Emulation.setTouchEmulationEnabled', enabled=width < 600)

    def save(self, path):
        picture = self.send('Page.captureScreenshot', format='png')
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(base64.b64decode(picture['data']))


def call(page, path, params):
    """Send a JSON-RPC request with the page's session and return its result."""
    answer = page.evaluate(
        f"fetch({json.dumps(path)}, {{method: 'POST', headers: {{'Content-Type': "
        f"'application/json'}}, body: JSON.stringify({{jsonrpc: '2.0', params: "
        f"{json.dumps(params)}}})}}).then((answer) => answer.json())"
    )
    if 'error' in (answer or {'error': "no answer"}):
        raise RuntimeError(f"{path}: {answer}")
    return answer['result']


def log_in(page, address, database, login, lang):
    """Begin a session of a demo user and choose his language, as the preferences do."""
    page.send('Network.clearBrowserCookies')
    page.open(f'{address}/web/login')
    session = call(
        page, '/web/session/authenticate', {'db': database, 'login': login, 'password': login}
    )
    method = {'model': 'res.users', 'method': 'write', 'kwargs': {}}
    if session['is_internal_user']:
        call(page, '/web/dataset/call_kw', {**method, 'args': [[session['uid']], {'lang': lang}]})
    else:
        # A portal user has the language of the page he looks at.
        page.send('Network.setCookie', name='frontend_lang', value=lang, url=address, path='/')


def take(page, address, shot, folder):
    """Visit one page of the list and save its picture."""
    page.size(shot.get('width', 1280), shot.get('height', 800))
    if shot.get('company'):
        page.send(
            'Network.setCookie', name='cids', value=str(shot['company']), url=address, path='/'
        )
    page.open(address + shot['path'])
    wait = shot.get('wait', '.o_action_manager .o_view_controller, main')
    page.wait_for(f"document.querySelector({json.dumps(wait)})", f"{shot['name']}: {wait}")
    for selector in shot.get('click', ()):
        quoted = json.dumps(selector)
        page.wait_for(f"document.querySelector({quoted})", f"{shot['name']}: {selector}")
        page.evaluate(f"document.querySelector({quoted}).click()")
        time.sleep(0.8)
    page.wait_for("!document.querySelector('.o_loading_indicator')", "the end of loading")
    time.sleep(shot.get('settle', 1.2))
    page.save(Path(folder, shot['name'] + '.png'))


def main(chromium, address, database, folder):
    shots = json.load(sys.stdin)
    failures = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(chromium, profile)
        try:
            session = None
            for shot in shots:
                login, lang = shot.get('login', 'admin'), shot.get('lang', 'en_US')
                try:
                    if session != (login, lang):
                        log_in(page, address, database, login, lang)
                        session = (login, lang)
                    take(page, address, shot, folder)
                    print(f"  {shot['name']}", flush=True)
                except RuntimeError as error:
                    failures += 1
                    page.save(Path(folder, shot['name'] + '.failed.png'))
                    print(f"  {shot['name']} FAILED: {error}", flush=True)
        finally:
            page.close()
    return failures


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
