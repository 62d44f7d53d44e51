"""Request bodies in the OpenAI dialect as llama-server reads it, every field checked before it is used."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, TypeAlias, cast

from dovetail.core.request import Json, JsonObject, Keep
from dovetail.workers.mlx.dry import DryOptions
from dovetail.workers.mlx.mirostat import MirostatOptions
from dovetail.workers.mlx.sampling import GREEDY, Chain, Sampling

_MAX_INT = (1 << 31) - 1
_MAX_SEED = (1 << 32) - 1
_MAX_STOPS = 16
_MAX_STOP_BYTES = 1024
_MAX_PROBS = 1 << 16  # as llama-server, which has no bound; clients may ask for 100
_MAX_BREAKERS = 64
_MAX_SALT = 256
_MAX_BIAS = 1e30  # what a float32 logit can be added to
_COLD = 1e-5  # below this a temperature is 0: logits divided by it would overflow
_DEFAULT_PROBS = 20  # llama-server's, where top_logprobs is absent
_PenaltyRange = (-100.0, 100.0)
ContinueField: TypeAlias = Literal["content", "reasoning_content"]


class RequestError(Exception):
    """A request that cannot be served, with llama-server's status and type."""

    def __init__(self, message: str, *, status: int = 400, type_: str = "invalid_request_error", **extra: int) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Known:
    """What of the model and the worker a request is checked against."""

    n_vocab: int
    eos: Collection[int]
    default_tokens: int
    encode: Callable[[str], Sequence[int]] = lambda _: ()  # text to ids, without those that open a text


@dataclass(frozen=True, slots=True)
class Generate:
    """What both generating routes have in common."""

    sampling: Sampling
    max_tokens: int
    stops: tuple[str, ...]
    ignore_eos: bool
    progress: bool
    timings_per_token: bool
    reuse: bool
    space: str
    keep: Keep
    top_logprobs: int | None


@dataclass(frozen=True, slots=True)
class Chat:
    messages: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...]
    options: Mapping[str, Json]
    add_generation_prompt: bool
    continue_field: ContinueField | None
    split_reasoning: bool
    parallel_calls: bool
    include_usage: bool
    generate: Generate


@dataclass(frozen=True, slots=True)
class Completion:
    prompt: tuple[str | int, ...]
    generate: Generate


def parse_json(body: bytes) -> JsonObject:
    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        found: object = json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise RequestError("the body must be a JSON object")
    return cast("JsonObject", found)


