"""Makes an environment for each program here that is tried with Dovetail: python tests/frameworks/install.py [NAME...].

They are in .venv/clients, one each, since their requirements go against each other. Without one its test is skipped.
"""

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / ".venv" / "clients"

names = sys.argv[1:] or sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))
for name in names:
    print(f"== {name}", flush=True)
    venv.create(PLACE / name, with_pip=True, clear=True)
    python = PLACE / name / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    # Everything is pinned: nothing is to be resolved.
    install = ["-m", "pip", "install", "-q", "--no-deps", "-r", str(HERE / name / "requirements.txt")]
    subprocess.run([str(python), *install], check=True)
