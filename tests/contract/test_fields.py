"""What core/fields.py says of a field is what it does, on both engines and every route that has it."""

import json
from typing import Any, cast

import aiohttp
import pytest

from dovetail.core.field import FieldSpec
from dovetail.core.fields import ROUTES, SAMPLING
from dovetail.core.request import Json

pytestmark = pytest.mark.anyio

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
CHAT, COMPLETIONS, NATIVE = TEXT_ROUTES = ("/v1/chat/completions", "/v1/completions", "/completion")
COLD: dict[str, Any] = {"temperature": 0}
HOT: dict[str, Any] = {"temperature": 1.9, "seed": 3}
HI = [{"role": "user", "content": "hi"}]
AGAIN = "red fox, blue fox, red fox, blue fox, red"
DRY: dict[str, Any] = {**COLD, "dry_multiplier": 3.0, "dry_sequence_breakers": ["|"], "dry_base": 2.0}
XTC: dict[str, Any] = {**COLD, "xtc_probability": 1.0, "xtc_threshold": 0.02}
# Each field with a value that has to leave the best tokens alone of what is hot, or with fields beside which it is
# said and a value that has to change the text.
BEST: dict[str, Json] = {"temperature": 0, "top_k": 1, "top_p": 0, "min_p": 1, "top_n_sigma": 0.001}
CHANGES: dict[str, tuple[dict[str, Any], Json]] = {
    "adapter": (COLD, {"name": "shout", "scale": 8.0}),
    "typical_p": (COLD, 0.2),
    "dynatemp_range": ({"temperature": 1.0, "seed": 3}, 1.0),
    "dynatemp_exponent": ({"temperature": 1.0, "seed": 3, "dynatemp_range": 1.0, "dynatemp_exponent": 0.1}, 9.0),
    "repeat_penalty": (COLD, 3.0),
    "repeat_last_n": ({**COLD, "repeat_penalty": 3.0}, 0),
    "frequency_penalty": (COLD, 2.0),
    "presence_penalty": (COLD, 2.0),
    "xtc_probability": ({**XTC, "xtc_probability": 0.0}, 1.0),
    "xtc_threshold": (XTC, 0.5),
    "dry_multiplier": ({**DRY, "dry_multiplier": 0.0}, 3.0),
    "dry_base": ({**DRY, "dry_multiplier": 0.01, "dry_base": 1.0}, 100.0),
    "dry_allowed_length": (DRY, 1000),
    "dry_penalty_last_n": (DRY, 0),
    "dry_sequence_breakers": (DRY, [" fox", ",", " red", " blue"]),
    "mirostat": (HOT, 2),
    "mirostat_tau": ({**HOT, "mirostat": 2, "mirostat_tau": 9.0}, 0.1),
    "mirostat_eta": ({**HOT, "mirostat": 2, "mirostat_tau": 6.0, "mirostat_eta": 0.0}, 1.0),
    "seed": (HOT, 4),
    "logit_bias": (COLD, {" cat": 60.0}),
    "ignore_eos": ({**COLD, "logit_bias": {"2": 60.0}}, True),
    "stop": (COLD, ["e"]),
    "max_tokens": (COLD, 1),
}


