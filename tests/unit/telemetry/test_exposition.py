"""The page that Prometheus reads: by its own parser, and name by name."""

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dovetail.core.observe import Answered
from dovetail.hardware.reading import GpuReading, MachineReading, ProcessReading, Unknown
from dovetail.telemetry.exposition import Exposition
from dovetail.telemetry.families import FAMILIES
from dovetail.telemetry.metrics import Metrics
from dovetail.telemetry.standing import ModelNow, Now, Stored

from .test_metrics import record

pytestmark = pytest.mark.anyio

WHY = Unknown("the driver does not say")
GPU = GpuReading("nvidia", "H", "GPU-1", "NVML", 75.0, 6 << 30, 80 << 30, 300.5, WHY)
MACHINE = MachineReading(
    at=1.0,
    cpu=12.5,
    cpus=2,
    memory_total=1000,
    memory_used=WHY,
    processes=(
        ProcessReading("gateway", 1, 100, 1.0, WHY),
        ProcessReading("a", 2, 200, 50.0, 7),
        ProcessReading("a+shout@0.25:mean", 3, 300, WHY, 8),
    ),
    devices=(GPU,),
)
NOW = Now(
    version="1.2.3",
    models=(
        ModelNow("a", "gguf", "ready", slots=4, active=5, waiting=2, memory=111, reserved=222, device_memory=333),
        ModelNow("b", "mlx", "failed"),
    ),
    running=5,
    waiting=2,
    budget=1 << 30,
    streams=3,
    stored=Stored(9, 2, 99),
    machine=MACHINE,
)
UNREAD = {"dovetail_memory_used_bytes", "dovetail_gpu_temperature_celsius"}
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def exposition() -> Exposition:
    metrics = Metrics(lambda name: name in {"a", "b"})
    for model, status in (("a", 200), ("a", 200), ("b", 200), ("made up", 404)):
        metrics.request_done(record(model, status=status))
    metrics.model_loaded("a", 2.0)
    metrics.worker_restarted("a", "it was killed")
    metrics.answered(Answered("GET", "/health", 200, 0.1))
    metrics.answered(Answered("POST", "/v1/completions", 429, 0.1, "queue_full"))
    return Exposition(metrics)


def samples(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_every_name_of_the_table_is_there_once_with_its_type_and_its_labels(exposition: Exposition) -> None:
    text = (await exposition.text(NOW, full=True)).decode()
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    ours = {name: kind for name, kind in types.items() if not name.startswith("process_")}
    assert ours == {family.name: family.kind for family in FAMILIES}
    found = samples(text.encode())
    for family in FAMILIES:
        labels = {
            tuple(sorted(dict(labels).keys() - {"le"}))
            for name, labels in found
            if name in _names(family.name, family.kind)
        }
        assert labels == ({tuple(sorted(family.labels))} if family.name not in UNREAD else set()), family.name


def _names(name: str, kind: str) -> set[str]:
    return {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}


async def test_the_older_servers_figures(exposition: Exposition) -> None:
    found = samples(await exposition.text(NOW, full=False))
    assert found["llama_requests_total", (("endpoint", "/v1/completions"),)] == 4
    assert found["llama_request_duration_seconds_count", ()] == 4
    assert found["llama_request_duration_seconds_bucket", (("le", "0.25"),)] == 0
    assert found["llama_request_duration_seconds_bucket", (("le", "0.5"),)] == 4
    assert found["llama_tokens_generated_total", ()] == 12
    assert found["llama_slots_processing", ()] == 4
    assert found["llamacpp:prompt_tokens_total", ()] == 12
    assert found["llamacpp:prompt_tokens_cached_total", ()] == 12
    assert found["llamacpp:tokens_predicted_total", ()] == 12
    assert found["llamacpp:prompt_tokens_seconds", ()] == pytest.approx(40.0)
    assert found["llamacpp:n_tokens_max", ()] == 12
    assert found["llamacpp:requests_processing", ()] == 4
    assert found["llamacpp:requests_deferred", ()] == 2


async def test_our_own(exposition: Exposition) -> None:
    found = samples(await exposition.text(NOW, full=False))
    of_a = (("model", "a"),)
    assert found["dovetail_requests_total", (("endpoint", "/v1/completions"), ("model", ""), ("status", "404"))] == 1
    assert found["dovetail_model_state", (("format", "mlx"), ("model", "b"), ("state", "failed"))] == 1
    assert found["dovetail_model_state", (("format", "mlx"), ("model", "b"), ("state", "ready"))] == 0
    assert found["dovetail_slots_busy", of_a] == 4
    assert found["dovetail_queue_depth", of_a] == 2
    assert found["dovetail_model_memory_bytes", of_a] == 111
    assert ("dovetail_model_memory_bytes", (("model", "b"),)) not in found  # nobody knows it
    assert found["dovetail_prompt_cache_requests_total", (*of_a, ("result", "hit"))] == 2
    assert found["dovetail_worker_restarts_total", of_a] == 1
    assert found["dovetail_model_load_seconds_sum", of_a] == 2
    assert found["dovetail_limits_hit_total", (("code", "queue_full"),)] == 1
    assert found["dovetail_kv_store_bytes", ()] == 9
    if sys.platform == "linux":  # elsewhere the client library says nothing of processes
        assert found["process_resident_memory_bytes", ()] > 1 << 20


async def test_the_machine_and_no_number_for_what_is_not_known(exposition: Exposition) -> None:
    found = samples(await exposition.text(NOW, full=False))
    gpu = (("gpu", "GPU-1"), ("name", "H"))
    assert found["dovetail_gpu_busy_percent", gpu] == 75
    assert found["dovetail_gpu_memory_used_bytes", gpu] == 6 << 30
    assert found["dovetail_gpu_power_watts", gpu] == 300.5
    assert ("dovetail_gpu_temperature_celsius", gpu) not in found
    assert ("dovetail_memory_used_bytes", ()) not in found
    assert found["dovetail_process_memory_bytes", (("process", "a"),)] == 500
    assert found["dovetail_process_cpu_percent", (("process", "a"),)] == 50
    assert not any("shout" in value for _, labels in found for _, value in labels)


async def test_what_is_about_callers_is_for_admins_alone(exposition: Exposition) -> None:
    caller = ("dovetail_caller_requests_total", (("caller", "local"),))
    assert samples(await exposition.text(NOW, full=True))[caller] == 4
    assert "caller" not in (await exposition.text(NOW, full=False)).decode()


async def test_one_model_alone(exposition: Exposition) -> None:
    found = samples(await exposition.text(NOW, full=False, model="b"))
    assert {value for _, labels in found for label, value in labels if label == "model"} == {"b"}
    assert found["llama_requests_total", (("endpoint", "/v1/completions"),)] == 1
    assert found["llamacpp:requests_processing", ()] == 0


async def test_a_fresh_server_s_page_has_every_name(exposition: Exposition) -> None:
    del exposition
    text = (await Exposition(Metrics(lambda _: True)).text(Now("1"), full=True)).decode()
    assert all(f"# TYPE {family.name} {family.kind}" in text for family in FAMILIES)
