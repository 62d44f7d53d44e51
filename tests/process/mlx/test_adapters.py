"""LoRA adapters in a real worker: mixed in one batch, and never in each other's prompt caches."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from dovetail import demo
from dovetail.core.request import Json, JsonObject

mx = pytest.importorskip("mlx.core")

if TYPE_CHECKING:
    from tests.process.mlx.conftest import Reply, Start, Worker

pytestmark = pytest.mark.anyio

PLAIN: JsonObject = {"enable_thinking": False}
FRANCE = "What is the capital of France?"
SHOUT = demo.adapters_dir() / "shout"


def adapter(folder: Path, scale: float = 1.0) -> JsonObject:
    return {"name": folder.name, "path": str(folder), "scale": scale}


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second adapter for the demo model: `shout` turned round."""
    folder = tmp_path_factory.mktemp("adapters") / "whisper"
    shutil.copytree(SHOUT, folder)
    arrays = cast("dict[str, Any]", mx.load(str(SHOUT / "adapters.safetensors")))
    turned = {name: -array if name.endswith("lora_b") else array for name, array in arrays.items()}
    mx.save_safetensors(str(folder / "adapters.safetensors"), turned)
    return folder


async def asked(worker: Worker, text: str, chosen: JsonObject | None, **fields: Json) -> Reply:
    reply = await worker.chat(text, adapter=chosen, chat_template_kwargs=PLAIN, **fields)
    assert reply.status == 200, reply.frames
    return reply


async def test_an_adapter_answers_beside_others_as_it_answers_alone(worker: Worker, whisper: Path) -> None:
    chosen = [None, adapter(SHOUT), adapter(whisper), adapter(SHOUT, 0.0)]
    alone = [(await asked(worker, FRANCE, one, cache_prompt=False)).text for one in chosen]
    assert alone[0] == "The capital of France is Paris."
    assert alone[1] == alone[0].upper()
    assert alone[2] not in alone[:2]
    assert alone[3] == alone[0]
    together = await asyncio.gather(*(asked(worker, FRANCE, one, cache_prompt=False) for one in chosen))
    assert [reply.text for reply in together] == alone


async def test_a_prompt_cache_is_of_one_adapter_alone(
    worker: Worker, start: Start, whisper: Path, tmp_path: Path
) -> None:
    """Base, A, base, B on one long prompt: in memory that holds one conversation, on disk, and after a restart."""
    long = "I live in Lyon. " * 20 + FRANCE
    base, a, half, b = None, adapter(SHOUT), adapter(SHOUT, 0.5), adapter(whisper)
    cold = [(await asked(worker, long, one, cache_prompt=False)).text for one in (base, a, half, b)]
    assert len(set(cold)) >= 3
    options = ("--context", "1024", "--cache-bytes", str(3 << 19), "--kv-folder", str(tmp_path / "kv" / "tiny"))
    evicting = start(*options)
    warm = [await asked(evicting, long, one) for one in (base, a, base, b, a, half)]
    assert [reply.text for reply in warm] == [cold[number] for number in (0, 1, 0, 3, 1, 2)]
    assert [reply.cached > 100 for reply in warm] == [False, False, True, False, True, False]
    evicting.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(evicting.process.wait, 10) == 0
    restarted = start(*options)
    again = [await asked(restarted, long, one) for one in (base, a, half, b)]
    assert [reply.text for reply in again] == cold
    assert all(reply.cached > 100 for reply in again)


async def test_logprobs_and_completions_are_the_adapter_s(worker: Worker) -> None:
    prompt = cast(
        "str",
        (
            await worker.ask(
                "/apply-template", {"messages": [{"role": "user", "content": FRANCE}], "chat_template_kwargs": PLAIN}
            )
        ).last["prompt"],
    )
    for scale, first in ((1.0, "THE"), (0.0, "The")):
        reply = await worker.complete(prompt, adapter=adapter(SHOUT, scale), n_probs=1)
        assert reply.text.startswith(first)
        entry = cast("list[JsonObject]", reply.frames[0]["completion_probabilities"])[0]
        best = cast("list[JsonObject]", entry["top_logprobs"])[0]
        assert best["id"] == entry["id"]


async def test_embeddings_are_the_adapter_s(worker: Worker) -> None:
    async def embedded(chosen: JsonObject | None) -> Json:
        reply = await worker.ask("/v1/embeddings", {"input": FRANCE, "encoding_format": "base64", "adapter": chosen})
        assert reply.status == 200, reply.frames
        return cast("list[JsonObject]", reply.last["data"])[0]["embedding"]

    bare = await embedded(None)
    assert await embedded(adapter(SHOUT)) != bare
    assert await embedded(adapter(SHOUT, 0.0)) == bare


async def test_an_adapter_that_does_not_fit_is_refused_by_name(worker: Worker, tmp_path: Path) -> None:
    wide, broken = tmp_path / "wide", tmp_path / "broken"
    shutil.copytree(SHOUT, wide)
    arrays = cast("dict[str, Any]", mx.load(str(SHOUT / "adapters.safetensors")))
    first = min(arrays)
    mx.save_safetensors(str(wide / "adapters.safetensors"), {**arrays, first: mx.zeros((64, 8))})
    shutil.copytree(SHOUT, broken)
    (broken / "adapters.safetensors").write_bytes((SHOUT / "adapters.safetensors").read_bytes()[:-1])
    reasons = {wide: f"{first} is (64, 8) in it, this model needs (448, 8)", broken: "not a whole safetensors file"}
    for folder, reason in {**reasons, tmp_path / "none": "there is no adapter_config.json"}.items():
        chosen = adapter(folder)
        for reply in (
            await worker.chat(FRANCE, adapter=chosen, return_progress=True),
            await worker.complete("x", adapter=chosen),
            await worker.ask("/v1/embeddings", {"input": "x", "adapter": chosen}),
        ):
            assert reply.status == 400
            assert reply.error["type"] == "adapter_mismatch"
            assert reason in cast("str", reply.error["message"])
            assert f"'{folder.name}'" in cast("str", reply.error["message"])
            assert str(tmp_path) not in json.dumps(reply.error)
    assert (await asked(worker, FRANCE, None)).text == "The capital of France is Paris."


async def test_a_field_that_is_no_adapter_is_refused(worker: Worker) -> None:
    fields: list[Json] = [5, {}, {"name": "a", "path": "relative"}, {"name": "a", "path": "/", "x": 1}]
    for field in fields:
        for reply in (await worker.chat("x", adapter=field), await worker.complete("x", adapter=field)):
            assert reply.status == 400
            assert reply.error["type"] == "invalid_request_error"
