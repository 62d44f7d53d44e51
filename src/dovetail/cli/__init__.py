"""The `dovetail` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line of this process and exits with its code."""
    from dovetail.cli.app import run

    sys.exit(run(sys.argv[1:]))
