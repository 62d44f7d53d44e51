"""What is at a path, for people: a GGUF file or an MLX folder, with all that its headers say. Nothing is loaded."""

from __future__ import annotations

from pathlib import Path

from dovetail.catalog import gguf_facts, mlx_check
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.request import JsonObject


def inspect(path: Path, root: Path | None = None) -> JsonObject:
    """Of a .gguf file, a folder that holds one model of them, or an MLX folder whose files must lie in `root`.

    Blocks on the disk. Raises InvalidModelFile; what is wrong with an MLX folder is in its checks.
    """
    if path.is_dir():
        if (path / "config.json").exists() or any(path.glob("model*.safetensors")):
            return mlx_check.as_json(mlx_check.check_folder(path, root))
        path = _only_gguf(path)
    return gguf_facts.as_json(gguf_facts.gguf_facts(path))


def _only_gguf(folder: Path) -> Path:
    files = sorted(each for each in folder.glob("*.gguf") if not each.name.lower().startswith("mmproj"))
    firsts = [each for each in files if (part := gguf_facts.PART.match(each.stem)) is None or part["number"] == "00001"]
    if len(firsts) == 1:
        return firsts[0]
    if not firsts:
        raise InvalidModelFile(f"{folder.name} holds neither a .gguf file nor config.json")
    names = ", ".join(each.name for each in firsts[:8])
    raise InvalidModelFile(f"{folder.name} holds several models: name one of {names}")
