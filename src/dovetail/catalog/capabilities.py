"""Guesses what a model can do before a worker has rendered its template; `/props` knows better once one has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dovetail.catalog.gguf_header import GgufHeader
from dovetail.core.model import Capability, Pooling
from dovetail.core.template import thinking_style

_ENCODERS = frozenset(
    {"bert", "distilbert", "xlm-roberta", "roberta", "modernbert", "modern-bert", "neo-bert", "eurobert"}
)
_ENCODER_SUFFIXES = ("-bert", "-bert-v2", "-bert-v3", "-bert-moe", "-embedding")
_TOOLS = re.compile(r"\btools\b")


# llama.cpp's enum llama_pooling_type; 0 is "none".
_POOLING: Mapping[object, Pooling] = {1: "mean", 2: "cls", 3: "last", 4: "rank"}


# What is asked of another server as if it could: it says itself what it cannot.
REMOTE = frozenset({Capability.CHAT, Capability.COMPLETION, Capability.TOOLS})
HEARS = frozenset({Capability.TRANSCRIPTION})


def pooling_of(header: GgufHeader) -> Pooling | None:
    """How a model made for embeddings, or for ranking, pools; None of every other."""
    value = header.metadata.get(f"{header.architecture}.pooling_type")
    return _POOLING.get(value) if isinstance(value, int) else None


def of_mlx(architecture: str, template: str | None, pooling: Pooling | None) -> frozenset[Capability]:
    return of_text(architecture, template) if pooling is None else frozenset({Capability.EMBEDDING})


def of_gguf(header: GgufHeader, projector: GgufHeader | None) -> frozenset[Capability]:
    pooling = pooling_of(header)
    if pooling is not None:
        return frozenset({Capability.RERANK if pooling == "rank" else Capability.EMBEDDING})
    capabilities = of_text(header.architecture, header.template)
    if projector is None or Capability.EMBEDDING in capabilities:
        return capabilities
    sees, hears = projector.metadata.get("clip.has_vision_encoder"), projector.metadata.get("clip.has_audio_encoder")
    if hears is True:
        capabilities |= {Capability.AUDIO}
    return capabilities | {Capability.VISION} if sees is True or hears is not True else capabilities


def of_text(architecture: str, template: str | None) -> frozenset[Capability]:
    """What follows from the architecture's name and the chat template's source."""
    name = architecture.lower().replace("_", "-")
    if name in _ENCODERS or name.endswith(_ENCODER_SUFFIXES):
        return frozenset({Capability.EMBEDDING})
    found = frozenset({Capability.COMPLETION})
    return found if template is None else with_template(found, template)


def with_template(found: frozenset[Capability], template: str) -> frozenset[Capability]:
    """`found` for a model whose chat template is `template`; one that does not generate stays what it is."""
    if Capability.COMPLETION not in found:
        return found
    speaks = {Capability.CHAT}
    if _TOOLS.search(template):
        speaks.add(Capability.TOOLS)
    if thinking_style(template).thinks:
        speaks.add(Capability.THINKING)
    return (found - {Capability.TOOLS, Capability.THINKING}) | speaks
