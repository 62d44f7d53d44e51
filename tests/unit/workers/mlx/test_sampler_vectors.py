"""The chain, mirostat and DRY against what llama.cpp's own samplers left of one model's distribution.

Recorded by `vectors/record.py`; a case holds the options and each remaining token's probability.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("tokenizers")

from dovetail.demo import models_dir  # noqa: E402
from dovetail.workers.mlx.detokenize import token_bytes  # noqa: E402
from dovetail.workers.mlx.dry import Dry, DryOptions, breakers  # noqa: E402
from dovetail.workers.mlx.mirostat import Mirostat, MirostatOptions  # noqa: E402
from dovetail.workers.mlx.protocol import Known, read_completion  # noqa: E402
from dovetail.workers.mlx.sampling import Sampling, noise, shaped  # noqa: E402

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("vectors").joinpath("samplers.json").read_text("utf-8"))
OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "seed": 5, "prompt": "x"}
SEEN = 2e-6  # what is less likely was not recorded
CASES = cast("list[dict[str, Any]]", RECORDED["cases"])


def sampling(options: dict[str, Any]) -> Sampling:
    return read_completion({**OFF, **options}, Known(1792, (), -1)).generate.sampling


def probabilities(values: Any, ids: Any) -> dict[int, float]:
    p = cast("list[float]", mx.softmax(values, axis=-1).tolist())
    order = range(len(p)) if ids is None else cast("list[int]", ids.tolist())
    return {token: value for token, value in zip(order, p, strict=True) if value > SEEN}


def left(case: dict[str, Any]) -> dict[int, float]:
    recorded = RECORDED["prompts"][case["prompt"]]
    logits, asked = mx.array([recorded["logprobs"]]), sampling(case["options"])
    if asked.mirostat is not None:
        order = mx.argsort(-logits[0])
        values = logits[0][order] / asked.chain.temperature
        return probabilities(Mirostat(asked.mirostat, asked.chain.temperature).kept(values), order)
    if asked.dry is not None:
        logits = dry(asked.dry)(recorded["tokens"][:-1], mx.array(recorded["tokens"][-1:]), logits)
    values, ids = shaped(logits, asked.chain, [(asked.seed, 0)])
    if not asked.chain.hot:
        best = int(cast("int", mx.argmax(values[0]).item()))
        return {best if ids is None else cast("list[int]", ids[0].tolist())[best]: 1.0}
    return probabilities(values[0], None if ids is None else ids[0])


def dry(options: DryOptions) -> Dry:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(models_dir() / "tiny-mlx" / "tokenizer.json"))
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    table = token_bytes([tokenizer.id_to_token(token) for token in range(size)], {}, byte_level=True)

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    return Dry(options, breakers(table, encode, options.breakers))


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["options"])[1:-1])
def test_what_is_left_is_what_llama_cpp_leaves(case: dict[str, Any]) -> None:
    wanted = {int(token): p for token, p in case["kept"].items() if p > 2 * SEEN}
    found = left(case)
    assert set(wanted) <= set(found)
    for token, p in found.items():
        assert p == pytest.approx(wanted.get(token, 0.0), abs=5e-4, rel=5e-3), token
    assert sum(found.values()) == pytest.approx(1.0, abs=2e-3)


def test_mirostat_learns_from_what_it_drew() -> None:
    logits = mx.array([RECORDED["prompts"]["The cat and the"]["logprobs"]])
    tau, eta = 2.0, 0.3
    row = Mirostat(MirostatOptions(2, tau, eta), 1.0)
    logprobs = cast("list[float]", (logits[0] - mx.logsumexp(logits[0])).tolist())
    bound = 2 * tau
    for index in range(12):
        kept = [p for p in logprobs if -p / math.log(2) <= bound] or [max(logprobs)]
        drawn = cast("list[int]", row.draw(logits, noise(logits.shape[-1], [(3, index)])).tolist())[0]
        assert logprobs[drawn] >= min(kept) - 1e-6
        surprise = -(logprobs[drawn] - math.log(sum(map(math.exp, kept)))) / math.log(2)
        bound -= eta * (surprise - tau)


def test_the_chance_of_xtc_is_each_tokens_own() -> None:
    logits = mx.array([RECORDED["prompts"]["The cat and the"]["logprobs"]] * 400)
    chain = sampling({"xtc_probability": 0.25, "xtc_threshold": 0.05}).chain
    values, _ = shaped(logits, chain, [(9, index) for index in range(400)])
    dropped = sum(cast("list[bool]", (values[:, 0] == -math.inf).tolist()))
    assert 60 <= dropped <= 140


def test_penalties_grow_with_the_repetition() -> None:
    row = Dry(DryOptions(1.0, base=2.0, allowed_length=2), {9: [()], 8: [(7, 7)]})
    assert row.penalties([1, 2, 3, 4, 1, 2, 3]) == {4: 2.0}
    assert row.penalties([1, 2, 3, 4, 1, 2]) == {3: 1.0}
    assert row.penalties([1, 2, 3, 4, 1, 9, 2, 3]) == {4: 1.0}
    assert row.penalties([1, 2, 3, 4, 1, 2, 9, 3]) == {}
    assert row.penalties([5, 5, 5, 5, 5]) == {5: 4.0}
    assert row.penalties([1, 2, 3, 4, 1, 8, 7, 7, 2, 3]) == {4: 1.0}
    assert row.penalties([1, 2, 9, 1, 2]) == {}
    assert row.penalties([1]) == {}


def test_every_way_to_write_a_breaker_is_found_and_each_rest_is_read_once() -> None:
    read: list[str] = []

    def encode(text: str) -> list[int]:
        read.append(text)
        return [*text.encode()]

    table = [b"xabcx", b"za", b"yab", b"a", b"b", b"", b"ca", b"bb"]
    found = breakers(table, encode, ["abc", "abc"])
    bc, c = (ord("b"), ord("c")), (ord("c"),)
    assert found == {0: [()], 1: [bc], 2: [c], 3: [bc], 6: [bc]}
    assert sorted(read) == ["bc", "c"]
