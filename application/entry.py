"""The entry of the packed application: without words the window, with words the command, as `-m MODULE` a worker."""

import runpy
import sys


def main() -> None:
    """Workers are started as `sys.executable -m MODULE`, which in a packed application is the application itself."""
    words = sys.argv[1:]
    if words[:1] == ["-m"] and len(words) > 1 and words[1].partition(".")[0] == "dovetail":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    from dovetail.cli import main as command

    sys.argv[1:] = words or ["desktop"]
    command()


if __name__ == "__main__":
    main()
