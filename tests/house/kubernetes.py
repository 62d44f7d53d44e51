"""The kinds of Kubernetes that deploy/ uses, with those of their fields that it uses: any other is refused.

Also how `kubectl patch` merges (strategically: a list of containers by their names).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

Labels: TypeAlias = dict[str, str]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
Quantity: TypeAlias = Annotated[str | int, Field(pattern=r"^\d+(\.\d+)?(m|[kMGT]i?)?$", union_mode="left_to_right")]
# Built-in resources, or one of a device plugin, which has a domain.
Resources: TypeAlias = dict[Annotated[str, Field(pattern=r"^(cpu|memory|storage|[a-z0-9.-]+/[a-z0-9.-]+)$")], Any]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True)


class Metadata(Strict):
    name: str = Field("", pattern=r"^[a-z0-9-]*$")
    labels: Labels = {}


class Selector(Strict):
    match_labels: Labels


class HttpGet(Strict):
    path: str = Field(pattern="^/")
    port: Port


class Probe(Strict):
    http_get: HttpGet
    initial_delay_seconds: int = Field(0, ge=0)
    period_seconds: int = Field(10, ge=1)
    timeout_seconds: int = Field(1, ge=1)
    failure_threshold: int = Field(3, ge=1)


class KeyRef(Strict):
    name: str
    key: str


class From(Strict):
    secret_key_ref: KeyRef


class Variable(Strict):
    name: str
    value: str | None = None
    value_from: From | None = None


class Amounts(Strict):
    requests: Resources = {}
    limits: Resources = {}


class Capabilities(Strict):
    drop: list[str]


class Profile(Strict):
    type: Literal["RuntimeDefault"]


class ContainerSecurity(Strict):
    allow_privilege_escalation: bool
    read_only_root_filesystem: bool
    capabilities: Capabilities


class PodSecurity(Strict):
    run_as_non_root: bool
    run_as_user: int = Field(ge=1)
    fs_group: int
    seccomp_profile: Profile


class Mount(Strict):
    name: str
    mount_path: str = Field(pattern="^/")


class ContainerPort(Strict):
    container_port: Port


class Container(Strict):
    name: str
    image: str
    env: list[Variable] = []
    ports: list[ContainerPort] = []
    liveness_probe: Probe
    readiness_probe: Probe
    security_context: ContainerSecurity
    resources: Amounts
    volume_mounts: list[Mount] = []


class Claim(Strict):
    claim_name: str


class EmptyDir(Strict):
    pass


class Volume(Strict):
    name: str
    persistent_volume_claim: Claim | None = None
    empty_dir: EmptyDir | None = None


class Toleration(Strict):
    key: str
    operator: Literal["Exists", "Equal"]
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"]


class Pod(Strict):
    automount_service_account_token: bool
    termination_grace_period_seconds: int
    security_context: PodSecurity
    containers: list[Container] = Field(min_length=1)
    volumes: list[Volume] = []
    tolerations: list[Toleration] = []


class Template(Strict):
    metadata: Metadata
    spec: Pod


class Strategy(Strict):
    type: Literal["Recreate", "RollingUpdate"]


class DeploymentSpec(Strict):
    replicas: int
    strategy: Strategy
    selector: Selector
    template: Template


class Deployment(Strict):
    api_version: Literal["apps/v1"]
    kind: Literal["Deployment"]
    metadata: Metadata
    spec: DeploymentSpec


class ClaimSpec(Strict):
    access_modes: list[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany"]]
    resources: Amounts


class VolumeClaim(Strict):
    api_version: Literal["v1"]
    kind: Literal["PersistentVolumeClaim"]
    metadata: Metadata
    spec: ClaimSpec


class ServicePort(Strict):
    port: Port
    target_port: Port


class ServiceSpec(Strict):
    selector: Labels
    ports: list[ServicePort]


class Service(Strict):
    api_version: Literal["v1"]
    kind: Literal["Service"]
    metadata: Metadata
    spec: ServiceSpec


class PolicyPort(Strict):
    port: Port
    protocol: Literal["TCP", "UDP"] = "TCP"


class Peer(Strict):
    pod_selector: Selector


class Ingress(Strict):
    peers: list[Peer] = Field([], alias="from")
    ports: list[PolicyPort] = []


class Egress(Strict):
    to: list[Peer] = []
    ports: list[PolicyPort] = []


class PolicySpec(Strict):
    pod_selector: Selector
    policy_types: list[Literal["Ingress", "Egress"]]
    ingress: list[Ingress] = []
    egress: list[Egress] = []


class NetworkPolicy(Strict):
    api_version: Literal["networking.k8s.io/v1"]
    kind: Literal["NetworkPolicy"]
    metadata: Metadata
    spec: PolicySpec


Resource: TypeAlias = Annotated[
    Deployment | VolumeClaim | Service | NetworkPolicy,
    Field(discriminator="kind"),
]
RESOURCES: TypeAdapter[list[Resource]] = TypeAdapter(list[Resource])


def patched(whole: Any, patch: Any) -> Any:
    """Mappings are merged, lists of things with names by their names, everything else is replaced."""
    if isinstance(whole, dict) and isinstance(patch, dict):
        left, right = cast("dict[str, Any]", whole), cast("dict[str, Any]", patch)
        return {key: patched(left.get(key), right.get(key, left.get(key))) for key in {**left, **right}}
    if isinstance(whole, list) and isinstance(patch, list):
        first, second = cast("list[dict[str, Any]]", whole), cast("list[dict[str, Any]]", patch)
        if all("name" in each for each in [*first, *second]):
            named = {each["name"]: each for each in first}
            return list({**named, **{each["name"]: patched(named.get(each["name"]), each) for each in second}}.values())
    return cast("Any", patch)
