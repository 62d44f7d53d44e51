"""What model files advise: read the same from both formats, nonsense passed over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from gguf import Keys

from dovetail.catalog import advice
from dovetail.catalog.scan import scan
from dovetail.core.fields import SAMPLING
from dovetail.core.request import Sampling

from .conftest import llama

if TYPE_CHECKING:
    from .conftest import Forge

HALF = {"temperature": 0.7, "top_k": 20, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.1}
SAID = {"temperature": 0.7, "top_k": 20, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.1}


def test_both_formats_give_the_same_numbers(forge: Forge) -> None:
    keys = {"temperature": "temp", "repetition_penalty": "penalty_repeat"}
    metadata = {f"general.sampling.{keys.get(name, name)}": value for name, value in HALF.items()}
    forge.gguf("a.gguf", forge.gguf_bytes({**llama(), **metadata}))
    folder = forge.mlx("b")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2, "do_sample": False, **HALF}))
    found = {model.id: dict(model.sampling) for model in scan([forge.folder])}
    assert found == {"a": SAID, "b": SAID}


def test_the_keys_are_those_of_the_format() -> None:
    names = {value for name, value in vars(Keys.General).items() if name.startswith("SAMPLING_")}
    assert set(advice._GGUF) == names - {Keys.General.SAMPLING_SEQUENCE}  # pyright: ignore[reportPrivateUsage]
    tokens = vars(Keys.Tokenizer)
    assert advice._FIM[0] == tuple(tokens[f"FIM_{part}_ID"] for part in ("PRE", "SUF", "MID"))  # pyright: ignore[reportPrivateUsage]
    assert advice._FIM[1] == tuple(tokens[f"{part}_ID"] for part in ("PREFIX", "SUFFIX", "MIDDLE"))  # pyright: ignore[reportPrivateUsage]
    said = {*advice._GGUF.values(), *advice._MLX.values()}  # pyright: ignore[reportPrivateUsage]
    assert said <= SAMPLING.keys() & Sampling.__slots__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1), ("temperature", "hot"), ("temperature", True), ("temperature", float("nan")),
        ("temperature", 1e9), ("top_k", 0.5), ("top_p", 1.5), ("min_p", [1]), ("repetition_penalty", 0),
    ],
)  # fmt: skip
def test_nonsense_is_passed_over_and_the_rest_holds(name: str, value: object) -> None:
    said = {"top_k": 5, "top_p": 0.5, name: value}
    assert dict(advice.of_mlx(said)) == {k: v for k, v in {"top_k": 5, "top_p": 0.5}.items() if k != name}


@pytest.mark.parametrize("text", ["{", "[]", '{"temperature": ' + "9" * 5000 + "}"])
def test_a_broken_generation_config_is_no_broken_model(forge: Forge, text: str) -> None:
    (forge.mlx("m") / "generation_config.json").write_text(text)
    (model,) = scan([forge.folder])
    assert (model.invalid, model.sampling) == (None, ())


def test_every_token_is_kept_by_minus_one() -> None:
    assert advice.of_mlx({"top_k": -1}) == (("top_k", 0),)


@pytest.mark.parametrize("names", [("fim_pre", "fim_suf", "fim_mid"), ("prefix", "suffix", "middle")])
def test_tokens_that_fill_gaps(forge: Forge, names: tuple[str, ...]) -> None:
    ids = {f"tokenizer.ggml.{name}_token_id": i for i, name in enumerate(names)}
    forge.gguf("a.gguf", forge.gguf_bytes({**llama(), **ids}))
    forge.gguf("b.gguf", forge.gguf_bytes({**llama(), **dict(list(ids.items())[:2])}))
    forge.gguf("c.gguf", forge.gguf_bytes({**llama(), **ids, f"tokenizer.ggml.{names[0]}_token_id": 99}))
    assert {model.id: model.fim for model in scan([forge.folder])} == {"a": (0, 1, 2), "b": None, "c": None}
