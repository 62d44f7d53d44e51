"""The examples of deploy/ give the server no more than it needs: no root, its own files, the network of its clients."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TEXTS = {path.name: path.read_text("utf-8") for path in DEPLOY.iterdir()}


def manifest(kind: str) -> dict[str, Any]:
    (found,) = [one for one in yaml.safe_load_all(TEXTS["kubernetes.yaml"]) if one["kind"] == kind]
    return found


@pytest.mark.accept("H14")
def test_nobody_runs_as_root_nor_writes_but_where_they_must() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}  # noqa: S108  where it may write
    for name in ("Containerfile", "Containerfile.cuda"):
        assert re.findall(r"^USER (\d+)$", TEXTS[name], re.MULTILINE) == [str(pod["securityContext"]["runAsUser"])], (
            name
        )
    for wanted in ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"):
        assert wanted in TEXTS["Containerfile"]
    unit = dict(re.findall(r"^(\w+)=(.*)$", TEXTS["dovetail.service"], re.MULTILINE))
    assert (unit["User"], unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == ("dovetail", "yes", "")
    assert (unit["ProtectSystem"], unit["LimitCORE"], unit["UMask"]) == ("strict", "0", "0077")


@pytest.mark.accept("H14")
def test_the_network_policy_lets_in_those_who_are_named_and_nobody_out() -> None:
    policy, pod = manifest("NetworkPolicy")["spec"], manifest("Deployment")["spec"]["template"]
    assert policy["podSelector"]["matchLabels"] == pod["metadata"]["labels"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    (allowed,) = policy["ingress"]
    assert allowed["from"] != []
    assert [one["port"] for one in allowed["ports"]] == [pod["spec"]["containers"][0]["ports"][0]["containerPort"]]
