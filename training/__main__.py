"""From nothing to the files that ship, in one command: ``python -m training --work /tmp/tiny``."""

import argparse
import subprocess
import sys
from pathlib import Path

_STEPS = (
    ("training.train", "--out"),
    ("training.export", "--checkpoint"),
    ("training.lora", "--checkpoint"),
    ("training.evaluate", "--checkpoint"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="for the checkpoint and the log; nothing in it ships")
    folder = parser.parse_args().work
    for module, option in _STEPS:
        subprocess.run([sys.executable, "-m", module, option, str(folder)], check=True)


if __name__ == "__main__":
    main()
