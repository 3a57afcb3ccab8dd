"""What the tool says: one line a step, one clear error."""

import sys
import time

STARTED = time.monotonic()


class SetupError(Exception):
    """A problem that the person at the keyboard can solve.

    :param message: what went wrong
    :param advice: what to do next
    """

    def __init__(self, message, advice=''):
        super().__init__(message)
        self.advice = advice


def say(text='', *, file=None):
    """Print one line at once, also when the output is a file."""
    print(text, file=file or sys.stdout, flush=True)


def step(text):
    """Print a progress line with the seconds since the start."""
    say(f"[{time.monotonic() - STARTED:6.1f}s] {text}")


def warn(text):
    say(f"[{time.monotonic() - STARTED:6.1f}s] warning: {text}", file=sys.stderr)


def fail(error):
    """Print an error and what to do about it."""
    say(f"\nsetup/dev: {error}", file=sys.stderr)
    if error.advice:
        say(f"  -> {error.advice}", file=sys.stderr)


class Stopwatch:
    """Measure named stages and print them as a table."""

    def __init__(self):
        self.stages = []

    def stage(self, name):
        return _Stage(self, name)

    def report(self, title):
        say(f"\n{title}")
        for name, seconds in self.stages:
            say(f"  {seconds / 60:6.2f} min  {name}")
        say(f"  {sum(seconds for _name, seconds in self.stages) / 60:6.2f} min  together")


class _Stage:
    def __init__(self, watch, name):
        self.watch = watch
        self.name = name

    def __enter__(self):
        self.started = time.monotonic()
        step(f"{self.name} ...")

    def __exit__(self, *exc):
        self.watch.stages.append((self.name, time.monotonic() - self.started))
