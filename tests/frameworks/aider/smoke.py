"""The command `aider`, with what `dovetail launch aider` writes; `DOVETAIL` is the Python that has Dovetail."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

url, model = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    environment = {**os.environ, "HOME": folder}
    launch = [
        os.environ["DOVETAIL"],
        "-m",
        "dovetail",
        "launch",
        "aider",
        "--url",
        url,
        "-m",
        model,
        "--write",
        "--json",
    ]
    told = json.loads(subprocess.run(launch, env=environment, capture_output=True, text=True, check=True).stdout)
    quiet = ["--yes-always", "--no-git", "--no-check-update", "--analytics-disable", "--no-show-release-notes"]
    said: dict[str, str] = {}
    for name, stream in (("chat", "--no-stream"), ("streaming", "--stream")):
        command = [sys.executable, "-m", "aider", "--env-file", told["file"], *quiet, "--map-tokens", "0", stream]
        command += ["--edit-format", "ask", "--message", "What is the capital of France?"]
        done = subprocess.run(command, env=environment, cwd=Path(folder), capture_output=True, text=True, check=True)
        said[name] = done.stdout
    print(json.dumps(said))
