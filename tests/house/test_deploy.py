"""The examples of deploy/: what they say to the server is what it takes."""

import json
import os
import plistlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail.settings import ServerSettings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TEXTS = {path.name: path.read_text("utf-8") for path in DEPLOY.iterdir()}


@pytest.mark.accept("D6")
def test_their_settings_are_settings(tmp_path: Path) -> None:
    said = dict(re.findall(r"(DOVETAIL_[A-Z_]+)=(\S+)", TEXTS["Containerfile"]))
    said |= dict(re.findall(r"name: (DOVETAIL_\w+)\s+value: '(.+)'", TEXTS["kubernetes.yaml"]))
    assert {"DOVETAIL_SERVER__HOST", "DOVETAIL_SERVER__ALLOWED_HOSTS"} <= set(said)
    environment = {**os.environ, **said, "DOVETAIL_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "dovetail", "config", "check"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    proxies, hosts = re.findall(r"(?:trusted_proxies|allowed_hosts) = (\[.+?\])", TEXTS["nginx.conf"])
    ServerSettings(trusted_proxies=tuple(json.loads(proxies)), allowed_hosts=tuple(json.loads(hosts)))


def test_their_flags_are_flags() -> None:
    argv = [sys.executable, "-m", "dovetail", "serve", "--help"]
    wide = {**os.environ, "COLUMNS": "200"}
    helped = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, env=wide)
    plist = plistlib.loads(TEXTS["dovetail.plist"].encode())
    unit = re.findall(r"^ExecStart=(.+)$", TEXTS["dovetail.service"], re.MULTILINE)
    flags = {word for word in [*unit[0].split(), *plist["ProgramArguments"]] if word.startswith("--")}
    assert "--log-format" in flags
    assert {flag for flag in flags if flag not in helped.stdout} == set()
