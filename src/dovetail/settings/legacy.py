"""Two files of an earlier server, `config.json` and `models-config.json`: read under `dovetail.toml`, and kept equal.

    config.json         {"models": [{"id", "modelFormat", "modelPath", "contextSize", "gpuLayers", …}], "activeModelId"}
    models-config.json  {"ID": {"contextSize", "gpuLayers", "modelFormat", …}, …}

What they say beside that is nobody's business here and stays as it is when they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from dovetail.core.model import MODEL_ID
from dovetail.settings.document import Edit, replace_file
from dovetail.settings.sections import Tree

CLIENT_FILE, SERVER_FILE = "config.json", "models-config.json"

# Their names for our keys, the first being the one that is written.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "context": ("contextSize", "ctxSize", "n_ctx"),
    "gpu_layers": ("gpuLayers", "nGpuLayers", "n_gpu_layers"),
    "path": ("modelPath", "path"),
}
_KNOWN = {"modelFormat", "format", *(name for names in _NAMES.values() for name in names)}


def files(home: Path, server_file: Path | None = None) -> tuple[Path, Path]:
    """Where the two lie, there or not; `server_file` takes the place of the second."""
    return home / CLIENT_FILE, (server_file or home / SERVER_FILE).expanduser().absolute()


def said(texts: Sequence[str]) -> list[Tree]:
    """What each text says, as `dovetail.toml` would say it. Raises ValueError for what is no JSON object."""
    trees = [_object(text) for text in texts]
    mlx = {name for tree in trees for name, own in _models(tree) if str(_format(own)).lower() == "mlx"}
    return [{"models": {name: _settings(name, own, mlx=name in mlx) for name, own in _models(tree)}} for tree in trees]


def mirror(paths: Sequence[Path], edits: Sequence[Edit]) -> None:
    """Says in those files that exist what `edits` say of models. Blocks; raises OSError, DiskFull."""
    for path in paths:
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            continue
        after = mirrored(text, edits)
        if after != text:
            replace_file(path, after.encode())


def mirrored(text: str, edits: Sequence[Edit]) -> str:
    """`text` with what `edits` say of models; other keys stay. A text that cannot be read stays as it is."""
    try:
        tree = _object(text)
    except ValueError:
        return text
    before = json.dumps(tree)
    for edit in edits:
        match edit.key:
            case ("models", name):
                _forget(tree, name)
            case ("models", name, key) if key in _NAMES:
                _set(tree, name, key, edit.value)
            case _:
                pass
    if json.dumps(tree) == before:
        return text
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _object(text: str) -> Tree:
    if not text.strip():
        return {}
    tree = cast("object", json.loads(text))
    if not isinstance(tree, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  of a file's content
    return cast("Tree", tree)


def _models(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Each model's id and what is said of it, in either file's form."""
    inside = tree.get("models", tree)
    if isinstance(inside, list):
        for entry in cast("list[object]", inside):
            if isinstance(entry, dict) and isinstance(name := cast("Tree", entry).get("id"), str) and name:
                yield name, cast("Tree", entry)
    elif isinstance(inside, dict):
        for name, own in cast("Tree", inside).items():
            if isinstance(own, dict) and _KNOWN & cast("Tree", own).keys():
                yield name, cast("Tree", own)


def _settings(name: str, own: Tree, *, mlx: bool) -> Tree:
    found: Tree = {}
    for key, names in _NAMES.items():
        value = next((own[other] for other in names if own.get(other) not in (None, "")), None)
        if value is not None:
            found[key] = value
    if mlx:  # it means nothing there, and Dovetail would refuse it
        found.pop("gpu_layers", None)
    if found.get("context") in (0, -1, "0", "-1"):  # the model's own
        del found["context"]
    if not MODEL_ID.match(name):
        found.pop("path", None)
    return found


def _format(own: Tree) -> object:
    return own.get("modelFormat", own.get("format"))


def _set(tree: Tree, name: str, key: str, value: object) -> None:
    own = dict(_models(tree)).get(name)
    if own is None:
        inside = tree.get("models", tree)
        # The list is the client's, of models that it knows how to find.
        if value is None or key == "path" or not isinstance(inside, dict):
            return
        own = cast("Tree", inside)[name] = cast("Tree", {})
    names = _NAMES[key]
    used = next((other for other in names if other in own), names[0])
    if value is None:
        for other in names:
            own.pop(other, None)
    else:
        own[used] = value


def _forget(tree: Tree, name: str) -> None:
    inside = tree.get("models", tree)
    if isinstance(inside, list):
        entries = cast("list[object]", inside)
        entries[:] = [each for each in entries if not (isinstance(each, dict) and cast("Tree", each).get("id") == name)]
    elif isinstance(inside, dict):
        cast("Tree", inside).pop(name, None)
