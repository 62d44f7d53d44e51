"""What the settings say guesses ahead of a model: taken where the vocabularies agree, refused by name where not."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail import demo
from dovetail.catalog.catalog import Catalog
from dovetail.catalog.guesses import MOST_MORE, Guesses
from dovetail.core.model import Model

from .conftest import llama

if TYPE_CHECKING:
    from .conftest import Forge

WORDS = [f"w{number}" for number in range(2000)]


def found(forge: Forge, draft: str | Path | None, **more: object) -> Model:
    said = {"big": Guesses(draft, "mod")}
    made = Catalog([forge.folder], guesses=lambda name: said.get(name, Guesses()), **more)  # type: ignore[arg-type]
    return made.find("big")


def write(forge: Forge, name: str, **changes: object) -> Path:
    return forge.gguf(f"{name}/{name}.gguf", forge.gguf_bytes({**llama(), "tokenizer.ggml.tokens": WORDS, **changes}))


def test_a_draft_by_id_by_alias_and_by_path(forge: Forge) -> None:
    write(forge, "big")
    small = write(forge, "small", **{"tokenizer.ggml.tokens": [*"abcde", *WORDS[5:], "more"]})
    for said in ("small", "little", small):
        model = found(forge, said, aliases={"small": ("little",)})
        assert (model.draft, model.ngram, model.invalid, model.speculates) == (small, "mod", None, True)
    assert not found(forge, None).draft
    assert found(forge, None).speculates


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"tokenizer.ggml.tokens": [*WORDS[:700], "other", *WORDS[701:]]},
            "token 700 is 'other' in its vocabulary and 'w700'",
        ),
        ({"tokenizer.ggml.tokens": WORDS[: -MOST_MORE - 1]}, "its vocabulary has 1871 tokens, the model's 2000"),
        ({"tokenizer.ggml.model": "other"}, "its tokenizer.ggml.model is other"),
        ({"general.type": "adapter"}, "a file of kind adapter"),
    ],
)
def test_another_vocabulary_is_named(forge: Forge, changes: dict[str, object], reason: str) -> None:
    write(forge, "big", **{"tokenizer.ggml.model": "gpt2"})
    small = write(forge, "small", **{"tokenizer.ggml.model": "gpt2", **changes})
    invalid = found(forge, small).invalid
    assert invalid is not None
    assert invalid.startswith("models.big.draft: small.gguf cannot guess for it: ")
    assert reason in invalid


def test_tokens_that_open_and_end_a_text_count_where_they_are_put_there(forge: Forge) -> None:
    for put, fits in ((True, False), (False, True)):
        added = {"tokenizer.ggml.add_bos_token": put}
        write(forge, "big", **added, **{"tokenizer.ggml.bos_token_id": 1})
        small = write(forge, "small", **added, **{"tokenizer.ggml.bos_token_id": 2})
        assert (found(forge, small).invalid is None) is fits


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ("none", "there is no model none, and a file's path ends in .gguf"),
        (Path("/none.gguf"), "none.gguf cannot guess"),
    ],
)
def test_a_draft_that_is_not_there_is_named(forge: Forge, draft: str | Path, reason: str) -> None:
    write(forge, "big")
    assert reason in str(found(forge, draft).invalid)


def test_a_draft_that_changes_is_read_again(forge: Forge) -> None:
    write(forge, "big")
    small = write(forge, "small")
    said = Guesses(small)
    clock = map(float, itertools.count()).__next__
    catalog = Catalog([forge.folder], guesses=lambda name: said if name == "big" else Guesses(), clock=clock)
    assert catalog.models()[0].draft == small
    write(forge, "small", **{"tokenizer.ggml.tokens": [*WORDS, *WORDS[:1]][1:]})
    assert "token" in str(catalog.models()[0].invalid)


def test_the_tiny_models_guess_for_one_another() -> None:
    catalog = Catalog(
        [demo.models_dir()], guesses=lambda name: Guesses("tiny-gguf-q8" if name == "tiny-gguf" else None)
    )
    model = catalog.find("tiny-gguf")
    assert model.invalid is None
    assert model.draft is not None
    assert model.draft.name == "tiny-gguf-q8_0.gguf"
