"""A prompt with a suffix becomes ids before an engine sees it; a model's advice fills what a request leaves open."""

from dataclasses import replace

import pytest

from dovetail.core.errors import ContextTooLong, UnsupportedField
from dovetail.core.model import Remote
from dovetail.core.request import GenerateRequest, Sampling, Snippet, TextPrompt
from dovetail.serving.advice import advised
from dovetail.serving.fill import filled
from dovetail.serving.limits import check_length, check_request

from .fakes import Lease, Pool, model, says

pytestmark = pytest.mark.anyio

QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
KNOWN = {"".join(QWEN): [90, 91, 92], QWEN[0]: [90], QWEN[1]: [91], QWEN[2]: [92]}


def asked(*parts: str | int, suffix: str | None = "z") -> GenerateRequest:
    return GenerateRequest("id", "m", TextPrompt(parts, suffix))


async def test_texts_stand_between_the_tokens_that_the_model_has() -> None:
    found = await filled(asked("a", 7, "b"), model(), Lease(Pool(says(), special=KNOWN)))
    assert found.prompt == TextPrompt(("", 90, ord("a"), 7, ord("b"), 91, ord("z"), 92))


async def test_other_files_stand_before_each_behind_its_name() -> None:
    files = (Snippet("a.py", "1"), Snippet("b.py", "2"))
    request = GenerateRequest("id", "m", TextPrompt(("x",), "z", "y", files))
    special = {**KNOWN, "<|file_sep|>": [80], "<|repo_name|>": [81]}
    found = await filled(request, model(), Lease(Pool(says(), special=special)))
    own, name = [*b"file\n"], [*b"repository\n"]
    around = [81, *name, 80, *b"a.py\n1", 80, *b"b.py\n2", 80, *own]
    assert found.prompt == TextPrompt(("", *around, 90, *b"x", 91, *b"z", 92, *b"y"))
    found = await filled(request, model(), Lease(Pool(says(), special=KNOWN)))
    around = [*b"\n\n--- snippet ---\n\n1", *b"\n\n--- snippet ---\n\n2"]
    assert found.prompt == TextPrompt(("", *around, 90, *b"x", 91, *b"z", 92, *b"y"))


async def test_ids_of_the_header_come_first() -> None:
    found = await filled(asked(""), replace(model(), fim=(1, 2, 3)), Lease(Pool(says(), special=KNOWN)))
    assert found.prompt == TextPrompt(("", 1, 2, ord("z"), 3))


@pytest.mark.parametrize("special", [{}, {**KNOWN, QWEN[0]: [5, 6]}])
async def test_a_model_without_them_is_named(special: dict[str, list[int]]) -> None:
    with pytest.raises(UnsupportedField, match="fill-in-the-middle") as caught:
        await filled(asked("a"), model(), Lease(Pool(says(), special=special)))
    assert caught.value.param == "suffix"


async def test_other_prompts_are_as_they_were() -> None:
    request = asked("a", suffix=None)
    assert await filled(request, model(), Lease(Pool(says()))) is request


def test_a_suffix_is_part_of_the_length_and_makes_up_for_an_empty_prompt() -> None:
    check_request(asked(""), model())
    with pytest.raises(ContextTooLong):
        check_length(asked("a", suffix="x" * 1000), 100)


def test_what_a_request_says_is_never_advised() -> None:
    advising = replace(model(), sampling=(("temperature", 0.5), ("top_k", 3)))
    assert advised(Sampling(temperature=0.0), advising) == Sampling(temperature=0.0, top_k=3)
    assert advised(Sampling(), model()) == Sampling()


async def test_another_server_fills_the_gap_by_itself() -> None:
    request = asked("a")
    elsewhere = replace(model(), remote=Remote("http://there/v1"))
    assert await filled(request, elsewhere, Lease(Pool(says()))) is request
