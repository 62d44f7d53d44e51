"""Tool calls in streamed text: Hermes-style JSON is passed on as it comes, other formats at their end marker."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias, cast

from dovetail.core.request import JsonObject

_NAME = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")')
_HEAD = re.compile(_NAME.pattern + r'\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)')
_MAX_REST = 4096  # characters of an object after its arguments: read again with every token
_MISTRAL, _MISTRAL_ID = "[TOOL_CALLS]", 9  # its templates take no id of another length
_ALPHABET = string.ascii_letters + string.digits
Parse: TypeAlias = Callable[[str, object], object]


class Content(NamedTuple):
    text: str


class Reasoning(NamedTuple):
    text: str


class CallStart(NamedTuple):
    call: int
    id: str
    name: str
    arguments: str


class CallArguments(NamedTuple):
    call: int
    text: str


Delta: TypeAlias = "Content | Reasoning | CallStart | CallArguments"


class Format(NamedTuple):
    """How a model writes a call. `parse` is mlx-lm's parser, or None where calls are JSON objects."""

    start: str
    end: str
    parse: Parse | None

    @property
    def markup(self) -> tuple[str, ...]:
        return (self.start, self.end)


HERMES = Format("<tool_call>", "</tool_call>", None)


class Source(Protocol):
    chat_template: str | None
    tool_call_start: str | None
    tool_call_end: str | None
    tool_parser: Parse | None


def detect(source: Source) -> Format | None:
    """The model's format, as mlx-lm infers it from the template and vocabulary."""
    if source.tool_call_start is not None and source.tool_parser is not None:
        end = source.tool_call_end or ""
        if source.tool_parser.__module__.endswith(".json_tools"):
            return Format(source.tool_call_start, end, None)
        return Format(source.tool_call_start, end, source.tool_parser)
    text = source.chat_template
    return HERMES if isinstance(text, str) and HERMES.start in text and '"name"' in text else None


class Step(NamedTuple):
    """What a call's text meant; `rest` is the text after the call once it has ended, else None."""

    deltas: list[Delta]
    rest: str | None


class Calls:
    """Numbers the calls of one answer and makes the parser of each."""

    def __init__(self, form: Format, tools: Sequence[JsonObject], *, parallel: bool = True) -> None:
        self._form = form
        self._tools = tools
        functions = [function for tool in tools if isinstance(function := tool.get("function"), dict)]
        self._names = {str(function.get("name")) for function in functions}
        self._parallel = parallel
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether the answer may hold no more calls."""
        return self.count > 0 and not self._parallel

    def offers(self, name: str | None) -> bool:
        """Whether the request has a tool of that name: a call to any other is the text that the model wrote."""
        return name in self._names

    def begin(self) -> JsonCall | BufferedCall:
        return JsonCall(self, self._form.end) if self._form.parse is None else BufferedCall(self, self._form)

    def start(self, name: str, arguments: str, id_: str | None = None) -> CallStart:
        """`id_` is the model's own, whose template may want to see it again."""
        self.count += 1
        size = _MISTRAL_ID if self._form.start == _MISTRAL else 32
        return CallStart(
            self.count - 1, id_ or "".join(secrets.choice(_ALPHABET) for _ in range(size)), name, arguments
        )

    def whole(self, text: str) -> list[Delta]:
        """Every call in `text`; text that holds none is content, and so is a call to a tool that is not offered."""
        try:
            parse = self._form.parse
            found = json.loads(text) if parse is None else parse(text, list(self._tools))
            calls = [_call(item) for item in (cast("list[object]", found) if isinstance(found, list) else [found])]
        except Exception:  # noqa: BLE001  any failure of a parser means: this was no call
            return [Content(text)] if text.strip() else []
        if not all(self.offers(name) for name, _, _ in calls):
            return [Content(text)]
        return [self.start(*call) for call in (calls if self._parallel else calls[:1])]


def _call(found: object) -> tuple[str, str, str | None]:
    if not isinstance(found, Mapping):
        raise TypeError("a call is an object")
    call = cast("Mapping[str, object]", found)
    name, arguments = call.get("name"), call.get("arguments", call.get("parameters", {}))
    if not isinstance(name, str) or not name:
        raise TypeError("a call has a name")
    if name == "unknown" and isinstance(arguments, dict) and "raw" in arguments:
        raise ValueError("mlx-lm's parser for GLM says so of what it cannot read")
    id_ = call.get("id")
    own = id_ if isinstance(id_, str) else None
    if isinstance(arguments, str):
        return name, arguments, own  # no JSON, perhaps: the client sees what the model wrote
    return name, json.dumps(arguments, ensure_ascii=False), own


