"""Rows as answers show them."""

from __future__ import annotations

from dovetail.core.request import JsonObject
from dovetail.gateway.chats.parts import loaded, parts_of
from dovetail.storage.chats import Chat, Message, Preset


def chat_answer(chat: Chat, running: str | None) -> JsonObject:
    """A `ChatSummary`."""
    return {
        "id": chat.id,
        "title": chat.title,
        "title_by": chat.title_by,
        "folder": chat.folder,
        "pinned": chat.pinned,
        "leaf_id": chat.leaf,
        "model": chat.model,
        "system_prompt": chat.system_prompt,
        "params": loaded(chat.params),
        "created_at": chat.created,
        "updated_at": chat.updated,
        "running": running,
    }


def message_answer(message: Message) -> JsonObject:
    """A `ChatMessage`."""
    return {
        "id": message.id,
        "parent_id": message.parent,
        "role": message.role,
        "parts": [*parts_of(message.parts)],
        "model": message.model,
        "params": loaded(message.params),
        "usage": loaded(message.usage),
        "timings": loaded(message.timings),
        "finish_reason": message.finish,
        "status": message.status,
        "error": loaded(message.error),
        "run_id": message.run,
        "created_at": message.created,
    }


def defaults_answer(model: str | None, preset: Preset | None) -> JsonObject:
    """A `ChatDefaults`."""
    return {"model": model, "preset": None if preset is None else preset_answer(preset)}


def preset_answer(preset: Preset) -> JsonObject:
    """A `PresetObject`."""
    return {
        "id": preset.id,
        "name": preset.name,
        "system_prompt": preset.system_prompt,
        "params": loaded(preset.params),
        "updated_at": preset.updated,
    }
