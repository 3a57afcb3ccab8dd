"""Run programs and turn their failure into a readable error."""

import os
import subprocess

from .ui import SetupError


def run(command, *, what, advice='', env=None, cwd=None, stdin=None, user=None, quiet=True):
    """Run a program and return what it printed.

    :param command: list of words
    :param what: what this step does, for the error
    :param advice: what to do when it fails; a function of the output, or a text
    :param env: variables added to the present ones
    :param user: keyword arguments of Popen that drop privileges
    :param quiet: keep the output back; it is shown only in the error
    :raises SetupError: the program is missing or failed
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin,
            text=True,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            check=False,
            **(user or {}),
        )
    except FileNotFoundError:
        raise SetupError(f"{what}: the program {words[0]} is not on this machine", advice) from None
    except PermissionError as error:
        raise SetupError(f"{what}: {error}", advice) from None
    output = done.stdout or ''
    if done.returncode:
        said = "\n".join(output.strip().splitlines()[-15:])
        hint = advice(output) if callable(advice) else advice
        raise SetupError(f"{what} failed (exit {done.returncode})\n{said}".rstrip(), hint)
    return output