def _name(head: re.Match[str] | None) -> str | None:
    """The name that `head` quotes; None where there is none, or what stands in the quotes is not JSON."""
    try:
        return None if head is None else cast("str", json.loads(head[1], strict=False)) or None
    except ValueError:  # an escape that JSON does not have
        return None


class BufferedCall:
    """A call that is understood only as a whole."""

    def __init__(self, calls: Calls, form: Format) -> None:
        self._calls = calls
        self._form = form
        self._text = ""

    def feed(self, text: str) -> Step:
        self._text += text
        end = self._text.find(self._form.end) if self._form.end else -1
        if end < 0:
            return Step([], None)
        rest = self._text[end + len(self._form.end) :]
        return Step(self._calls.whole(self._text[:end]), rest)

    def finish(self, *, cut: bool) -> list[Delta]:
        """The answer ended inside the call: half a call is not shown as text, and not guessed at."""
        if cut and self._form.end:
            return []
        found = self._calls.whole(self._text)
        return [delta for delta in found if not ((cut or self._form.end) and isinstance(delta, Content))]


def _closed(text: str, depth: int, marker: str | None = None) -> int | None:
    """Where JSON that begins `depth` brackets deep has closed them all, or `marker` stands; None: it goes on."""
    quoted = escaped = False
    for at, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if not depth:
                return at + 1
        elif marker and text.startswith(marker, at):
            return at
    return None


def _half(text: str) -> bool:
    """Whether `text` is JSON that was begun and not ended."""
    led = text.lstrip()
    return led.startswith(("{", "[")) and _closed(led, 0) is None


def _object_end(text: str, marker: str) -> int | None:
    """How much of `text` still belongs to an object whose last member was read; None: it takes more text to say."""
    led = text.lstrip()
    start = len(text) - len(led)
    if not led.startswith(("}", ",")):
        return start if led else None
    size = _closed(led, 1, marker)
    if size is None:
        return None if len(led) < _MAX_REST else start
    return start + size


class JsonCall:
    """`{"name": ..., "arguments": {...}}`: the arguments are passed on while they are being written."""

    def __init__(self, calls: Calls, end: str) -> None:
        self._calls = calls
        self._end = end
        self._text = ""
        self._index: int | None = None
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._tail = False
        self._open = True  # the object around the arguments

    def feed(self, text: str) -> Step:
        self._text += text
        deltas: list[Delta] = []
        if self._index is None:
            head = _HEAD.match(self._text)
            name = _name(head)
            if head is None or not name or not self._calls.offers(name):
                return self._without_head()
            self._text = self._text[head.end() :]
            start = self._calls.start(name, self._scan())
            self._index = start.call
            deltas.append(start)
        elif not self._tail and (arguments := self._scan()):
            deltas.append(CallArguments(self._index, arguments))
        return Step(deltas, self._after() if self._tail else None)

    def finish(self, *, cut: bool) -> list[Delta]:
        """The answer ended inside the call: what was sent stands, what was no call is content, half a one is neither.

        Of a call that ended before its arguments the name is all there is.
        """
        if self._index is not None:
            return []
        found = [] if cut else self._calls.whole(self._text)
        if any(isinstance(delta, CallStart) for delta in found):
            return found
        name = _name(_NAME.match(self._text))
        if name and self._calls.offers(name):
            return [self._calls.start(name, "")]
        return [] if _half(self._text) else found

    def _without_head(self) -> Step:
        end = self._text.find(self._end)
        if end < 0:
            return Step([], None)
        return Step(self._calls.whole(self._text[:end]), self._text[end + len(self._end) :])

    def _after(self) -> str | None:
        """The text after the call, None while it goes on: to its marker, or to the first text that is no part of it."""
        if self._open:
            size = _object_end(self._text, self._end)
            if size is None:
                return None
            self._text, self._open = self._text[size:], False
        text = self._text.lstrip()
        if not text or (len(text) < len(self._end) and self._end.startswith(text)):
            return None
        return text.removeprefix(self._end)

    def _scan(self) -> str:
        """Take the arguments from the front of the text, up to the brace that closes them."""
        for at, char in enumerate(self._text):
            if self._quoted:
                self._quoted = self._escaped or char != '"'
                self._escaped = char == "\\" and not self._escaped
            elif char == '"':
                self._quoted = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth == 0:
                    return self._take(at + 1, tail=True)
            elif char == self._end[:1] and self._end.startswith(self._text[at : at + len(self._end)]):
                # No JSON has this character here: the model closed a call that it had not finished.
                return self._take(at, tail=self._text.startswith(self._end, at))
        return self._take(len(self._text), tail=False)

    def _take(self, size: int, *, tail: bool) -> str:
        taken, self._text = self._text[:size], self._text[size:]
        self._tail = tail
        return taken
