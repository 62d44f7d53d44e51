"""A conversation outside of the database: as it is written to a file, and as files of other programs are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

import orjson

from dovetail.core.request import Json, JsonObject
from dovetail.gateway.chats.archive import INTERRUPTED
from dovetail.gateway.chats.parts import MEDIA, OF_ROLE, dumped, first_words, json_text, searched
from dovetail.gateway.chats.shelf import new_id
from dovetail.storage.chats import Chat, Message, Role, Status, TitleBy


@dataclass(frozen=True, slots=True)
class Node:
    """One message; ids are those of the file that it stands in."""

    id: str
    parent: str | None
    role: Role
    parts: Sequence[JsonObject]
    created: float = 0.0
    model: str | None = None
    params: JsonObject | None = None
    usage: JsonObject | None = None
    timings: JsonObject | None = None
    finish: str | None = None
    status: Status = "complete"
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a file, and what it is called."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Tree:
    """A conversation; `files` by the ids that parts name them with. Times of 0 are not known."""

    nodes: Sequence[Node]
    title: str = ""
    title_by: TitleBy = "words"
    folder: str | None = None
    pinned: bool = False
    leaf: str | None = None
    model: str | None = None
    system_prompt: str = ""
    params: JsonObject = field(default_factory=dict[str, Json])
    created: float = 0.0
    updated: float = 0.0
    files: Mapping[str, File] = field(default_factory=dict[str, File])


def ordered(nodes: Sequence[Node]) -> list[Node]:
    """Parents before children, else as they came; what follows a missing one begins, and circles are left out."""
    nodes = list({node.id: node for node in nodes}.values())
    there = {node.id for node in nodes}
    followers: dict[str, list[int]] = {}
    ready: list[int] = []
    for index, node in enumerate(nodes):
        if node.parent in there:
            followers.setdefault(node.parent or "", []).append(index)
        else:
            ready.append(index)
    heapify(ready)
    found: list[Node] = []
    while ready:
        node = nodes[heappop(ready)]
        found.append(node if node.parent in there else replace(node, parent=None))
        for index in followers.pop(node.id, ()):
            heappush(ready, index)
    return found


def lifted(nodes: Sequence[Node], gone: Callable[[Node], bool]) -> list[Node]:
    """Without those that are `gone`: what followed them follows what they followed."""
    by_id = {node.id: node for node in nodes}
    above: dict[str, str | None] = {}  # of one that is gone, so that none is passed twice

    def parent(node: Node) -> str | None:
        passed: dict[str, None] = {}
        at = node.parent
        while at is not None and at not in passed and at in by_id and gone(by_id[at]):
            if at in above:
                at = above[at]
                break
            passed[at] = None
            at = by_id[at].parent
        above.update(dict.fromkeys(passed, at))
        return at

    return [replace(node, parent=parent(node)) for node in nodes if not gone(node)]


def rows(
    tree: Tree, owner: str, chat_id: str, now: float, files: Mapping[str, JsonObject]
) -> tuple[Chat, list[Message]]:
    """As they are stored, with ids of their own; `files` are the parts that stand for those of the tree."""
    nodes = ordered(tree.nodes)
    ids = {node.id: new_id("msg") for node in nodes}
    messages = [_row(node, chat_id, ids, tree.created or now, files) for node in nodes]
    leaf = ids.get(tree.leaf or "") or (messages[-1].id if messages else None)
    title = tree.title or next((first_words(m.text) for m in messages if m.role == "user" and m.text), "")
    chat = Chat(
        id=chat_id, owner=owner, title=title[:200], title_by=tree.title_by, folder=(tree.folder or "")[:100] or None,
        pinned=tree.pinned, leaf=leaf, model=(tree.model or "")[:256] or None, system_prompt=tree.system_prompt,
        params=orjson.dumps(tree.params).decode(), created=tree.created or now,
        updated=tree.updated or tree.created or now,
    )  # fmt: skip
    return chat, messages


def _row(node: Node, chat: str, ids: Mapping[str, str], began: float, files: Mapping[str, JsonObject]) -> Message:
    parts = [found for part in node.parts if (found := _part(part, node.role, files)) is not None]
    cut = node.status == "streaming"
    return Message(
        id=ids[node.id], chat=chat, parent=None if node.parent is None else ids[node.parent], role=node.role,
        parts=dumped(parts), text=searched(parts), created=node.created or began, model=node.model,
        params=json_text(node.params), usage=json_text(node.usage), timings=json_text(node.timings), finish=node.finish,
        status="error" if cut else node.status, error=json_text(INTERRUPTED if cut else node.error),
    )  # fmt: skip


def _part(part: JsonObject, role: Role, files: Mapping[str, JsonObject]) -> JsonObject | None:
    """A file that could not be had is told of by its name."""
    if part["type"] not in MEDIA:
        return part if part["type"] in OF_ROLE[role] else None
    found = files.get(str(part["file_id"])) if role == "user" else None
    return found or {"type": "text", "text": f"[{part['name']}]"}