class Fields:
    """Typed reads of a body; null counts as absent. Every failure names its field."""

    def __init__(self, body: JsonObject) -> None:
        self._body = body

    def get(self, name: str) -> Json:
        return self._body.get(name)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(name, "must be a number")
        if not low <= value <= high:
            raise _bad(name, f"must be between {low:g} and {high:g}")
        return float(value)

    def integer(self, name: str, default: int, low: int, high: int = _MAX_INT) -> int:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise _bad(name, "must be an integer")
        if not low <= value <= high:
            raise _bad(name, f"must be between {low} and {high}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _bad(name, "must be true or false")
        return value

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if not isinstance(value, str):
            raise _bad(name, "must be a string")
        return value

    def mapping(self, name: str) -> JsonObject:
        value = self._body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _bad(name, "must be an object")
        return value

    def objects(self, name: str) -> tuple[JsonObject, ...]:
        value = self._body.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _bad(name, "must be an array")
        if not all(isinstance(item, dict) for item in value):
            raise _bad(name, "must hold objects only")
        return tuple(cast("list[JsonObject]", value))


def read_chat(body: JsonObject, known: Known) -> Chat:
    fields = Fields(body)
    if fields.get("messages") is None:
        raise RequestError("'messages' is required")
    tools = fields.objects("tools")
    for tool in tools:
        _check_tool(tool)
    choice = fields.get("tool_choice")
    if choice not in (None, "auto", "none"):
        raise _bad("tool_choice", 'must be "auto" or "none": this worker cannot force a call')
    continue_field = _continue_field(fields)
    add_prompt = fields.flag("add_generation_prompt", default=True)
    if add_prompt and continue_field is not None:
        raise RequestError("Cannot set both add_generation_prompt and continue_final_message to true.")
    logprobs = fields.flag("logprobs", default=False)
    if not logprobs and fields.get("top_logprobs") is not None:
        raise RequestError("top_logprobs requires logprobs to be set to true")
    top = fields.integer("top_logprobs", _DEFAULT_PROBS, 0, _MAX_PROBS) if logprobs else None
    limit = "max_completion_tokens" if fields.get("max_tokens") is None else "max_tokens"
    return Chat(
        messages=fields.objects("messages"),
        tools=() if choice == "none" else tools,
        options=fields.mapping("chat_template_kwargs"),
        add_generation_prompt=add_prompt,
        continue_field=continue_field,
        split_reasoning=_reasoning_format(fields),
        parallel_calls=fields.flag("parallel_tool_calls", default=True),
        include_usage=Fields(fields.mapping("stream_options")).flag("include_usage", default=False),
        generate=_generate(fields, known, limit, top),
    )


def read_completion(body: JsonObject, known: Known) -> Completion:
    fields = Fields(body)
    probs = fields.integer("n_probs", 0, 0, _MAX_PROBS)
    limit = "max_tokens" if fields.get("n_predict") is None else "n_predict"
    generate = _generate(fields, known, limit, probs or None)
    return Completion(mixed(fields.get("prompt"), "prompt", known.n_vocab), generate)


def mixed(value: Json, name: str, n_vocab: int) -> tuple[str | int, ...]:
    """A string, ids, or both in one list; ids outside the vocabulary would bring MLX down."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise _bad(name, "must be a string or an array of strings and token ids")
    if any(isinstance(item, bool) or not isinstance(item, str | int) for item in value):
        raise _bad(name, "must hold strings and token ids only")
    items = cast("list[str | int]", value)
    if any(isinstance(item, int) and not 0 <= item < n_vocab for item in items):
        raise RequestError(f"Prompt contains invalid tokens: ids are 0 to {n_vocab - 1}")
    return tuple(items)


def token_ids(value: Json, name: str, n_vocab: int) -> list[int]:
    items = mixed([] if value is None else value, name, n_vocab)
    if any(isinstance(item, str) for item in items):
        raise _bad(name, "must hold token ids only")
    return [item for item in items if isinstance(item, int)]


def _bad(name: str, problem: str) -> RequestError:
    return RequestError(f"Field '{name}': {problem}")


def _generate(fields: Fields, known: Known, limit: str, top_logprobs: int | None) -> Generate:
    n_vocab = known.n_vocab
    if not fields.flag("stream", default=True):
        raise _bad("stream", "must be true: this worker only streams")
    _refuse_unsupported(fields)
    ignore_eos = fields.flag("ignore_eos", default=False)
    bias = _logit_bias(fields.get("logit_bias"), known)
    if ignore_eos:
        bias += [(token, -math.inf) for token in known.eos if token < n_vocab]
    return Generate(
        sampling=_sampling(fields, tuple(bias)),
        max_tokens=fields.integer(limit, known.default_tokens, -1),
        stops=_stops(fields.get("stop")),
        ignore_eos=ignore_eos,
        progress=fields.flag("return_progress", default=False),
        timings_per_token=fields.flag("timings_per_token", default=False),
        reuse=fields.flag("cache_prompt", default=True),
        space=_salt(fields),
        keep=_keep(fields),
        top_logprobs=None if top_logprobs is None else min(top_logprobs, n_vocab),
    )


def _salt(fields: Fields) -> str:
    """Prompt caches are shared only between requests with the same `cache_salt` (vLLM's field)."""
    if fields.get("cache_salt") is None:
        return ""
    salt = fields.text("cache_salt")
    if len(salt) > _MAX_SALT or not salt.isprintable():
        raise _bad("cache_salt", f"takes at most {_MAX_SALT} printable characters")
    return salt


def _keep(fields: Fields) -> Keep:
    """Where the prompt cache of this request may stay."""
    match fields.get("cache_keep"):
        case None:
            return "disk"
        case "disk" | "memory" | "nothing" as keep:
            return keep
        case _:
            raise _bad("cache_keep", 'must be "disk", "memory" or "nothing"')


def _sampling(fields: Fields, bias: tuple[tuple[int, float], ...]) -> Sampling:
    temperature = fields.number("temperature", 0.8, -100.0, 100.0)
    chain = Chain(
        temperature=temperature,
        top_k=fields.integer("top_k", 40, -1),
        top_p=fields.number("top_p", 0.95, 0.0, 1.0),
        min_p=fields.number("min_p", 0.05, 0.0, 1.0),
        typical_p=fields.number("typical_p", 1.0, 0.0, 1.0),
        top_n_sigma=fields.number("top_n_sigma", -1.0, -1.0, 1e6),
        xtc_probability=fields.number("xtc_probability", 0.0, 0.0, 1.0),
        xtc_threshold=fields.number("xtc_threshold", 0.1, 0.0, 1.0),
        dynatemp_range=fields.number("dynatemp_range", 0.0, 0.0, 100.0),
        dynatemp_exponent=fields.number("dynatemp_exponent", 1.0, 0.0, 100.0),
    )
    if temperature <= _COLD:
        cold = chain._replace(temperature=0.0)
        chain = GREEDY if cold.greedy else cold
    seed = fields.integer("seed", -1, -1, _MAX_SEED)
    return Sampling(
        chain=chain,
        seed=secrets.randbits(32) if seed in (-1, _MAX_SEED) else seed,
        repeat_penalty=fields.number("repeat_penalty", 1.0, 1e-3, 100.0),
        repeat_last_n=fields.integer("repeat_last_n", 64, -1),
        frequency_penalty=fields.number("frequency_penalty", 0.0, *_PenaltyRange),
        presence_penalty=fields.number("presence_penalty", 0.0, *_PenaltyRange),
        logit_bias=bias,
        dry=_dry(fields),
        mirostat=_mirostat(fields),
    )


def _dry(fields: Fields) -> DryOptions | None:
    multiplier = fields.number("dry_multiplier", 0.0, 0.0, 100.0)
    options = DryOptions(
        multiplier,
        base=fields.number("dry_base", 1.75, 1.0, 100.0),
        allowed_length=fields.integer("dry_allowed_length", 2, 0),
        last_n=fields.integer("dry_penalty_last_n", -1, -1),
    )
    said = fields.get("dry_sequence_breakers")
    if said is not None:
        if not isinstance(said, list) or not all(isinstance(text, str) and text for text in said):
            raise _bad("dry_sequence_breakers", "must be an array of strings")
        options = replace(options, breakers=tuple(cast("list[str]", said)[:_MAX_BREAKERS]))
    return options if multiplier and options.last_n else None


def _mirostat(fields: Fields) -> MirostatOptions | None:
    mode = fields.integer("mirostat", 0, 0, 2)
    tau = fields.number("mirostat_tau", 5.0, 0.0, 100.0)
    eta = fields.number("mirostat_eta", 0.1, 0.0, 1.0)
    return MirostatOptions(1 if mode == 1 else 2, tau, eta) if mode else None


def _refuse_unsupported(fields: Fields) -> None:
    """What llama-server would do and this worker does not: said aloud, never dropped."""
    unsupported: Mapping[str, Callable[[Json], bool]] = {
        "lora": bool,
        "n": lambda value: value != 1,
    }
    for name, asked in unsupported.items():
        value = fields.get(name)
        if value is not None and asked(value):
            raise _bad(name, "is not supported by the MLX worker")


def _stops(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise _bad("stop", "must be a string or an array of strings")
    found = tuple(stop for stop in cast("list[str]", stops) if stop)
    if len(found) > _MAX_STOPS or any(len(stop.encode("utf-8", "replace")) > _MAX_STOP_BYTES for stop in found):
        raise _bad("stop", f"takes at most {_MAX_STOPS} strings of {_MAX_STOP_BYTES} bytes")
    return found


def _logit_bias(value: Json, known: Known) -> list[tuple[int, float]]:
    """`[[id, bias], ...]` or `{"id": bias}`; a text stands for each of its tokens, false bans; repeated ones add up."""
    if value is None:
        return []
    pairs: list[Json] = [[k, v] for k, v in value.items()] if isinstance(value, dict) else cast("list[Json]", value)
    if not isinstance(pairs, list):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _bad("logit_bias", "must be an object or an array of pairs")
    bias: list[tuple[int, float]] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise _bad("logit_bias", "must hold pairs of a token id and a number")
        token, amount = pair
        if isinstance(value, dict) and isinstance(token, str) and token.isascii() and token.isdigit():
            token = int(token) if len(token) <= 10 else known.n_vocab
        if amount is False:
            amount = -math.inf
        elif isinstance(amount, bool) or not isinstance(amount, int | float) or not abs(amount) <= _MAX_BIAS:
            raise _bad("logit_bias", f"must hold numbers up to {_MAX_BIAS:g}, or false to ban a token")
        bias += [(found, float(amount)) for found in _biased(token, known)]
    return bias


def _biased(token: Json, known: Known) -> Sequence[int]:
    ids = known.encode(token) if isinstance(token, str) else [token]
    if any(isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < known.n_vocab for found in ids):
        raise _bad("logit_bias", f"token ids are 0 to {known.n_vocab - 1}")
    return cast("Sequence[int]", ids)


def _check_tool(tool: JsonObject) -> None:
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _bad("tools", "must hold functions with a name")


def _continue_field(fields: Fields) -> ContinueField | None:
    value = fields.get("continue_final_message")
    if value is None or value is False:
        return None
    if value is True or value == "content":
        return "content"
    if value == "reasoning_content":
        return "reasoning_content"
    raise RequestError('Invalid continue_final_message: expected a boolean, "content" or "reasoning_content"')


def _reasoning_format(fields: Fields) -> bool:
    value = fields.get("reasoning_format")
    if value not in (None, "auto", "none", "deepseek"):
        raise _bad("reasoning_format", 'must be "auto", "deepseek" or "none"')
    return value != "none"
