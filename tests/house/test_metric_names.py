"""Every figure that a dashboard, an alert or a document names is one that there is."""

from __future__ import annotations

import re
from pathlib import Path

from dovetail.telemetry.families import FAMILIES

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\b(?:dovetail_[a-z]+(?:_[a-z]+)+|llamacpp:[a-z_]+|llama_[a-z_]+_(?:total|seconds|processing))\b")
PARTS = ("_bucket", "_sum", "_count")


def test_what_is_shown_and_alerted_on_exists() -> None:
    known = {family.name for family in FAMILIES}
    known |= {family.name + part for family in FAMILIES if family.kind == "histogram" for part in PARTS}
    files = [*ROOT.glob("deploy/*.yml"), *ROOT.glob("deploy/*.json"), ROOT / "docs/monitoring.md"]
    named = {path.name: set(NAMED.findall(path.read_text("utf-8"))) for path in files}
    assert sum(map(len, named.values())) > 50
    assert {name: unknown for name, found in named.items() if (unknown := found - known)} == {}
