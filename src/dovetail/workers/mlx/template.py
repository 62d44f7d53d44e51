"""The model's chat template: rendered in transformers' sandbox, under a time limit, and what it can do, by trying."""

from __future__ import annotations

import ctypes
import inspect
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from dovetail.core.request import Json, JsonObject
from dovetail.workers.addresses import bounded

RENDER_LIMIT_S = 5.0
_RENDER_LIMIT_KIB = 64 << 10
# Of addresses, while a template is tried: what a thread reserves for itself is a good part of it.
_SPACE = 512 << 20
_NEEDLE = "n33dle"
_TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))  # where mlx-lm finds none among the vocabulary's tokens
T = TypeVar("T")


class TemplateError(Exception):
    """The template refused the messages, failed, or took too long."""


class Renderer(Protocol):
    chat_template: str | None
    has_chat_template: bool
    think_start: str | None
    think_end: str | None

    def apply_chat_template(self, conversation: Sequence[JsonObject], **options: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Caps:
    """What llama-server reports of a template (`chat_template_caps`)."""

    supports_object_arguments: bool = False
    supports_parallel_tool_calls: bool = False
    supports_preserve_reasoning: bool = False
    supports_reasoning_effort: bool = False
    supports_string_content: bool = True
    supports_system_role: bool = False
    supports_tool_calls: bool = False
    supports_tools: bool = False
    supports_typed_content: bool = False


class Template:
    """Renders conversations. Construction renders a few of its own, so that a hostile template fails the load."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        text = renderer.chat_template
        self.text = text if isinstance(text, str) else ""
        self.available = renderer.has_chat_template
        self.think = _think_tags(renderer, self.text)
        reserved = inspect.signature(type(renderer).apply_chat_template).parameters.keys() | _RESERVED
        self._reserved = reserved - {"self", "kwargs"}
        self.caps = Caps()
        if self.available:
            with bounded(_SPACE):
                self.caps = self._probe()

    @property
    def markup(self) -> tuple[str, ...]:
        return self.think or ()

    def render(
        self,
        messages: Sequence[JsonObject],
        *,
        tools: Sequence[JsonObject] | None = None,
        options: Mapping[str, Json] | None = None,
        add_generation_prompt: bool = True,
    ) -> str:
        """The prompt text. Blocks up to the time limit: not on an event loop.

        Raises:
            TemplateError: the template raised, or did not end in time.
        """
        if not self.available:
            raise TemplateError("the model has no chat template: send a prompt instead of messages")
        # mlx-lm would switch thinking off where the tags are no single tokens; llama-server's default is on.
        extra = {"enable_thinking": self.think is not None, **(options or {})}
        if taken := sorted(self._reserved & extra.keys()):
            raise TemplateError(f'chat_template_kwargs must not set "{taken[0]}"')
        return limited(
            lambda: self._renderer.apply_chat_template(
                list(messages),
                tools=list(tools) if tools else None,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                **extra,
            ),
            RENDER_LIMIT_S,
        )

    def _tried(self, messages: Sequence[JsonObject], tools: Sequence[JsonObject] | None = None) -> str:
        try:
            return self.render(messages, tools=tools)
        except TemplateTimeoutError:
            raise
        except TemplateError as error:
            if isinstance(error.__cause__, MemoryError):
                raise _too_large() from error
            return ""

    def _probe(self) -> Caps:
        user: JsonObject = {"role": "user", "content": "hi"}
        before = _peak_kib()
        plain = self._tried([{"role": "user", "content": _NEEDLE}])
        if before is not None and (_peak_kib() or 0) - before > _RENDER_LIMIT_KIB:
            raise _too_large()
        parts: Json = [{"type": "text", "text": _NEEDLE}]
        typed = self._tried([{"role": "user", "content": parts}])
        system = self._tried([{"role": "system", "content": _NEEDLE}, user])
        tools = self._tried([user], [_tool(_NEEDLE)])
        by_object = self._tried([user, _calling(cast("Json", {"city": _NEEDLE}))])
        by_text = self._tried([user, _calling(json.dumps({"city": _NEEDLE}))])
        twice = self._tried([user, _calling(cast("Json", {"city": "a"}), count=2)])
        return Caps(
            supports_object_arguments=_NEEDLE in by_object,
            supports_parallel_tool_calls="call_1" in twice and "call_0" in twice,
            supports_preserve_reasoning=any(n in self.text for n in ("preserve_thinking", "clear_thinking")),
            supports_reasoning_effort="reasoning_effort" in self.text,
            supports_string_content=_NEEDLE in plain,
            supports_system_role=_NEEDLE in system,
            supports_tool_calls=_NEEDLE in by_object or _NEEDLE in by_text,
            supports_tools=_NEEDLE in tools,
            supports_typed_content=_NEEDLE in typed and "'text'" not in typed and '"text"' not in typed,
        )


def _too_large() -> TemplateError:
    return TemplateError("the chat template needs more than 64 MiB for one short message")


class TemplateTimeoutError(TemplateError):
    """The template did not end in time."""


def limited(work: Callable[[], T], seconds: float) -> T:
    """Run `work` on a thread of its own and break it off after `seconds`.

    Python's asynchronous exception ends loops of bytecode, which is what a Jinja template compiles to.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  handed to the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="template", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        thread.join(1.0)
        raise TemplateTimeoutError(f"the chat template did not end within {seconds:g} s")
    if errors:
        raise TemplateError(f"the chat template failed: {errors[0]}") from errors[0]
    return results[0]


_RESERVED = frozenset(
    {
        "conversation",
        "conversations",
        "messages",
        "tools",
        "documents",
        "chat_template",
        "tokenize",
        "padding",
        "truncation",
        "max_length",
        "return_tensors",
        "return_dict",
        "return_assistant_tokens_mask",
        "tokenizer_kwargs",
        "add_generation_prompt",
        "continue_final_message",
    }
)


def _think_tags(renderer: Renderer, text: str) -> tuple[str, str] | None:
    if renderer.think_start and renderer.think_end:
        return renderer.think_start, renderer.think_end
    return next((tags for tags in _TAGS if all(tag in text for tag in tags)), None)


def _tool(name: str) -> JsonObject:
    parameters: JsonObject = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}}


def _calling(arguments: Json, count: int = 1) -> JsonObject:
    # Nine letters and digits: Mistral's templates refuse any other id.
    calls: list[Json] = [
        {"id": f"call{n:05d}", "type": "function", "function": {"name": f"call_{n}", "arguments": arguments}}
        for n in range(count)
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def _peak_kib() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> 10 if sys.platform == "darwin" else peak
