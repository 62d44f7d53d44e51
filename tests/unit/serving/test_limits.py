from dataclasses import replace
from pathlib import Path

import pytest

from dovetail.core.errors import ContextTooLong, InvalidRequest, UnsupportedField
from dovetail.core.model import Model, Shape
from dovetail.core.request import GenerateRequest, Sampling, TextPrompt
from dovetail.serving.limits import check_length, check_request, check_texts

MODEL = Model("m", "gguf", Path("m.gguf"), shape=Shape(vocabulary=100))


def asks(*parts: str | int, bias: int = 0) -> GenerateRequest:
    return GenerateRequest("r", "m", TextPrompt(parts), Sampling(logit_bias={bias: 1.0}))


@pytest.mark.parametrize("parts", [(), ("",), ("", "")])
def test_an_empty_prompt_is_refused_on_both_engines_alike(parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        check_request(asks(*parts), MODEL)


@pytest.mark.parametrize("request_", [asks(100), asks("a", 1 << 40), asks("a", bias=100)])
def test_ids_outside_the_vocabulary_are_refused(request_: GenerateRequest) -> None:
    with pytest.raises(InvalidRequest, match="0 to 99"):
        check_request(request_, MODEL)


def test_what_is_inside_passes() -> None:
    check_request(asks("", 99, bias=99), MODEL)


def test_a_prompt_that_cannot_fit_is_refused_before_it_is_tokenised() -> None:
    check_length(asks("x" * 800), 100)
    with pytest.raises(ContextTooLong):
        check_length(asks("x" * 801), 100)


def test_a_run_of_one_sign_may_be_few_tokens() -> None:
    check_texts(["a" + " " * 6000], 0, 512, "prompt")
    with pytest.raises(ContextTooLong) as long:
        check_texts(["a" + " " * 600_000], 0, 512, "prompt")
    assert long.value.at_least
    with pytest.raises(ContextTooLong):
        check_texts(["a" * 6000], 0, 512, "prompt")


def test_log_probabilities_of_what_was_guessed_are_refused() -> None:
    asked = replace(asks("a"), top_logprobs=0, listed_by="best_of")
    check_request(asked, MODEL)
    for guessed in (replace(MODEL, draft=Path("small.gguf")), replace(MODEL, ngram="mod")):
        check_request(asks("a"), guessed)
        with pytest.raises(UnsupportedField) as caught:
            check_request(asked, guessed)
        assert caught.value.param == "best_of"
        assert caught.value.message.startswith("best_of cannot be had")
