"""Prompt caches in files: what comes back is what was written, and what does not fit is not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

from dovetail.workers.mlx.batch import Cache, Prefill, Row  # noqa: E402
from dovetail.workers.mlx.prompt_cache import PromptCache  # noqa: E402
from dovetail.workers.mlx.prompt_files import Conversations, PromptFiles  # noqa: E402
from dovetail.workers.mlx.sampling import GREEDY, Sampling  # noqa: E402

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Small

TOKENS = [number % 90 for number in range(300)]
OTHERS = [number % 70 for number in range(1, 301)]


def computed(small: Small, tokens: list[int]) -> Cache:
    row = Row([*tokens, 0], Sampling(GREEDY, 0))
    prefill = Prefill(small.model, row, small.fresh(), None, 0)
    while not prefill.done:
        prefill.advance(64)
    return prefill.cache()


def conversations(folder: Path, *, memory: int = 1 << 30, disk: int = 1 << 30) -> Conversations:
    return Conversations(PromptCache(memory), PromptFiles(folder, disk))


def test_a_cache_comes_back_as_it_was(any_small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "kv" / "m-1"
    cache = computed(any_small, TOKENS)
    first = conversations(folder)
    first.keep(TOKENS, cache)
    first.save_all(60)
    found, covered = conversations(folder).fetch([*TOKENS, 1, 2])
    assert found is not None
    assert covered == len(TOKENS)
    token = mx.array([[1]])
    again, before = any_small.model(token, cache=list(found.layers)), any_small.model(token, cache=list(cache.layers))
    assert mx.array_equal(again, before)


def test_what_memory_lets_go_of_is_on_disk(small: Small, tmp_path: Path) -> None:
    one, other = computed(small, TOKENS), computed(small, OTHERS)
    kept = conversations(tmp_path / "m", memory=one.nbytes * 3 // 2)
    kept.keep(TOKENS, one)
    kept.keep(OTHERS, other)
    for tokens in (TOKENS, OTHERS):
        assert kept.fetch([*tokens, 1])[1] == len(tokens)


def test_what_is_not_to_last_is_kept_in_memory_alone(small: Small, tmp_path: Path) -> None:
    kept = conversations(tmp_path / "m")
    kept.keep(TOKENS, computed(small, TOKENS), lasting=False)
    assert kept.fetch([*TOKENS, 1])[1] == len(TOKENS)
    kept.save_next()
    kept.save_all(60)
    assert conversations(tmp_path / "m").fetch([*TOKENS, 1])[1] == 0


def test_one_prompt_computed_with_two_adapters_is_written_for_both(small: Small, tmp_path: Path) -> None:
    cache, kept = computed(small, TOKENS), conversations(tmp_path / "m")
    for space in ("a", "b"):
        kept.keep(TOKENS, cache, space)
    for _ in range(3):
        kept.save_next()
    for space in ("a", "b"):
        assert conversations(tmp_path / "m").fetch([*TOKENS, 1], space)[1] == len(TOKENS)


def test_part_of_a_prompt_is_found_too(small: Small, tmp_path: Path) -> None:
    kept = conversations(tmp_path / "m")
    kept.keep(TOKENS, computed(small, TOKENS))
    kept.save_next()
    assert conversations(tmp_path / "m").fetch([*TOKENS[:200], *OTHERS])[1] == 200


def test_spaces_share_nothing(small: Small, tmp_path: Path) -> None:
    kept = conversations(tmp_path / "m")
    kept.keep(TOKENS, computed(small, TOKENS), "alice")
    kept.save_all(60)
    assert conversations(tmp_path / "m").fetch(TOKENS, "bob") == (None, 0)
    assert conversations(tmp_path / "m").fetch(TOKENS, "alice")[1] == len(TOKENS) - 1


@pytest.mark.parametrize("spoil", ["truncated", "foreign", "empty", "one bit", "no card", "foreign card"])
def test_a_file_that_does_not_fit_is_not_there(small: Small, tmp_path: Path, spoil: str) -> None:
    folder = tmp_path / "m-1"
    kept = conversations(folder)
    kept.keep(TOKENS, computed(small, TOKENS))
    kept.save_all(60)
    (file,) = folder.glob("*.safetensors")
    match spoil:
        case "truncated":
            file.write_bytes(file.read_bytes()[:-1])
        case "foreign":
            file.write_bytes(b"\x08" + bytes(7) + b"[[[[[[[[" + bytes(50))
        case "empty":
            file.write_bytes(b"")
        case "one bit":
            content = bytearray(file.read_bytes())
            content[-100] ^= 1
            file.write_bytes(content)
        case "no card":
            file.with_suffix(".json").unlink()
        case _:
            file.with_suffix(".json").write_text("[]")
    assert conversations(folder).fetch(TOKENS) == (None, 0)


def test_a_file_that_is_spoiled_later_is_a_miss(small: Small, tmp_path: Path) -> None:
    kept = conversations(tmp_path / "m")
    kept.keep(TOKENS, computed(small, TOKENS))
    kept.save_all(60)
    kept.clear()
    (file,) = (tmp_path / "m").glob("*.safetensors")
    file.unlink()
    assert kept.fetch(TOKENS) == (None, 0)


def test_the_oldest_goes_first(small: Small, tmp_path: Path) -> None:
    one, other = computed(small, TOKENS), computed(small, OTHERS)
    kept = conversations(tmp_path / "kv" / "m", disk=one.nbytes * 3 // 2)
    kept.keep(TOKENS, one)
    kept.save_all(60)
    kept.keep(OTHERS, other)
    kept.save_all(60)
    again = conversations(tmp_path / "kv" / "m")
    assert again.fetch(TOKENS)[1] == 0
    assert again.fetch(OTHERS)[1] == len(OTHERS) - 1


def test_a_full_disk_costs_nothing_but_the_file(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dovetail.workers.mlx.prompt_files.save_prompt_cache", full)
    kept = conversations(tmp_path / "m")
    kept.keep(TOKENS, computed(small, TOKENS))
    kept.save_all(60)
    assert kept.fetch(TOKENS)[1] == len(TOKENS) - 1
    assert not list((tmp_path / "m").iterdir())
