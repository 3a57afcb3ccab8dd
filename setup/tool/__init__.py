"""The one tool behind ``setup/dev``: installs, runs, tests and measures the suite.

Standard library only, because it runs before anything is installed.
"""
