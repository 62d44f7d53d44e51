"""`/v1/completions` and llama-server's routes over a scripted model."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dovetail.core.errors import WorkerCrashed
from dovetail.core.events import Finished, TextDelta, Timings, Usage
from dovetail.core.model import Capability, Model
from dovetail.core.request import GenerateRequest, TextPrompt
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.answers import LlamaCompletion, TextCompletion
from dovetail.gateway.app import create_app
from dovetail.gateway.dialects.llamacpp.completion import CompletionRequest
from dovetail.gateway.dialects.openai_completions import CompletionBody

from .fakes import Answer, Client, Pool, call, loading_for_ever, model, services

pytestmark = pytest.mark.anyio


async def post(path: str, sent: Any, *args: Any, **parts: Any) -> Answer:
    return await call(create_app(services(*args, **parts)), "POST", path, sent)


def prompts(prompt: Any, **fields: Any) -> list[GenerateRequest]:
    return CompletionBody.model_validate({"model": "m", "prompt": prompt, **fields}).requests("id")


def llama(**fields: Any) -> GenerateRequest:
    return CompletionRequest.model_validate({"prompt": "x", **fields}).request("id", "m")


async def test_a_whole_completion() -> None:
    answer = await post("/v1/completions", {"model": "m", "prompt": "x"})
    whole = TextCompletion.model_validate(answer.json())
    assert whole.choices[0].text == "Hello there"
    assert whole.usage.total_tokens == 4
    assert whole.timings


async def test_a_streamed_completion() -> None:
    sent = {"model": "m", "prompt": "x", "stream": True}
    *chunks, done = (await post("/v1/completions", sent)).frames()
    assert done == "[DONE]"
    assert "".join(c["choices"][0]["text"] for c in chunks) == "Hello there"
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "stop"]
    assert "timings" in chunks[-1]
    *_, usage, _ = (await post("/v1/completions", {**sent, "stream_options": {"include_usage": True}})).frames()
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 2


async def test_prompts_times_n_are_choices() -> None:
    whole = (await post("/v1/completions", {"model": "m", "prompt": ["a", "b"], "n": 2})).json()
    assert [c["index"] for c in whole["choices"]] == [0, 1, 2, 3]
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (4, 8)


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [("a", [("a",)]), ([1, 2], [(1, 2)]), (["a", "b"], [("a",), ("b",)]), ([[1, 2], [3]], [(1, 2), (3,)])],
)
def test_the_four_forms_of_a_prompt(prompt: Any, parts: list[tuple[str | int, ...]]) -> None:
    asked = prompts(prompt)
    assert [cast("TextPrompt", r.prompt).parts for r in asked] == parts
    assert [r.id for r in asked] == (["id"] if len(parts) == 1 else ["id-0", "id-1"])
    assert asked[0].max_tokens == 16


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [1 << 40]}, "prompt"),
        ({"prompt": [99_999]}, "prompt"),
        ({"prompt": [1, "a"]}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a"] * 33}, "prompt"),
        ({"prompt": ["a"] * 32, "n": 2}, "n"),
        ({"echo": True, "logprobs": 1}, "echo"),
        ({"best_of": 2, "n": 3}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"prompt": ["a"] * 32, "best_of": 2}, "best_of"),
        ({"suffix": "x"}, "suffix"),
        ({"logprobs": 21}, "logprobs"),
    ],
)
async def test_what_a_completion_refuses(fields: dict[str, Any], param: str) -> None:
    answer = await post("/v1/completions", {"model": "m", "prompt": "x", **fields})
    assert answer.error[0] == 400
    assert str(answer.error[3]).startswith(param)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt": []}, "prompt: List should have at least 1 item"),
        ({"prompt": ["x"] * 33}, "prompt: List should have at most 32 items"),
        ({"prompt": [1, "x"]}, "prompt[1]: Input should be a valid integer"),
        ({"prompt": [1, -1]}, "prompt[1]: Input should be greater than or equal to 0"),
        ({"stop": ["x"] * 17}, "stop: List should have at most 16 items"),
        ({"max_tokens": "x"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"adapter": {"name": 5}}, "adapter.name: Input should be a valid string"),
        ({"adapter": {"name": "x", "scale": 101}}, "adapter.scale: Input should be less than or equal to 100"),
    ],
    ids=str,
)
async def test_of_several_forms_the_nearest_says_what_is_wrong(fields: dict[str, Any], reason: str) -> None:
    answer = await post("/v1/completions", {"model": "m", "prompt": "x", **fields})
    assert answer.json()["error"]["message"].startswith(reason)


def test_harmless_fields_pass() -> None:
    assert prompts("x", echo=False, best_of=1, suffix="", user="u")


@pytest.mark.parametrize("path", ["/completion", "/completions"])
async def test_llama_servers_completion(path: str) -> None:
    whole = LlamaCompletion.model_validate((await post(path, {"prompt": "x", "n_predict": 2})).json())
    assert (whole.content, whole.stop_type, whole.model) == ("Hello there", "eos", "m")
    assert (whole.tokens_evaluated, whole.tokens_predicted) == (2, 2)


async def test_llama_servers_stream_ends_with_its_last_object() -> None:
    *chunks, last = (await post("/completion", {"prompt": "x", "stream": True})).frames()
    assert [(c["content"], c["stop"]) for c in chunks] == [("Hello", False), (" there", False)]
    assert LlamaCompletion.model_validate(last).content == ""


@pytest.mark.parametrize(
    ("reason", "word", "kind"), [("length", None, "limit"), ("stop", "END", "word"), ("stop", None, "eos")]
)
async def test_llama_servers_reasons_to_stop(reason: Any, word: str | None, kind: str) -> None:
    async def say(request: GenerateRequest, index: int) -> Any:
        del request
        yield TextDelta("x", index)
        yield Finished(reason, Usage(), Timings(), word, index)

    last = (await post("/completion", {"prompt": "x"}, say)).json()
    assert (last["stop_type"], last["stopping_word"]) == (kind, word or "")


def test_llama_servers_fields() -> None:
    asked = llama(
        prompt=["a", 1, "b"], n_predict=-1, seed=-1, top_k=-1, stop=["x", "y"], temperature=50,
        logit_bias=[[1, 2.5], [2, False], ["cat", -1]],
    )  # fmt: skip
    assert cast("TextPrompt", asked.prompt).parts == ("a", 1, "b")
    assert (asked.max_tokens, asked.sampling.seed, asked.sampling.top_k, asked.stop) == (None, None, 0, ("x", "y"))
    assert dict(asked.sampling.logit_bias) == {1: 2.5, 2: -1e4, "cat": -1.0}
    assert llama(max_tokens=7).max_tokens == 7
    assert llama(stop="x", seed=5).sampling.seed == 5


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"n_predict": -2}, "n_predict"),
        ({"logit_bias": [["a", "b"]]}, "logit_bias"),
        ({"logit_bias": [[1, True]]}, "logit_bias"),
        ({"logit_bias": [[1.5, 1]]}, "logit_bias"),
        ({"n_probs": 101}, "n_probs"),
        ({"samplers": ["top_k"]}, "samplers"),
    ],
)
async def test_what_llama_servers_completion_refuses(fields: dict[str, Any], param: str) -> None:
    answer = await post("/completion", {"prompt": "x", **fields})
    assert answer.error[0] == 400
    assert str(answer.error[3]).startswith(param)


async def test_without_a_name_the_only_loaded_model_answers_else_the_first() -> None:
    broken = Model("0", "gguf", Path("/0"), invalid="half a file")
    both = (None, broken, model("a"), model("b"))
    assert (await post("/completion", {"prompt": "x"}, *both)).json()["model"] == "a"
    loaded = {"b": WorkerStatus("b", "ready")}
    assert (await post("/completion", {"prompt": "x"}, *both, statuses=loaded)).json()["model"] == "b"
    assert (await post("/completion", {"prompt": "x", "model": "a"}, *both, statuses=loaded)).json()["model"] == "a"


async def test_without_a_name_no_model_answers_that_was_made_for_something_else() -> None:
    ear = Model("0-ear", "whisper", Path("/0"), capabilities=frozenset({Capability.TRANSCRIPTION}))
    embeds = replace(model("0-vectors"), pooling="mean")
    every = (None, ear, embeds, model("a"), model("b"))
    assert (await post("/completion", {"prompt": "x"}, *every)).json()["model"] == "a"
    others = {each.id: WorkerStatus(each.id, "ready", served=each) for each in (ear, embeds, model("b"))}
    assert (await post("/completion", {"prompt": "x"}, *every, statuses=others)).json()["model"] == "b"
    assert (await post("/v1/completions", {"prompt": "x"}, *every, statuses=others)).json()["model"] == "b"


async def test_without_any_model_there_is_a_404() -> None:
    empty = services()
    cast("Any", empty.catalog).by_name.clear()
    answer = await call(create_app(empty), "POST", "/completion", {"prompt": "x"})
    assert answer.error[:3] == (404, "invalid_request_error", "model_not_found")


async def test_tokens_there_and_back() -> None:
    assert (await post("/tokenize", {"content": "abc", "with_pieces": False})).json() == {"tokens": [1, 2, 3]}
    assert (await post("/detokenize", {"tokens": [1, 2]})).json() == {"content": "[1, 2]"}
    assert (await post("/detokenize", {"tokens": [100]})).error[3] == "tokens"
    assert (await post("/tokenize", {})).error[3] == "content"


async def test_load_and_unload() -> None:
    parts = services(statuses={"m": WorkerStatus("m", "ready")})
    app = create_app(parts)
    assert (await call(app, "POST", "/models/load", {"model": "m"})).json() == {"success": True}
    assert cast("Pool", parts.pool).loaded == ["m"]
    assert (await call(app, "POST", "/models/unload", {"model": "m"})).json() == {"success": True}
    assert (await post("/models/unload", {"model": "m"})).error == (
        400,
        "invalid_request_error",
        "model_not_loaded",
        "model",
    )
    assert (await call(app, "POST", "/models/load", {"model": "zip"})).error[0] == 404


async def test_a_failed_load_has_its_own_status() -> None:
    answer = await post("/models/load", {"model": "m"}, failure=WorkerCrashed("died"))
    assert answer.error[:3] == (503, "server_error", "worker_crashed")


async def test_a_load_that_a_shutdown_cuts_says_so() -> None:
    for path, sent in (("/models/load", {"model": "m"}), ("/tokenize", {"content": "x"})):
        parts = services(progress=loading_for_ever())
        answer = asyncio.create_task(call(create_app(parts), "POST", path, sent))
        await asyncio.sleep(0.05)
        parts.requests.cut()
        assert (await answer).error[:3] == (503, "server_error", "shutting_down")


async def test_a_client_that_leaves_gives_its_load_up() -> None:
    parts = services(progress=loading_for_ever())
    asking = Client(create_app(parts), "POST", "/models/load", [b'{"model": "m"}'])
    answer = asyncio.create_task(asking.run())
    await asyncio.sleep(0.05)
    assert not answer.done()
    asking.leave()
    assert (await answer).status == 0
