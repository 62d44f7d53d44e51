"""Projectors that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail.catalog.catalog import Catalog
from dovetail.core.model import Capability

if TYPE_CHECKING:
    from .conftest import Forge


def test_they_take_the_place_of_the_one_beside_the_model(forge: Forge) -> None:
    for name in ("gemma", "plain"):
        forge.gguf(f"{name}/{name}.gguf")
    forge.gguf("gemma/mmproj.gguf", forge.gguf_bytes({"general.architecture": "clip"}))
    hearing = forge.gguf_bytes({"general.architecture": "clip", "clip.has_audio_encoder": True})
    hears = forge.gguf("elsewhere/mmproj.gguf", hearing)
    broken = forge.gguf("elsewhere/broken.gguf", b"<html>")
    beside = {each.id: each for each in Catalog([forge.folder]).models()}
    assert beside["gemma"].capabilities == {Capability.COMPLETION, Capability.VISION}
    said = {"gemma": hears, "plain": broken}
    found = {each.id: each for each in Catalog([forge.folder], projector=said.get).models()}
    assert (found["gemma"].mmproj, found["plain"].mmproj) == (hears, broken)
    assert found["gemma"].capabilities == {Capability.COMPLETION, Capability.AUDIO}
    assert found["plain"].capabilities == {Capability.COMPLETION}
