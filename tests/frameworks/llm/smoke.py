"""The command `llm`, with a model of its extra-openai-models.yaml."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

url, model = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    entry = f'- model_id: here\n  model_name: "{model}"\n  api_base: "{url}/v1"\n'
    (Path(folder) / "extra-openai-models.yaml").write_text(entry)
    environment = {**os.environ, "LLM_USER_PATH": folder}

    def ask(*options: str) -> str:
        command = [sys.executable, "-m", "llm", "-m", "here", "--key", "none", "-o", "temperature", "0", *options]
        command += ["-o", "max_tokens", "80", "What is the capital of France?"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    print(json.dumps({"chat": ask("--no-stream"), "streaming": ask()}))
