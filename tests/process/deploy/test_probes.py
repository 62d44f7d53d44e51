"""What Kubernetes and a container's health check do to a real server, as the examples of deploy/ tell them to."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import yaml

from ..serving.running import running  # noqa: TID252  the same server as the tests of processes
from .proxy import DEPLOY

pytestmark = pytest.mark.anyio

KEY = "k" * 40
NOBODY = 10001


def container() -> dict[str, Any]:
    documents = cast("list[dict[str, Any]]", list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())))
    (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
    return cast("dict[str, Any]", deployment["spec"]["template"]["spec"]["containers"][0])


async def passes(url: str, probe: dict[str, Any], **timing: float) -> bool:
    """As the kubelet: 200 to 399 within the timeout, asked by the pod's address."""
    within = aiohttp.ClientTimeout(timing.get("within", probe["timeoutSeconds"]))
    headers = {"Host": "10.1.2.3:8080", "User-Agent": "kube-probe/1.31"}
    try:
        async with (
            aiohttp.ClientSession(timeout=within, headers=headers) as session,
            session.get(url + probe["httpGet"]["path"]) as answer,
        ):
            return 200 <= answer.status < 400
    except (TimeoutError, aiohttp.ClientError):
        return False


@pytest.mark.accept("A2")
async def test_liveness_holds_while_models_load_and_answer_and_sees_a_server_that_hangs(tmp_path: Path) -> None:
    probe = container()["livenessProbe"]
    seconds = {name: value for name, value in probe.items() if name != "httpGet"}
    assert seconds == {"initialDelaySeconds": 30, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
    said = {entry["name"]: str(entry["value"]) for entry in container()["env"] if "value" in entry}
    environment = {**said, "LLAMA_API_KEY": KEY, "DOVETAIL_SERVER__HOST": "0.0.0.0"}
    async with running(tmp_path, (), environment) as server:
        async with aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {KEY}"}) as session:

            async def ask(model: str) -> int:
                body = {"model": model, "prompt": "Once", "max_tokens": 100, "temperature": 0}
                async with session.post("/v1/completions", json=body) as answer:
                    return answer.status

            asked = [asyncio.create_task(ask(model)) for model in ("tiny-gguf", "tiny-mlx") for _ in range(2)]
            probes = 0
            while not all(task.done() for task in asked):
                assert await passes(server.url, probe)
                probes += 1
            assert probes > 3
            assert [task.result() for task in asked] == [200] * 4
        assert await passes(server.url, {**probe, "httpGet": container()["readinessProbe"]["httpGet"]})
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            assert not await passes(server.url, probe, within=0.5)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert await passes(server.url, probe)


@pytest.mark.accept("H14")
async def test_a_containers_health_check_tells_a_server_from_none(tmp_path: Path) -> None:
    texts = [(DEPLOY / file).read_text() for file in ("Containerfile", "Containerfile.cuda")]
    found = [re.findall(r"HEALTHCHECK.+\\\n\s+CMD (\[.+\])", text) for text in texts]
    (_, option, program), (_, *other) = (json.loads(command) for (command,) in found)
    assert other == [option, program]
    assert "http://127.0.0.1:8080" in program

    def healthy(url: str) -> bool:
        argv = [sys.executable, option, program.replace("http://127.0.0.1:8080", url)]
        return subprocess.run(argv, capture_output=True, check=False, timeout=30).returncode == 0

    async with running(tmp_path) as server:
        assert await asyncio.to_thread(healthy, server.url)
    assert not healthy(server.url)


@pytest.mark.accept("H14")
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can start it as another user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_it_answers_as_a_user_who_can_write_nowhere_but_at_home() -> None:
    """As in a container whose root is read-only: everything may be read, but no file be made anywhere else."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        home = Path(folder)
        os.chown(home, NOBODY, NOBODY)
        done = answered(home)
        assert (done.returncode, done.stdout) == (0, "The capital of France is Paris.\n"), done.stderr
        assert {path.lstat().st_uid for path in home.rglob("*")} == {NOBODY}


def answered(home: Path) -> subprocess.CompletedProcess[str]:
    capabilities = [f"--{which}-caps=-all,+dac_read_search" for which in ("inh", "ambient")]
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *capabilities, sys.executable]
    argv += ["-m", "dovetail", "chat", "--home", str(home), "What is the capital of France?"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(argv, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False)
