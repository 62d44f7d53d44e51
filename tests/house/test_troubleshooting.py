"""docs/troubleshooting.md: what it names exists. Its commands are run by tests/process/test_cli_troubleshooting.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dovetail.settings import Settings
from dovetail.settings.sections import LoadSettings, ModelSettings

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "troubleshooting.md").read_text("utf-8")


@pytest.mark.accept("D9")
def test_every_error_a_user_can_see_is_told_with_what_to_do() -> None:
    api = (DOCS / "api.md").read_text("utf-8").partition("| status | codes |")[2].partition("\n\n")[0]
    seen = set(re.findall(r"`([a-z]+_[a-z_]+|busy|cancelled|forbidden)`", api))
    told = TEXT.partition("| code | what to do |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in told.splitlines() if row]
    assert {code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)} == seen, "docs/api.md has the others"


def test_the_settings_it_names_are_settings() -> None:
    sections = Settings.model_fields
    named = {(section, key) for section, key in re.findall(r"`(\w+)\.(\w+)`", TEXT) if section in sections}
    assert len(named) > 10
    for section, key in named:
        assert key in getattr(sections[section].annotation, "model_fields", {}), f"{section}.{key}"
    models = {**LoadSettings.model_fields, **ModelSettings.model_fields}
    assigned = set(re.findall(r"`(?:\[models\.\S+\] )?(\w+) = [^`]+`", TEXT))
    assert assigned - set(models) == {"strict"}
    assert "strict" in sections
