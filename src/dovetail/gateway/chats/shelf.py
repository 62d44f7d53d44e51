"""One owner's conversations. Nobody finds another's."""

from __future__ import annotations

import secrets
from dataclasses import replace

import orjson

from dovetail.core.errors import Busy, InvalidRequest
from dovetail.gateway.chats.archive import UNDO, Archive
from dovetail.gateway.chats.parts import checked, dumped, first_words, parts_of, searched
from dovetail.gateway.chats.shapes import ChatChange, MessageChange, NewChat, NewChatDefaults, NewMessage, NewPreset
from dovetail.storage import chat_files, chat_search, chats
from dovetail.storage.chat_search import Hit
from dovetail.storage.chats import Chat, Connection, Defaults, Message, Place, Preset

MOST_CHATS = 20_000
MOST_MESSAGES = 10_000
MOST_PRESETS = 500


class Shelf:
    """What one owner keeps; `quota` bytes at most. Methods raise InvalidRequest for what is not there or not sound."""

    def __init__(self, archive: Archive, owner: str, quota: int) -> None:
        self.archive = archive
        self._owner = owner
        self._quota = quota

    @property
    def owner(self) -> str:
        """Whom it was made for, or the first account once that has taken it over. In a transaction it holds for it."""
        return self.archive.heir(self._owner)

    async def page(self, limit: int, folder: str | None, after: Place | None) -> tuple[list[Chat], list[str]]:
        """Chats, and all folders."""
        return await self.archive.run(
            lambda c: (chats.chats(c, self.owner, limit, folder=folder, after=after), chats.folders(c, self.owner))
        )

    async def found(self, text: str, limit: int) -> tuple[list[tuple[Chat, Hit]], list[str]]:
        """Chats that hold `text`, and all folders."""

        def work(c: Connection) -> tuple[list[tuple[Chat, Hit]], list[str]]:
            hits = chat_search.search(c, self.owner, text, limit)
            return [(self.one(c, hit.chat), hit) for hit in hits], chats.folders(c, self.owner)

        return await self.archive.run(work)

    async def begin(self, new: NewChat) -> Chat:
        now = self.archive.clock()

        def work(c: Connection) -> Chat:
            made = Chat(
                id=new_id("chat"),
                owner=self.owner,
                title=new.title or "",
                title_by="user" if new.title else "words",
                folder=new.folder,
                pinned=False,
                leaf=None,
                model=new.model,
                system_prompt=new.system_prompt,
                params=orjson.dumps(new.params).decode(),
                created=now,
                updated=now,
            )
            self.check_count(c)
            self.check_room(c, chats.weight(made))
            chats.add_chat(c, made)
            return made

        return await self.archive.run(work)

    async def chat(self, chat_id: str) -> Chat:
        return await self.archive.run(lambda c: self.one(c, chat_id))

    async def whole(self, chat_id: str) -> tuple[Chat, list[Message]]:
        return await self.archive.run(lambda c: (self.one(c, chat_id), chats.messages(c, chat_id)))

    async def change(self, chat_id: str, change: ChatChange) -> Chat:
        said = change.model_fields_set

        def work(c: Connection) -> Chat:
            old = self.one(c, chat_id)
            if change.leaf_id is not None:
                message(c, chat_id, change.leaf_id, "leaf_id")
            new = replace(
                old,
                title=change.title or old.title,
                title_by="user" if change.title else old.title_by,
                folder=change.folder if "folder" in said else old.folder,
                pinned=old.pinned if change.pinned is None else change.pinned,
                leaf=change.leaf_id or old.leaf,
                model=change.model if "model" in said else old.model,
                system_prompt=old.system_prompt if change.system_prompt is None else change.system_prompt,
                params=old.params if change.params is None else orjson.dumps(change.params).decode(),
            )
            self.check_room(c, chats.weight(new) - chats.weight(old))
            chats.put_chat(c, new)
            return new

        return await self.archive.run(work)

    async def delete(self, chat_id: str) -> None:
        """It can be restored for a while."""
        now = self.archive.clock()
        await self.archive.run(lambda c: chats.put_chat(c, replace(self.one(c, chat_id), deleted=now)))

    async def delete_all(self) -> list[str]:
        """All or none; each can be restored for a while, by its id."""
        now = self.archive.clock()
        return await self.archive.run(lambda c: chats.delete_all(c, self.owner, now))

    async def restore(self, chat_id: str) -> Chat:
        def work(c: Connection) -> Chat:
            found = chats.chat(c, self.owner, chat_id, deleted=True)
            if found is None or (found.deleted or 0.0) < self.archive.clock() - UNDO:
                raise missing("chat", code="chat_not_found", name=chat_id)
            chats.put_chat(c, kept := replace(found, deleted=None))
            return kept

        return await self.archive.run(work)

    async def add(self, chat_id: str, new: NewMessage) -> tuple[Chat, Message]:
        """A message behind its parent, at the end of the branch that is shown."""

        def work(c: Connection) -> tuple[Chat, Message]:
            chat = self.one(c, chat_id)
            if new.parent_id is not None:
                message(c, chat_id, new.parent_id, "parent_id")
            parts = checked(new.parts, new.role, chat_files.of_chat(c, chat_id))
            made = Message(
                id=new_id("msg"),
                chat=chat_id,
                parent=new.parent_id,
                role=new.role,
                parts=dumped(parts),
                text=searched(parts),
                created=self.archive.clock(),
            )
            return self.grow(c, chat, made), made

        return await self.archive.run(work)

    async def edit(self, chat_id: str, message_id: str, change: MessageChange) -> tuple[Chat, Message]:
        """Other parts in place; what follows stays."""

        def work(c: Connection) -> tuple[Chat, Message]:
            chat = self.one(c, chat_id)
            old = message(c, chat_id, message_id)
            if old.status == "streaming":
                raise running()
            parts = checked(change.parts, old.role, chat_files.of_chat(c, chat_id))
            new = replace(old, parts=dumped(parts), text=searched(parts))
            self.check_room(c, chats.weight(new) - chats.weight(old))
            chats.put_message(c, new)
            return chat, new

        return await self.archive.run(work)

    async def branch(self, chat_id: str, leaf: str) -> tuple[Chat, list[Message]]:
        """From the root to the message `leaf`, which a request names as `parent_id`."""

        def work(c: Connection) -> tuple[Chat, list[Message]]:
            chat = self.one(c, chat_id)
            message(c, chat_id, leaf, "parent_id")
            return chat, chats.branch(c, chat_id, leaf)

        return await self.archive.run(work)

    async def open(self, answer: Message, *, is_new: bool) -> Chat:
        """The conversation with `answer`, which begins to be written: a new message, or one that is gone on with."""

        def work(c: Connection) -> Chat:
            chat = self.one(c, answer.chat)
            if is_new:
                message(c, chat.id, answer.parent or "", "parent_id")
                grown = self.grow(c, chat, answer)
            else:
                old = message(c, chat.id, answer.id)
                if old.parts != answer.parts:
                    raise InvalidRequest(
                        "this message was edited meanwhile; send the request again", code="message_changed", status=409
                    )
                self.check_room(c, chats.weight(answer) - chats.weight(old))
                chats.put_message(c, answer)
                grown = replace(chat, leaf=answer.id, updated=self.archive.clock())
            grown = replace(grown, model=grown.model or answer.model)
            chats.put_chat(c, grown)
            return grown

        return await self.archive.run(work)

    async def give_up(self, answer: Message) -> None:
        """For an answer that may have been opened and that nobody is going to write."""

        def work(c: Connection) -> None:
            there = chats.message(c, answer.chat, answer.id)
            if there is not None and (there.run, there.status) == (answer.run, "streaming"):
                chats.put_message(c, replace(there, status="stopped", text=searched(parts_of(there.parts))))

        await self.archive.run(work)

    async def of_run(self, run_id: str) -> Message:
        """The message that a run has written."""
        found = await self.archive.run(lambda c: chats.of_run(c, self.owner, run_id))
        if found is None:
            raise missing("run", code="run_not_found", name=run_id)
        return found

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.archive.clock()

    def grow(self, c: Connection, chat: Chat, new: Message) -> Chat:
        """`chat` with the message `new`, inside a transaction. Raises Busy beyond the quota."""
        self.check_room(c, chats.weight(new))
        if chats.length(c, chat.id) >= MOST_MESSAGES:
            raise InvalidRequest(
                f"this conversation has {MOST_MESSAGES} messages; begin a new one", code="too_many_messages", status=409
            )
        chats.add_message(c, new)
        title = chat.title or (first_words(new.text) if new.role == "user" else "")
        grown = replace(chat, leaf=new.id, updated=new.created, title=title)
        chats.put_chat(c, grown)
        return grown

    def check_count(self, c: Connection) -> None:
        """Raises InvalidRequest where there are as many conversations as there may be."""
        if chats.count(c, self.owner) >= MOST_CHATS:
            raise InvalidRequest(
                f"there are {MOST_CHATS} conversations already; delete some", code="too_many_chats", status=409
            )

    def check_room(self, c: Connection, more: int) -> None:
        """Raises Busy where `more` bytes are more than the owner may keep."""
        used = chats.size(c, self.owner)
        if more > 0 and used + more > self._quota:
            raise Busy(
                f"your conversations take {used} bytes of {self._quota} (chats.quota), and this needs {more} more: "
                "delete some, files above all",
                code="quota_exceeded",
                status=507,
            )

    async def presets(self) -> list[Preset]:
        return await self.archive.run(lambda c: chats.presets(c, self.owner))

    async def put_preset(self, preset_id: str, new: NewPreset) -> Preset:
        return await self.archive.run(lambda c: self.keep_preset(c, preset_id, new))

    def keep_preset(self, c: Connection, preset_id: str, new: NewPreset) -> Preset:
        """Inside a transaction. Raises InvalidRequest for too many, Busy beyond the quota."""
        params = orjson.dumps(new.params).decode()
        made = Preset(self.owner, preset_id, new.name, new.system_prompt, params, self.archive.clock())
        there = {preset.id: preset for preset in chats.presets(c, self.owner)}
        if preset_id not in there and len(there) >= MOST_PRESETS:
            raise InvalidRequest(
                f"there are {MOST_PRESETS} presets already; delete some", code="too_many_presets", status=409
            )
        self.check_room(c, chats.weight(made) - (chats.weight(there[preset_id]) if preset_id in there else 0))
        chats.put_preset(c, made)
        return made

    async def remove_preset(self, preset_id: str) -> None:
        if not await self.archive.run(lambda c: chats.remove_preset(c, self.owner, preset_id)):
            raise missing("preset", code="preset_not_found", name=preset_id)

    async def defaults(self) -> tuple[str | None, Preset | None]:
        """The model and the preset that new conversations begin with."""
        return await self.archive.run(self._defaults)

    async def put_defaults(self, new: NewChatDefaults) -> tuple[str | None, Preset | None]:
        """Raises InvalidRequest for a preset that is not there; models come and go."""

        def keep(c: Connection) -> tuple[str | None, Preset | None]:
            if new.preset is not None and all(one.id != new.preset for one in chats.presets(c, self.owner)):
                raise missing("preset", code="preset_not_found", name=new.preset, param="preset")
            chats.put_defaults(c, Defaults(self.owner, new.model, new.preset))
            return self._defaults(c)

        return await self.archive.run(keep)

    def _defaults(self, c: Connection) -> tuple[str | None, Preset | None]:
        said = chats.defaults(c, self.owner)
        return said.model, next((one for one in chats.presets(c, self.owner) if one.id == said.preset), None)

    def one(self, c: Connection, chat_id: str) -> Chat:
        """Inside a transaction."""
        found = chats.chat(c, self.owner, chat_id)
        if found is None:
            raise missing("chat", code="chat_not_found", name=chat_id)
        return found


def message(c: Connection, chat_id: str, message_id: str, param: str | None = None) -> Message:
    """A message of a chat, named by the field `param`. Raises InvalidRequest with 404."""
    found = chats.message(c, chat_id, message_id)
    if found is None:
        raise missing("message", code="message_not_found", name=message_id, param=param)
    return found


def missing(what: str, *, code: str, name: str, param: str | None = None) -> InvalidRequest:
    """No such thing, or not the caller's."""
    return InvalidRequest(f"you have no {what} {name[:64]!r} here", code=code, status=404, param=param)


def running() -> InvalidRequest:
    """What is being written cannot be changed."""
    return InvalidRequest(
        "an answer is being written in this conversation: wait for it, or stop it", code="chat_running", status=409
    )


def new_id(kind: str) -> str:
    """A fresh id such as `chat_9f…`, which cannot be guessed."""
    return f"{kind}_{secrets.token_hex(12)}"