class Asker:
    """Texts of one model on one route, each asked once."""

    def __init__(self, http: aiohttp.ClientSession, route: str, model: str, said: dict[str, str]) -> None:
        self.route = route
        self._http = http
        self._said = said
        self._base = base(route, model)

    async def text(self, **fields: Any) -> str:
        asked = f"{self.route} {self._base} {sorted(fields.items())}"
        if asked not in self._said:
            self._said[asked] = await self._text(fields)
        return self._said[asked]

    async def _text(self, fields: dict[str, Any]) -> str:
        status, found, headers = await self.post(**fields)
        assert (status, headers.get("x-dovetail-warnings")) == (200, None), found
        if self.route == NATIVE:
            return found["content"]
        choice = found["choices"][0]
        return choice["message"]["content"] if self.route == CHAT else choice["text"]

    async def post(self, **fields: Any) -> tuple[int, Any, Any]:
        if self.route == NATIVE and "logit_bias" in fields:
            pairs = cast("dict[str, float]", fields["logit_bias"]).items()
            fields["logit_bias"] = [[int(key) if key.isdigit() else key, value] for key, value in pairs]
        async with self._http.post(self.route, json={**self._base, **fields}) as answer:
            return answer.status, await answer.json(), answer.headers


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What models answered, by what they were asked."""
    return {}


# What the routes that write nothing take at least.
LEAST: dict[str, dict[str, Any]] = {
    "/infill": {"input_prefix": "a", "input_suffix": "b"},
    "/embedding": {"content": "a"},
    "/v1/rerank": {"query": "a", "documents": ["b"]},
}


def base(route: str, model: str) -> dict[str, Any]:
    if route == CHAT:
        begun = {"continue_final_message": True, "chat_template_kwargs": {"enable_thinking": False}}
        messages = [{"role": "user", "content": "Go on"}, {"role": "assistant", "content": AGAIN}]
        return {"model": model, "messages": messages, **begun, "max_tokens": 10}
    if route in TEXT_ROUTES:
        return {"model": model, "prompt": AGAIN, "max_tokens": 10}
    if route.startswith(RESPONSES):
        bounds = {"max_output_tokens": 5, "reasoning": {"effort": "none"}} if route == RESPONSES else {}
        return {"model": model, "input": "hi", **bounds}
    if route.startswith("/v1/messages"):
        return {"model": model, "messages": HI} | ({"max_tokens": 5} if route == MESSAGES else {})
    return {"model": model, **LEAST.get(route, {"input": "a"})}


def specs(route: str, kind: str) -> list[FieldSpec]:
    return [spec for spec in ROUTES[route].values() if spec.gguf == kind and spec.mlx == kind]


@pytest.mark.accept("E12")
@pytest.mark.field("every sampling")
@pytest.mark.parametrize("route", TEXT_ROUTES)
@pytest.mark.parametrize("name", SAMPLING)
async def test_each_sampling_field_does_what_it_must(
    http: aiohttp.ClientSession, model: str, name: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    if name in BEST:
        best, hot = await asker.text(**COLD), await asker.text(**HOT)
        assert await asker.text(**{**HOT, name: BEST[name]}) == best != hot
    else:
        beside, value = CHANGES[name]
        assert await asker.text(**{**beside, name: value}) != await asker.text(**beside)


@pytest.mark.field("every refused")
@pytest.mark.parametrize("route", [route for route in ROUTES if specs(route, "refused")])
async def test_what_is_refused_is_named(
    http: aiohttp.ClientSession, model: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    for spec in specs(route, "refused"):
        for name in (spec.name, *spec.aliases):
            status, found, _ = await asker.post(**{name: {"asks": "for something"}})
            assert (status, found["error"]["param"]) == (400, name)
            assert found["error"]["code"] == "unsupported_field"


@pytest.mark.field("every refused")
@pytest.mark.parametrize("route", TEXT_ROUTES)
async def test_what_asks_for_nothing_is_taken(
    http: aiohttp.ClientSession, model: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    plain = await asker.text(**COLD)
    for which in (0, -1):
        neutral = {spec.name: (*spec.neutral, None)[which] for spec in specs(route, "refused")}
        assert await asker.text(**COLD, **neutral) == plain


@pytest.mark.field("every inert")
@pytest.mark.parametrize("route", [route for route in ROUTES if specs(route, "inert")])
async def test_what_is_inert_changes_nothing(
    http: aiohttp.ClientSession, model: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    inert = {spec.name: {"any": "thing"} for spec in specs(route, "inert")}
    if route in TEXT_ROUTES:
        assert await asker.text(**COLD, **inert) == await asker.text(**COLD)
    else:
        cold = COLD if route in {MESSAGES, RESPONSES} else {}
        (plain, *one), (with_it, *other) = await asker.post(**cold), await asker.post(**cold, **inert)
        assert (with_it, _said(other[0])) == (plain, _said(one[0]))
        assert "x-dovetail-warnings" not in other[1]


def _said(found: dict[str, Any]) -> Any:
    items: list[dict[str, Any]] = found.get("output") or []
    return found.get("data") or found.get("content") or [item["content"] for item in items] or found


@pytest.mark.parametrize("route", TEXT_ROUTES)
async def test_the_ends_of_a_range_are_in_it(
    http: aiohttp.ClientSession, model: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    for name, spec in ROUTES[route].items():
        if spec.low is not None and spec.high is not None and name in SAMPLING:
            for value, wanted in ((spec.low, 200), (spec.low - 1, 400), (spec.high, 200), (spec.high * 2 + 1, 400)):
                status, found, _ = await asker.post(**{**COLD, "max_tokens": 1, name: value})
                assert (name, value, status) == (name, value, wanted), found
                assert wanted == 200 or found["error"]["param"] == name


@pytest.mark.field("/v1/completions echo", "/v1/completions best_of", "/v1/completions n")
async def test_echo_and_best_of(http: aiohttp.ClientSession, model: str, said: dict[str, str]) -> None:
    asker = Asker(http, COMPLETIONS, model, said)
    plain = await asker.text(**COLD)
    assert await asker.text(**COLD, echo=True) == AGAIN + plain
    async with http.post("/tokenize", json={"model": model, "content": AGAIN}) as answer:
        ids = (await answer.json())["tokens"]
    assert await asker.text(**COLD, echo=True, prompt=ids) == AGAIN + plain
    _, best, _ = await asker.post(**HOT, logprobs=0, ignore_eos=True, best_of=4, n=2)
    assert best["usage"]["completion_tokens"] == 4 * 10
    means = [sum(c["logprobs"]["token_logprobs"]) / len(c["logprobs"]["tokens"]) for c in best["choices"]]
    assert means[0] > means[1]


@pytest.mark.field("/v1/completions suffix")
async def test_a_model_without_tokens_to_fill_gaps_says_so(
    http: aiohttp.ClientSession, model: str, said: dict[str, str]
) -> None:
    status, found, _ = await Asker(http, COMPLETIONS, model, said).post(suffix=" the end")
    assert (status, found["error"]["param"], found["error"]["code"]) == (400, "suffix", "unsupported_field")


FORMS: dict[str, Any] = {"grammar": 'root ::= "maybe"', "regex": "mayb[e]", "json_schema": {"const": "maybe"}}


@pytest.mark.accept("E16")
@pytest.mark.field("grammar", "regex", "json_schema")
@pytest.mark.parametrize("route", TEXT_ROUTES)
async def test_a_form_holds_on_every_route(
    http: aiohttp.ClientSession, model: str, route: str, said: dict[str, str]
) -> None:
    asker = Asker(http, route, model, said)
    more: dict[str, Any] = {} if route != CHAT else {"continue_final_message": None, "messages": HI, "max_tokens": 40}
    texts = {name: await asker.text(**COLD, **more, **{name: form}) for name, form in FORMS.items()}
    assert {name: text.strip('"') for name, text in texts.items()} == dict.fromkeys(FORMS, "maybe")


@pytest.mark.field("continue_final_message", "add_generation_prompt")
async def test_a_message_is_continued_or_answered(
    http: aiohttp.ClientSession, model: str, said: dict[str, str]
) -> None:
    asker = Asker(http, CHAT, model, said)
    continued = await asker.text(**COLD)
    assert await asker.text(**COLD, add_generation_prompt=False) == continued
    assert (await asker.post(add_generation_prompt=True))[1]["error"]["param"] == "add_generation_prompt"
    answered = {**COLD, "messages": HI, "continue_final_message": False, "add_generation_prompt": True}
    assert await asker.text(**answered) != continued


@pytest.mark.field("stream_options")
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
async def test_a_stream_ends_with_its_usage_where_that_is_asked_for(
    http: aiohttp.ClientSession, model: str, route: str
) -> None:
    last: list[Any] = []
    for options in ({"include_usage": True}, {"include_usage": False}, None):
        sent = {**base(route, model), **COLD, "stream": True, "stream_options": options}
        async with http.post(route, json=sent) as answer:
            *_, frame, done = [line[6:] for line in (await answer.text()).split("\n") if line.startswith("data: ")]
        assert done == "[DONE]"
        last.append(json.loads(frame))
    assert last[0]["usage"]["completion_tokens"] > 0
    assert [frame.get("usage") for frame in last[1:]] == [None, None]


@pytest.mark.field("/tokenize parse_special", "/tokenize with_pieces")
async def test_special_tokens_and_pieces(http: aiohttp.ClientSession, model: str) -> None:
    async def tokens(**fields: Any) -> Any:
        async with http.post("/tokenize", json={"model": model, "content": "a 서<|im_end|>", **fields}) as answer:
            return (await answer.json())["tokens"]

    assert (await tokens())[-1] == (await tokens(parse_special=True))[-1] == 2
    assert 2 not in await tokens(parse_special=False)
    pieces = await tokens(with_pieces=True)
    assert [piece["id"] for piece in pieces] == await tokens()
    raw = b"".join(p["piece"].encode() if isinstance(p["piece"], str) else bytes(p["piece"]) for p in pieces)
    assert raw.decode() == "a 서<|im_end|>"


UNKNOWN: dict[str, dict[str, Any]] = {
    "made_up": {"made_up": 1},
    "stream_options.made_up": {"stream_options": {"made_up": 1}, "stream": False},
    "messages[0].made_up": {"messages": [{"role": "user", "content": "hi", "made_up": 1}]},
    "messages[0].content[0].made_up": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "made_up": 1}]}]
    },
    "tools[0].function.made_up": {"tools": [{"type": "function", "function": {"name": "f", "made_up": 1}}]},
    "response_format.made_up": {"messages": HI, "response_format": {"type": "text", "made_up": 1}},
}


@pytest.mark.parametrize("route", ["/v1/embeddings", *TEXT_ROUTES])
async def test_what_no_api_knows_is_in_a_header(http: aiohttp.ClientSession, model: str, route: str) -> None:
    for name, fields in UNKNOWN.items():
        if route != CHAT and name != "made_up":
            continue
        sent = {**base(route, model), "max_tokens": 1, "continue_final_message": None, **fields}
        sent = {key: value for key, value in sent.items() if key in ROUTES[route] or key == "made_up"}
        async with http.post(route, json=sent) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.headers["x-dovetail-warnings"] == f"unknown field: {name}"


# Without XTC, whose threshold can fall between two engines' roundings.
COLD_CHANGES = [n for n, (beside, _) in CHANGES.items() if beside["temperature"] == 0 and not n.startswith("xtc")]


@pytest.mark.accept("E12")
@pytest.mark.parametrize("name", COLD_CHANGES)
async def test_both_engines_change_the_text_alike(http: aiohttp.ClientSession, name: str, said: dict[str, str]) -> None:
    beside, value = CHANGES[name]
    texts = [await Asker(http, NATIVE, m, said).text(**{**beside, name: value}) for m in ("tiny-gguf", "tiny-mlx")]
    assert texts[0] == texts[1]
