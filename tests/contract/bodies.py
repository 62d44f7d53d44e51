"""Request bodies that clients should not send: sound ones with pieces put out of joint, and bytes that are no JSON."""

import json
from collections.abc import Iterator
from typing import Any, cast

from hypothesis import strategies as st

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASKED = [
    {"role": "system", "content": "Answer in English."},
    {"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]},
]
CALLED = [
    {"role": "user", "content": "What is the weather in Paris?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "a", "content": "sunny"},
]
SAMPLED = {
    "max_tokens": 5, "temperature": 0.7, "top_p": 0.9, "top_k": 20, "min_p": 0.01, "typical_p": 0.9, "seed": 7,
    "repeat_penalty": 1.1, "repeat_last_n": 32, "frequency_penalty": 0.1, "presence_penalty": 0.1,
    "top_n_sigma": 2.0, "xtc_probability": 0.5, "xtc_threshold": 0.1, "stop": ["\n\n", "zz"],
}  # fmt: skip
REPEATED = {
    "max_tokens": 5, "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": -1,
    "dry_sequence_breakers": ["\n", ":"], "mirostat": 2, "mirostat_tau": 5.0, "mirostat_eta": 0.1,
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0}, "b": {"type": "array", "items": {"enum": ["x", 1]}}},
    "required": ["a"],
}
UNTHINKING = {"chat_template_kwargs": {"enable_thinking": False}}
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
GIVES = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}
GIVEN: list[Any] = [
    {"role": "user", "content": [{"type": "input_text", "text": "What is the weather in Paris?"}]},
    {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "a", "output": "sunny"},
]
LOOKED = {"name": "get_weather", "description": "Get it", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Paris"}}
USED: list[Any] = [
    {"role": "user", "content": [{"type": "text", "text": "What is the weather in Paris?"}]},
    {"role": "assistant", "content": [USE]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "sunny"}]},
]
TEXT = "/v1/completions"

# A route and a body that it answers with 200; `model` is added.
SOUND: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {"messages": ASKED, "stream": True, "stream_options": {"include_usage": True}, **SAMPLED, **UNTHINKING}),
    (CHAT, {"messages": ASKED, "n": 2, "logprobs": True, "top_logprobs": 2, "logit_bias": {"5": -1}, **REPEATED}),
    (CHAT, {"messages": CALLED, "tools": [WEATHER], "tool_choice": "auto", "max_tokens": 5, **UNTHINKING}),
    (CHAT, {"messages": ASKED, "tools": [WEATHER], "tool_choice": "required", "max_tokens": 20, **UNTHINKING}),
    (
        CHAT,
        {
            "messages": ASKED,
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
            "max_tokens": 12,
            **UNTHINKING,
        },
    ),
    (
        RESPONSES,
        {"input": "Hello", "instructions": "Be brief.", "max_output_tokens": 5, "stream": False},
    ),
    (
        RESPONSES,
        {"input": GIVEN, "tools": [GIVES], "max_output_tokens": 5, "reasoning": {"effort": "none"}},
    ),
    (f"{RESPONSES}/input_tokens", {"input": GIVEN, "tools": [GIVES], "tool_choice": "auto"}),
    (MESSAGES, {"messages": ASKED[1:], "system": "Answer in English.", "max_tokens": 5, "stream": False, "top_k": 5}),
    (MESSAGES, {"messages": USED, "tools": [LOOKED], "max_tokens": 5, "thinking": {"type": "disabled"}}),
    (f"{MESSAGES}/count_tokens", {"messages": USED, "tools": [LOOKED], "thinking": {"type": "adaptive"}}),
    (TEXT, {"prompt": ["The capital of", "Hello"], "n": 2, "logprobs": 2, **SAMPLED}),
    (TEXT, {"prompt": [[5, 6], [7]], "stream": True, "max_tokens": 4, "grammar": 'root ::= "a" [b-d]+'}),
    (TEXT, {"prompt": [5, 6, 7], "max_tokens": 4, "regex": "[a-z]+", "echo": False}),
    ("/completion", {"prompt": ["Hello", 5], "n_predict": 4, "n_probs": 2, "logit_bias": [[5, 1.5], [" a", False]]}),
    ("/completion", {"prompt": "Hello", "stream": True, "json_schema": SCHEMA, **REPEATED}),
    ("/v1/embeddings", {"input": ["a", "word " * 20], "encoding_format": "base64", "dimensions": 8, "user": "u"}),
    ("/v1/embeddings", {"input": [[5, 6], [7]], "pooling": "last", "normalize": False}),
    ("/tokenize", {"content": "Hello", "add_special": True, "parse_special": False, "with_pieces": True}),
    ("/detokenize", {"tokens": [5, 6, 7]}),
    ("/apply-template", {"messages": CALLED, "tools": [WEATHER], "tool_choice": "auto"}),
    ("/embedding", {"content": ["a", [5, 6]], "embd_normalize": 3, "encoding_format": "float"}),
]

NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e-300, 5e-324, 1e300, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 63, 1 << 64,
    -(1 << 63), 10**400, float("nan"), float("inf"), -float("inf"), "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800",
    "\ufffe\uffff", "1", "true", "null", "NaN", "😀", "e" + "\u0301" * 300, "x" * 70_000, "<|im_end|>", "<|im_start|>",
    "<think>", "</think>", "<tool_call>", "../../etc/passwd", "%llguidance {}", "{{ 7 * 7 }}", "{% raw %}",
    [], [[]], [None], [0], [-1], [1 << 40], [1.5], [True], [""], ["a", 1], ["a", ["b"]], ["x"] * 3000, [{}], [[[]]],
    {}, {"": ""}, {"a": {}}, {"type": "text"}, {"type": "object"}, {"$ref": "#"}, {"anyOf": []}, {"0": 1},
    {"99999999999": 1}, {"type": "string", "pattern": "(a+)+$"}, {"type": ["null", "array"], "minItems": 10**9},
    {"not": {}}, {"enum": []}, {"const": "\ud800"},
]  # fmt: skip

_leaves = st.one_of(st.sampled_from(NASTY), st.text(max_size=6), st.floats(), st.integers())
VALUES = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(cast("dict[Any, Any]", value).items())
    return list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value but the whole of it."""
    for step, inner in _items(value):
        yield (*path, step)
        yield from _places(inner, (*path, step))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed: Any = dict(_items(value))
    changed[path[0]] = _put(changed.get(path[0]), path[1:], new)
    return changed if isinstance(value, dict) else list(changed.values())


@st.composite
def out_of_joint(draw: st.DrawFn, model: str) -> tuple[str, dict[str, Any]]:
    """A route and a sound body of which one to three values are others, gone, or have a field beside them."""
    path, body = draw(st.sampled_from(SOUND))
    body = {"model": model, **body}
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        places = list(_places(body))
        place = draw(st.sampled_from(places))
        match draw(st.sampled_from(["other", "other", "other", "gone", "moved", "more"])):
            case "other":
                body = _put(body, place, draw(VALUES))
            case "gone":
                body = {name: value for name, value in body.items() if name != place[0]}
            case "moved":
                body = _put(body, place, _at(body, draw(st.sampled_from(places))))
            case _:
                body = {**body, draw(st.sampled_from(FIELDS)): draw(VALUES)}
        if not body:
            break
    return path, body


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


FIELDS = sorted(
    {name for _, body in SOUND for name in body} | {"max_completion_tokens", "n_predict", "typ_p", "suffix"}
)


@st.composite
def no_json(draw: st.DrawFn, model: str) -> tuple[str, bytes, str | None]:
    """A route, bytes that began as a sound body, and a content type."""
    path, body = draw(st.sampled_from(SOUND))
    whole = json.dumps({"model": model, **body}).encode()
    at = draw(st.integers(0, len(whole)))
    piece = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
    match draw(st.sampled_from(["cut", "in", "over", "twice", "alone"])):
        case "cut":
            whole = whole[:at]
        case "in":
            whole = whole[:at] + piece + whole[at:]
        case "over":
            whole = whole[:at] + piece + whole[at + len(piece) :]
        case "twice":
            name = draw(st.sampled_from(sorted(body))).encode()
            whole = whole[:-1] + b', "' + name + b'": ' + piece + b"}"
        case _:
            whole = piece
    return (
        path,
        whole,
        draw(st.sampled_from([None, "application/json", "text/plain", "x/y", "multipart/form-data", ""])),
    )


PIECES = [
    b"", b"null", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\x00",
    b'"\\ud800"', b'"\\u0000"', b"[" * 100, b'{"a":' * 100, b"[" * 100_000, b"\xef\xbb\xbf", b"{}", b"[]", b"//", b"'",
    b"0x10", b"1_000", b"+1", b"01", b".5", b"\\", b'"', b"{" * 64, b"\n\r\t \x0b", b"true false",
]  # fmt: skip
