"""A chat request's messages, checked and rendered to the prompt text, an unfinished last answer included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.protocol import Chat, ContinueField, RequestError
from dovetail.workers.mlx.reasoning import Opening
from dovetail.workers.mlx.template import Template, TemplateError


def render(template: Template, chat: Chat) -> str:
    """The prompt text. Blocks while the template renders.

    Raises:
        RequestError: the messages are wrong, or the template refuses them.
    """
    messages = [_message(message, template) for message in chat.messages]
    if not messages:
        raise RequestError("'messages' must not be empty")
    if chat.tools and template.available and not template.caps.supports_tools:
        raise RequestError("Field 'tools': the model's chat template has no place for them")
    # llama-server continues an unfinished answer whether or not it is asked to.
    last = messages.pop() if messages[-1]["role"] == "assistant" else None
    if last is None and chat.continue_field is not None:
        raise RequestError("continue_final_message needs an assistant message at the end")
    if last is not None:
        _check_unfinished(last, messages)
    try:
        text = template.render(
            messages,
            tools=chat.tools,
            options=chat.options,
            add_generation_prompt=chat.add_generation_prompt or last is not None,
        )
    except TemplateError as error:
        raise RequestError(str(error)) from error
    return text if last is None else text + _unfinished(last, text, template, chat.continue_field)


def opening(text: str, template: Template, chat: Chat) -> Opening:
    """Where the rendered prompt leaves off."""
    if template.think is not None and (
        text.rstrip().endswith(template.think[0]) or chat.continue_field == "reasoning_content"
    ):
        return Opening.THOUGHT
    return Opening.CONTENT if chat.messages[-1].get("role") == "assistant" else Opening.ANSWER


def _check_unfinished(last: JsonObject, before: Sequence[JsonObject]) -> None:
    if before and before[-1]["role"] == "assistant":
        raise RequestError("Cannot have 2 or more assistant messages at the end of the list.")
    if last.get("tool_calls"):
        raise RequestError("Cannot continue an assistant message that contains tool calls.")


def _unfinished(last: JsonObject, prompt: str, template: Template, field: ContinueField | None) -> str:
    """The last answer as far as it goes; before its content the reasoning is closed, even where there was none."""
    content, reasoning = str(last.get("content") or ""), str(last.get("reasoning_content") or "")
    if template.think is None:
        return content
    start, end = template.think
    thought = reasoning if prompt.rstrip().endswith(start) else f"{start}\n{reasoning}"
    return thought if field == "reasoning_content" else f"{thought}\n{end}\n\n{content}"


def _message(message: JsonObject, template: Template) -> JsonObject:
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise RequestError("every message needs a 'role'")
    if role == "developer" and role not in template.text:  # which would drop the message without a word
        role = "system"
    found: JsonObject = {**message, "role": role, "content": _content(message, role, template)}
    for name in ("reasoning_content", "tool_call_id", "name"):
        if found.get(name) is not None and not isinstance(found[name], str):
            raise RequestError(f"'{name}' of a message must be a string")
    calls = message.get("tool_calls")
    if calls is not None:
        if not isinstance(calls, list):
            raise RequestError("'tool_calls' must be an array")
        found["tool_calls"] = [_call(call, as_object=template.caps.supports_object_arguments) for call in calls]
    return found


def _content(message: JsonObject, role: str, template: Template) -> Json:
    content = message.get("content")
    if content is None:
        if role != "assistant":
            raise RequestError("All non-assistant messages must contain 'content'")
        if not message.get("tool_calls") and not message.get("reasoning_content"):
            raise RequestError("Assistant message must contain either 'content' or 'tool_calls'!")
        return ""
    if isinstance(content, str):
        only_typed = template.caps.supports_typed_content and not template.caps.supports_string_content
        return [{"type": "text", "text": content}] if only_typed else content
    if not isinstance(content, list):
        raise RequestError("Expected 'content' to be a string or an array")
    texts = [_text(part) for part in content]
    if template.caps.supports_typed_content and not template.caps.supports_string_content:
        return content
    return "\n".join(texts)


def _text(part: Json) -> str:
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise RequestError("content parts must be text: this model reads nothing else")
    return cast("str", part["text"])


def _call(call: Json, *, as_object: bool) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RequestError("every tool call needs a function with a name")
    arguments = function.get("arguments", "{}")
    if as_object and isinstance(arguments, str):
        try:
            arguments = cast("Json", json.loads(arguments or "{}"))
        except (ValueError, RecursionError) as error:
            raise RequestError("'arguments' of a tool call must be JSON") from error
    elif not as_object and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return {**call, "function": {**function, "arguments": arguments}}
