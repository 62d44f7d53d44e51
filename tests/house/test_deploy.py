"""The examples of deploy/: what they say to the server is what it takes, and the programs they are for take them."""

import copy
import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dovetail.settings import ServerSettings

from .kubernetes import RESOURCES, Deployment, NetworkPolicy, Resource, patched

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TEXTS = {path.name: path.read_text("utf-8") for path in DEPLOY.iterdir()}


@pytest.mark.accept("D6")
@pytest.mark.parametrize("file", ["Containerfile", "Containerfile.cuda"])
def test_their_settings_are_settings(tmp_path: Path, file: str) -> None:
    said = dict(re.findall(r"(DOVETAIL_[A-Z_]+)=(\S+)", TEXTS[file]))
    said |= dict(re.findall(r"name: (DOVETAIL_\w+)\s+value: '(.+)'", TEXTS["kubernetes.yaml"]))
    assert {"DOVETAIL_SERVER__HOST", "DOVETAIL_SERVER__ALLOWED_HOSTS"} <= set(said)
    said = {name: value.replace("/app/llama-server", sys.executable) for name, value in said.items()}
    environment = {**os.environ, **said, "DOVETAIL_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "dovetail", "config", "check"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["nginx.conf", "nginx-mtls.conf"])
def test_what_a_proxy_needs_are_settings(file: str) -> None:
    proxies, hosts = re.findall(r"(?:trusted_proxies|allowed_hosts) = (\[.+?\])", TEXTS[file])
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


def manifest() -> list[Any]:
    return list(yaml.safe_load_all(TEXTS["kubernetes.yaml"]))


def resources(documents: list[Any]) -> list[Resource]:
    return RESOURCES.validate_python(documents)


@pytest.mark.accept("D6")
def test_kubernetes_on_processors() -> None:
    found = resources(manifest())
    (deployment,) = [each for each in found if isinstance(each, Deployment)]
    (container,) = deployment.spec.template.spec.containers
    assert {"cpu", "memory"} <= set(container.resources.requests)
    assert container.security_context.read_only_root_filesystem
    assert deployment.spec.template.spec.security_context.run_as_non_root
    selectors = {str(each.spec.selector.match_labels) for each in found if isinstance(each, Deployment)}
    assert selectors == {str(deployment.spec.template.metadata.labels)}
    mounts, volumes = container.volume_mounts, deployment.spec.template.spec.volumes
    assert {mount.name for mount in mounts} == {volume.name for volume in volumes}
    assert {mount.mount_path for mount in mounts} == {"/data", "/tmp"}, "what the image writes"  # noqa: S108  mounts


@pytest.mark.accept("H14")
def test_kubernetes_lets_only_chosen_pods_in_and_nothing_out() -> None:
    found = resources(manifest())
    (policy,) = [each.spec for each in found if isinstance(each, NetworkPolicy)]
    (deployment,) = [each for each in found if isinstance(each, Deployment)]
    assert policy.pod_selector.match_labels == deployment.spec.template.metadata.labels
    assert (policy.policy_types, policy.egress) == (["Ingress", "Egress"], [])
    (rule,) = policy.ingress
    assert rule.peers
    assert [port.port for port in rule.ports] == [deployment.spec.template.spec.containers[0].ports[0].container_port]


@pytest.mark.accept("D6")
def test_kubernetes_with_a_gpu() -> None:
    documents = manifest()
    patch = yaml.safe_load(TEXTS["kubernetes-gpu.yaml"])
    (before,) = [each for each in documents if each["kind"] == "Deployment"]
    (deployment,) = resources([patched(before, patch)])
    assert isinstance(deployment, Deployment)
    (container,) = deployment.spec.template.spec.containers
    assert container.resources.limits["nvidia.com/gpu"] == container.resources.requests["nvidia.com/gpu"] == 1
    assert container.image == "dovetail-cuda"
    assert container.liveness_probe.http_get.path == "/health", "the patch takes nothing away"
    (toleration,) = deployment.spec.template.spec.tolerations
    assert toleration.key == "nvidia.com/gpu"


def test_a_manifest_with_a_slip_is_refused() -> None:
    documents = manifest()
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    for path, name in [((), "replica"), (("template", "spec", "containers", 0), "livenesProbe")]:
        broken = copy.deepcopy(deployment)
        inside = broken["spec"]
        for step in path:
            inside = inside[step]
        inside[name] = 1
        with pytest.raises(ValidationError, match=name):
            resources([broken])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_well_shut(tmp_path: Path) -> None:
    unit = tmp_path / "dovetail.service"
    unit.write_text(TEXTS["dovetail.service"].replace("/opt/dovetail/bin/dovetail", sys.executable))
    argv = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    argv = ["systemd-analyze", "security", "--offline=true", "--threshold=40", "--no-pager", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.skipif(shutil.which("plutil") is None, reason="plutil is macOS's own")
def test_macos_takes_the_property_list() -> None:
    done = subprocess.run(["plutil", "-lint", str(DEPLOY / "dovetail.plist")], check=False, timeout=60)
    assert done.returncode == 0
