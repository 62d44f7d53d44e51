"""`serve`'s options by the names that older servers have for them, and what those say as settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from dovetail.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from dovetail.settings import Sources

Context: TypeAlias = Annotated[
    int | None, typer.Option("--ctx-size", "-c", metavar="TOKENS", help="Tokens for each slot; 0 the model's own.")
]
Layers: TypeAlias = Annotated[
    int | None,
    typer.Option("--n-gpu-layers", "--gpu-layers", "-ngl", metavar="N", help="Layers on the GPU; -1 as many as fit."),
]
Parallel: TypeAlias = Annotated[int | None, typer.Option("--parallel", "-np", metavar="N", help="Slots of a model.")]
Flash: TypeAlias = Annotated[bool | None, typer.Option("--flash-attn/--no-flash-attn", help="Flash attention.")]
Always: TypeAlias = Annotated[
    bool,
    typer.Option("--cont-batching", "--metrics", "--enable-auto-load", help="Always so here; said for older scripts."),
]
LogLevel: TypeAlias = Annotated[
    Literal["debug", "info", "warning", "error", "critical"] | None, typer.Option(help="Lowest level that is logged.")
]
MemoryGb: TypeAlias = Annotated[
    float | None, typer.Option("--max-memory-gb", metavar="GB", help="Memory of all models together; 0 no bound.")
]
CacheGb: TypeAlias = Annotated[
    float | None, typer.Option("--max-kv-size", metavar="GB", help="Prompt caches on disk, together.")
]


def _unspoken(file: str | None) -> None:
    if file is not None:
        raise Failure("--kokoro-config: no text is spoken here; leave it out", Exit.USAGE)


Kokoro: TypeAlias = Annotated[
    str | None,
    typer.Option("--kokoro-config", metavar="FILE", callback=_unspoken, help="Refused: no text is spoken here."),
]
CompatPorts: TypeAlias = Annotated[
    bool, typer.Option("--compat-ports", help="Listen on older servers' ports too, 8081 to 8084, 4000 and others.")
]
Whisper: TypeAlias = Annotated[
    bool, typer.Option("--enable-whisper", help="Write down recordings: /v1/audio/transcriptions.")
]
WhisperModel: TypeAlias = Annotated[
    str | None,
    typer.Option("--whisper-model", metavar="MODEL", help="The model that does: its folder, or owner/name on the hub."),
]
MODEL_PATH = "MLX_MODEL_PATH"
_GB = 1_000_000_000


def load_options(
    context: int | None, layers: int | None, parallel: int | None, *, flash: bool | None
) -> dict[str, object]:
    """llama-server's options of a load, by the keys of settings."""
    return {
        "load.context": context or None,
        "load.gpu_layers": layers,
        "load.parallel": parallel,
        "load.flash_attention": flash,
    }


def speech(model: str | None, *, enabled: bool) -> dict[str, object]:
    """mlx_engine's options of speech to text, by the keys of settings: a folder as it is seen from here."""
    here = model and (Path(model).expanduser().is_dir() or model.startswith((".", "~")))
    return {
        "speech.enabled": enabled or None,
        "speech.model": str(Path(model).expanduser().absolute()) if model and here else model,
    }


def level(said: str) -> str:
    """A level's name here: nothing is worse than an error."""
    return "error" if said == "critical" else said


def bounds(memory: float | None, caches: float | None) -> dict[str, object]:
    """mlx_gguf_server's bounds, by the keys of settings."""
    return {
        "fleet.memory": int(memory * _GB) if memory else None,
        "fleet.evict": "size" if memory else None,
        "kv.max_bytes": None if caches is None else int(caches * _GB),
    }


def with_model_path(origin: Sources, environ: Mapping[str, str] = os.environ) -> Sources:
    """With the model that `MLX_MODEL_PATH` names, loaded at start. Raises Failure."""
    said = environ.get(MODEL_PATH)
    if not said:
        return origin
    path = Path(said).expanduser().absolute()
    if not path.exists():
        raise Failure(f"{MODEL_PATH}: {path} does not exist", Exit.CONFIG)
    return replace(origin, flags={**origin.flags, "models": {path.name: {"path": str(path), "preload": True}}})
