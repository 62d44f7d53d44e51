"""One field, several names: each dialect takes all of them, and never two that disagree."""

import json

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.gateway import wire
from dovetail.gateway.dialects.llamacpp.completion import CompletionRequest
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.dialects.openai_completions import CompletionBody
from dovetail.gateway.sampling import LlamaExtras

BODIES: list[tuple[type[LlamaExtras], dict[str, object]]] = [
    (ChatBody, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
    (CompletionBody, {"model": "m", "prompt": "hi"}),
    (CompletionRequest, {"model": "m", "prompt": "hi"}),
]
NAMES = [
    (("repeat_penalty", "repetition_penalty", "repet_penalty"), 1.2, 1.3),
    (("repeat_last_n", "repetition_context_size"), 20, 30),
    (("max_tokens", "max_completion_tokens", "n_predict"), 7, 8),
    (("typical_p", "typ_p"), 0.5, 0.6),
]


def read(kind: type[LlamaExtras], base: dict[str, object], **fields: object) -> LlamaExtras:
    return wire.read(kind, json.dumps({**base, **fields}).encode())


@pytest.mark.parametrize(("kind", "base"), BODIES)
@pytest.mark.parametrize(("names", "value", "other"), NAMES)
def test_every_name_is_the_field(
    kind: type[LlamaExtras], base: dict[str, object], names: tuple[str, ...], value: object, other: object
) -> None:
    for name in names:
        body = read(kind, base, **{name: value})
        assert getattr(body, names[0]) == value
        assert wire.warnings(body, strict=True) == {}
    both = read(kind, base, **dict.fromkeys(names, value))
    assert getattr(both, names[0]) == value
    assert wire.warnings(both, strict=True) == {}
    assert getattr(read(kind, base, **{names[0]: None, names[1]: value}), names[0]) == value
    with pytest.raises(InvalidRequest) as caught:
        read(kind, base, **{names[0]: value, names[1]: other})
    assert caught.value.param == names[1]


@pytest.mark.parametrize(("kind", "base"), BODIES)
def test_a_bad_value_is_named_as_it_was_sent(kind: type[LlamaExtras], base: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(kind, base, repet_penalty=-1)
    assert caught.value.param == "repet_penalty"


@pytest.mark.parametrize(("kind", "base"), BODIES)
def test_one_is_not_true(kind: type[LlamaExtras], base: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        read(kind, base, repeat_penalty=1, repet_penalty=True)


@pytest.mark.parametrize(("kind", "base"), BODIES)
def test_no_limit_can_be_said_on_every_route(kind: type[LlamaExtras], base: dict[str, object]) -> None:
    assert read(kind, base, n_predict=-1).limit() is None


def test_the_other_names_are_in_the_schema() -> None:
    properties = ChatBody.model_json_schema()["properties"]
    assert properties["n_predict"]["description"] == "Another name of `max_tokens`."


@pytest.mark.parametrize(("kind", "base"), BODIES)
def test_parts_of_one_setting_are_fields_of_their_own(kind: type[LlamaExtras], base: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(kind, base, **{"speculative.n_max": None, "speculative.n_min": 3, "speculative.p_min": 0.5})
    assert caught.value.param == "speculative.n_min"
    assert "one field" not in caught.value.message
