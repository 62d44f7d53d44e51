"""Chat templates that the settings name."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dovetail.catalog.catalog import Catalog
from dovetail.core.model import Capability

from .conftest import llama

if TYPE_CHECKING:
    from .conftest import Forge

THINKS = "{{ tools }}{% if enable_thinking %}<think>{% endif %}"
PLAIN = "{{ messages }}"


def test_they_take_the_place_of_the_models_own(forge: Forge) -> None:
    own = forge.gguf_bytes({**llama(), "tokenizer.chat_template": THINKS})
    for name in ("told", "broken", "alone"):
        forge.gguf(f"{name}/{name}.gguf", own)
    text = forge.folder.parent / "plain.jinja"
    text.write_text(PLAIN)
    said = {"told": text, "broken": forge.folder / "none.jinja"}
    catalog = Catalog([forge.folder], template=said.get, clock=map(float, itertools.count()).__next__)
    found = {each.id: each for each in catalog.models()}
    assert {name: each.template for name, each in found.items()} == {"told": PLAIN, "broken": THINKS, "alone": THINKS}
    assert found["told"].capabilities == {Capability.COMPLETION, Capability.CHAT}
    assert found["alone"].capabilities == found["told"].capabilities | {Capability.TOOLS, Capability.THINKING}
    text.write_text(THINKS)
    assert {each.template for each in catalog.models()} == {THINKS}
