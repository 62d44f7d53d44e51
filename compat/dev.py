"""Serves at port 8000, and starts again when Dovetail's source changes: the LLM inference server's `uv run dev`."""

import shlex
import sys
from pathlib import Path

from watchfiles import PythonFilter, run_process

import dovetail


def main() -> None:
    """Until Ctrl-C; options are `dovetail serve`'s."""
    command = [sys.executable, "-m", "dovetail", "serve", "--port", "8000", *sys.argv[1:]]
    source = Path(dovetail.__file__).parent
    run_process(source, target=shlex.join(command), target_type="command", watch_filter=PythonFilter())


if __name__ == "__main__":
    main()
