"""Gives models their ids and aliases: one name, one model, the same answer on every scan.

Ids match `MODEL_ID`; other characters of a file's name become `-`, the name itself stays as an alias. Where two models
want the same id, the one found first keeps it (roots in their order, then folders before files, then by path) and the
other takes its next name: a file its full name, a model in a folder its file's stem, else the id with `-2`, `-3`, ….
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dovetail.core.model import Model

MAX_ALIAS = 256

_UNSAFE = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A model that has no id yet. `names` come in order of preference; a path among them only becomes an alias."""

    model: Model
    names: tuple[str, ...]
    from_folder: bool


def name_all(found: Sequence[Unnamed], aliases: Mapping[str, tuple[str, ...]]) -> list[Model]:
    """The models with ids and aliases, sorted by id. `aliases` (by id) go before the names of files."""
    ids: dict[str, Unnamed] = {}
    for unnamed in found:
        ids[_free_id(unnamed.names, ids)] = unnamed
    taken = set(ids)
    given: dict[str, list[str]] = {id_: [] for id_ in ids}
    wishes = [(id_, alias) for id_ in ids for alias in aliases.get(id_, ())]
    wishes += [(id_, normal(name)) for id_, unnamed in ids.items() for name in unnamed.names]
    for id_, alias in wishes:
        if alias not in taken and is_alias(alias):
            taken.add(alias)
            given[id_].append(alias)
    return [replace(ids[id_].model, id=id_, aliases=tuple(given[id_])) for id_ in sorted(ids)]


def safe(name: str) -> str:
    """`name` as an id: anything but letters, digits, `_`, `.` and `-` becomes `-`."""
    return _UNSAFE.sub("-", normal(name)).lstrip(".-")[:128] or "model"


def normal(name: str) -> str:
    """One form for one name: macOS stores accents and Hangul in pieces."""
    return unicodedata.normalize("NFC", name)


def is_alias(name: str) -> bool:
    """Whether `name` can travel in a request: UTF-8, printable, at most 256 bytes."""
    try:
        return 0 < len(name.encode()) <= MAX_ALIAS and name.isprintable()
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return False


def _free_id(names: Sequence[str], taken: Mapping[str, Unnamed]) -> str:
    wanted = [safe(name) for name in names if "/" not in name]
    for id_ in wanted:
        if id_ not in taken:
            return id_
    number = 2
    while (id_ := f"{wanted[0][:120]}-{number}") in taken:
        number += 1
    return id_
