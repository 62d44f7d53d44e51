"""Two files of an earlier server, `config.json` and `models-config.json`: read under `dovetail.toml`, and kept equal.

    config.json         {"models": [{"id", "modelFormat", "modelPath", "contextSize", "gpuLayers", …}], "activeModelId"}
    models-config.json  {"ID": {"contextSize", "gpuLayers", "modelFormat", …}, …}

A `modelPath` that is no path is the model's id, and its own `id` is the client's affair. What they say beside that is
nobody's business here and stays as it is when they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from dovetail.core.model import MODEL_ID
from dovetail.settings.document import Edit, Value, replace_file
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


def edits(before: str, after: str) -> list[Edit]:
    """What makes `dovetail.toml` say of models what the client's file says `after`, where it said `before`.

    Raises ValueError for what is no JSON object.
    """
    was, now = (cast("dict[str, Tree]", tree["models"]) for text in (before, after) for tree in said([text]))
    found = [Edit(("models", name, key), None) for name in was if name not in now for key in _NAMES]
    for name, own in now.items():
        keys = (key for key in _NAMES if key != "path" or key in own)
        found += [Edit(("models", name, key), cast("Value | None", own.get(key))) for key in keys]
    return found


def server_edits(name: str, own: Tree) -> list[Edit]:
    """The same of one model in the server's file: of keys that `own` has."""
    settings = _settings(name, own, mlx=str(_format(own)).lower() == "mlx")
    keys = (key for key, names in _NAMES.items() if key != "path" and any(other in own for other in names))
    return [Edit(("models", name, key), cast("Value | None", settings.get(key))) for key in keys]


def with_entry(text: str, name: str, own: Tree) -> str:
    """The server's file with what it is to say of one model; a text that cannot be read begins anew."""
    try:
        tree = _object(text)
    except (ValueError, RecursionError):
        tree = {}
    inside = tree.get("models", tree)
    table = cast("Tree", inside) if isinstance(inside, dict) else tree
    kept = {key: value for key, value in own.items() if value is not None}
    before = table.get(name)
    table[name] = {**(cast("Tree", before) if isinstance(before, dict) else {}), **kept}
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
            if isinstance(entry, dict) and (name := _name(cast("Tree", entry))):
                yield name, cast("Tree", entry)
    elif isinstance(inside, dict):
        for name, own in cast("Tree", inside).items():
            if isinstance(own, dict) and _KNOWN & cast("Tree", own).keys():
                yield name, cast("Tree", own)


def _name(entry: Tree) -> str:
    """The model that an entry of the client's list is about."""
    place, own = entry.get("modelPath"), entry.get("id")
    if isinstance(place, str) and place.strip() and not _is_path(place):
        return place.strip()
    return own if isinstance(own, str) else ""


def _is_path(text: object) -> bool:
    return isinstance(text, str) and ("/" in text or "\\" in text or text.endswith(".gguf"))


def _settings(name: str, own: Tree, *, mlx: bool) -> Tree:
    found: Tree = {}
    for key, names in _NAMES.items():
        value = next((own[other] for other in names if own.get(other) not in (None, "")), None)
        if value is not None and (key != "path" or _is_path(value)):
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
        entries[:] = [each for each in entries if not (isinstance(each, dict) and _name(cast("Tree", each)) == name)]
    elif isinstance(inside, dict):
        cast("Tree", inside).pop(name, None)
