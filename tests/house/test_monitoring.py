"""The dashboard and the alerts of deploy/: every name is one of `/metrics`, and each alert fires when it should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dovetail.telemetry.families import FAMILIES
from dovetail.telemetry.metrics import LIMITS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text("utf-8"))
KNOWN = {family.name: family for family in FAMILIES}
# What Prometheus itself adds, or makes of a histogram.
ADDED = {"instance", "job", "le"}
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def dashboard() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


def alerts() -> Iterator[str]:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


def selectors(expression: str) -> Iterator[tuple[str, list[str]]]:
    """Each name with the labels that its braces ask for."""
    for name, _, inside in re.findall(r"\b((?:dovetail|llama|llamacpp)[_:]\w+)(\{([^}]*)\})?", expression):
        yield name, re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", inside)


@pytest.mark.accept("L3")
def test_every_name_and_label_is_one_of_the_servers() -> None:
    for expression in (*dashboard(), *alerts()):
        found = list(selectors(expression))
        assert found or 'up{job="dovetail"}' in expression, expression
        labels = set(ADDED)
        for name, asked in found:
            family = KNOWN.get(name) or KNOWN[re.sub(r"_(bucket|sum|count)$", "", name)]
            assert family.kind == "histogram" or family.name == name, name
            assert set(asked) <= {*family.labels, *ADDED}, expression
            labels.update(family.labels)
        for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            assert {label.strip() for label in grouped.split(",")} <= labels, expression
        variable = re.fullmatch(r"label_values\(\w+, (\w+)\)", expression)
        assert variable is None or variable[1] in labels


def test_the_codes_of_limits_are_counted_as_limits() -> None:
    said = {code for alert in alerts() for codes in re.findall(r'code=~?"([^"]+)"', alert) for code in codes.split("|")}
    assert len(said) > 5
    assert said - LIMITS == set()


def test_counters_are_never_shown_as_they_stand() -> None:
    for expression in (*dashboard(), *alerts()):
        for name, _ in selectors(expression):
            family = KNOWN.get(name)
            if family is None or family.kind == "counter":
                assert re.search(rf"(?:rate|increase)\({name}\b", expression), expression


@pytest.mark.accept("L3")
def test_the_dashboard_shows_what_has_to_be_seen_and_panels_have_room() -> None:
    shown = " ".join(dashboard())
    for name in (
        *("dovetail_requests_total", "dovetail_generated_tokens_total", "dovetail_request_duration_seconds_bucket"),
        *("dovetail_slots_busy", "dovetail_memory_used_bytes", "dovetail_gpu_busy_percent", 'status=~"5.."'),
    ):
        assert name in shown
    assert all(f"histogram_quantile({p}" in shown for p in (0.5, 0.95, 0.99))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


@promtool
def test_prometheus_takes_the_rules_and_its_configuration() -> None:
    for argv in (["rules", "prometheus-rules.yml"], ["config", "--syntax-only", "prometheus.yml"]):
        done = subprocess.run(
            ["promtool", "check", *argv], cwd=DEPLOY, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


# Of each alert the series, one value a minute: when it fires, and when it does not.
CASES: dict[str, dict[str, tuple[str, str]]] = {
    "DovetailDown": {'up{job="dovetail"}': ("0x90", "1x90")},
    "DovetailErrors": {
        'dovetail_requests_total{model="m",status="200"}': ("0+90x90", "0+90x90"),
        'dovetail_requests_total{model="m",status="503"}': ("0+9x90", "0+4x90"),
    },
    "DovetailModelFailed": {'dovetail_model_state{model="m",state="failed"}': ("1x90", "0x90")},
    "DovetailWorkersFall": {'dovetail_worker_restarts_total{model="m"}': ("0+1x90", "0x90")},
    "DovetailSlowFirstToken": {
        'dovetail_time_to_first_token_seconds_bucket{model="m",le="10.0"}': ("0+9x90", "0+10x90"),
        'dovetail_time_to_first_token_seconds_bucket{model="m",le="30.0"}': ("0+10x90", "0+10x90"),
        'dovetail_time_to_first_token_seconds_bucket{model="m",le="+Inf"}': ("0+10x90", "0+10x90"),
    },
    "DovetailQueueGrows": {'dovetail_queue_depth{model="m"}': ("17x90", "16x90")},
    "DovetailMemoryShort": {
        "dovetail_memory_used_bytes": ("96x90", "94x90"),
        "dovetail_memory_total_bytes": ("100x90", "100x90"),
    },
    "DovetailNoRoom": {'dovetail_limits_hit_total{code="insufficient_memory"}': ("0+1x90", "0x90")},
    "DovetailGpuHot": {'dovetail_gpu_temperature_celsius{gpu="0",name="H200"}': ("90x90", "80x90")},
    "DovetailKeysGuessed": {'dovetail_http_requests_total{status="401"}': ("0+15x90", "0+5x90")},
    "DovetailPasswordsGuessed": {'dovetail_limits_hit_total{code="too_many_attempts"}': ("0+3x90", "0+1x90")},
    "DovetailLimitsHit": {'dovetail_limits_hit_total{code="rate_limit_exceeded"}': ("0+70x90", "0+50x90")},
    "DovetailProbing": {'dovetail_http_requests_total{endpoint="",status="404"}': ("0+30x90", "0+10x90")},
    "DovetailOneCaller": {
        'dovetail_caller_tokens_total{caller="ann",kind="generated"}': ("0+95x90", "0+95x90"),
        'dovetail_caller_tokens_total{caller="bob",kind="generated"}': ("0+5x90", "0+20x90"),
    },
}


def case(alert: str, series: dict[str, tuple[str, str]], *, fires: bool) -> dict[str, Any]:
    told = [{"series": name, "values": wrong if fires else right} for name, (wrong, right) in series.items()]
    test = {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
        "eval_time": "75m",
        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
    }
    return {"interval": "1m", "input_series": told, "promql_expr_test": [test]}


@promtool
@pytest.mark.accept("H14")
@pytest.mark.parametrize("fires", [True, False])
def test_each_alert_fires_when_something_is_wrong_and_not_else(tmp_path: Path, fires: bool) -> None:
    assert set(CASES) == {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    cases = [case(alert, series, fires=fires) for alert, series in CASES.items()]
    document = {"rule_files": [str(DEPLOY / "prometheus-rules.yml")], "evaluation_interval": "1m", "tests": cases}
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(document))
    argv = ["promtool", "test", "rules", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
