"""What a real worker answers."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, cast

import pytest

from dovetail.core.request import Json, JsonObject

if TYPE_CHECKING:
    from tests.process.mlx.conftest import Reply, Start, Worker

pytestmark = pytest.mark.anyio

PLAIN: JsonObject = {"enable_thinking": False}
WEATHER: Json = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
STORY = "Tell me a story about a cat."


async def test_a_chat_streams_text_usage_and_timings(worker: Worker) -> None:
    reply = await worker.chat(
        "What is the capital of France?", chat_template_kwargs=PLAIN, stream_options={"include_usage": True}
    )
    assert reply.status == 200
    assert reply.finished
    assert reply.deltas[0] == {"role": "assistant", "content": None}
    assert "Paris" in reply.text
    assert reply.reason == "stop"
    assert reply.last["choices"] == []
    assert reply.last["stop_type"] == "eos"
    usage, timings = cast("JsonObject", reply.last["usage"]), cast("dict[str, float]", reply.last["timings"])
    assert usage["completion_tokens"] == timings["predicted_n"]
    assert usage["prompt_tokens"] == timings["prompt_n"] + timings["cache_n"]
    assert usage["total_tokens"] == cast("int", usage["prompt_tokens"]) + cast("int", usage["completion_tokens"])
    assert timings["predicted_per_second"] > 0


async def test_no_character_is_cut_between_two_frames(worker: Worker) -> None:
    prompt = (await worker.ask("/tokenize", {"content": "대한민국의 수도는"})).last["tokens"]
    for seed in range(4):
        reply = await worker.complete(prompt, temperature=2.0, top_k=0, top_p=1.0, seed=seed, ignore_eos=True)
        tokens = [token for frame in reply.frames for token in cast("list[Json]", frame["tokens"])]
        whole = cast("str", (await worker.ask("/detokenize", {"tokens": tokens})).last["content"])
        # Control tokens are the only difference between what was drawn and what is shown.
        for special in ("<|im_start|>", "<|im_end|>", "<|endoftext|>"):
            whole = whole.replace(special, "")
        # A character that the limit cuts in two is not shown.
        assert reply.text == whole.removesuffix("\ufffd")


async def test_reasoning_is_apart_from_content(worker: Worker) -> None:
    thought = await worker.chat("What is the capital of France?", chat_template_kwargs={"enable_thinking": True})
    assert thought.joined("reasoning_content")
    assert "think>" not in thought.text + thought.joined("reasoning_content")
    inline = await worker.chat(
        "What is the capital of France?", chat_template_kwargs={"enable_thinking": True}, reasoning_format="none"
    )
    assert inline.text.startswith("<think>\n")
    assert not inline.joined("reasoning_content")


async def test_a_tool_call_streams_its_arguments(worker: Worker) -> None:
    reply = await worker.chat("What is the weather in Paris?", tools=WEATHER, chat_template_kwargs=PLAIN)
    calls = [
        cast("list[JsonObject]", delta["tool_calls"])[0]
        for delta in reply.deltas
        if delta.get("tool_calls") is not None
    ]
    functions = [cast("dict[str, str]", call["function"]) for call in calls]
    assert reply.reason == "tool_calls"
    assert functions[0]["name"]
    assert len(cast("str", calls[0]["id"])) == 32
    assert len(calls) > 2
    assert all("id" not in call for call in calls[1:])
    assert isinstance(json.loads("".join(function["arguments"] for function in functions)), dict)
    assert "tool_call" not in reply.text


async def test_a_tool_call_that_is_cut_off_leaks_no_markup(worker: Worker) -> None:
    for limit in range(1, 16, 3):
        reply = await worker.chat(
            "What is the weather in Paris?", tools=WEATHER, chat_template_kwargs=PLAIN, max_tokens=limit
        )
        assert reply.reason == "length"
        assert reply.finished
        assert "<" not in reply.text
        assert "{" not in reply.text


async def test_an_unfinished_answer_is_continued(worker: Worker) -> None:
    messages: Json = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "The capital of France"},
    ]
    body: JsonObject = {"messages": messages, "temperature": 0, "continue_final_message": True}
    reply = await worker.ask("/v1/chat/completions", {**body, "add_generation_prompt": False, "max_tokens": 20})
    assert reply.text.startswith(" is")
    prompt = (await worker.ask("/apply-template", {**body, "add_generation_prompt": False})).last["prompt"]
    assert cast("str", prompt).endswith("The capital of France")


async def test_stop_strings_match_across_tokens_and_never_leak(worker: Worker) -> None:
    whole = (await worker.chat(STORY, chat_template_kwargs=PLAIN)).text
    for start in range(4, 40, 5):
        stop = whole[start : start + 7]
        reply = await worker.chat(STORY, chat_template_kwargs=PLAIN, stop=["\0never", stop])
        assert reply.text == whole[: whole.index(stop)]
        assert reply.reason == "stop"
        assert (reply.last["stop_type"], reply.last["stopping_word"]) == ("word", stop)


async def test_a_seed_repeats_alone_and_in_company(worker: Worker) -> None:
    async def seeded(seed: int) -> Reply:
        return await worker.complete("The", temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed)

    alone = [(await seeded(seed)).text for seed in (1, 2, 3, 4)]
    together = await asyncio.gather(*(seeded(seed) for seed in (1, 2, 3, 4)))
    assert [reply.text for reply in together] == alone
    assert len(set(alone)) > 1


async def test_greedy_text_is_the_same_in_a_batch(worker: Worker) -> None:
    prompts = ["What is the capital of France?", "What is 2 + 2?", STORY, "안녕", "Hello!", "Who are you?"]
    alone = [(await worker.chat(prompt, chat_template_kwargs=PLAIN)).text for prompt in prompts]
    together = await asyncio.gather(*(worker.chat(prompt, chat_template_kwargs=PLAIN) for prompt in prompts))
    assert [reply.text for reply in together] == alone


async def test_the_second_turn_computes_only_what_is_new(worker: Worker) -> None:
    first = "A first turn that no other test has: " + "one two three four " * 8
    answer = await worker.chat(first, chat_template_kwargs=PLAIN, stream_options={"include_usage": True})
    before = cast("int", cast("JsonObject", answer.last["usage"])["prompt_tokens"])
    messages: Json = [
        {"role": "user", "content": first},
        {"role": "assistant", "content": answer.text},
        {"role": "user", "content": "And now?"},
    ]
    body: JsonObject = {"messages": messages, "temperature": 0, "max_tokens": 4, "chat_template_kwargs": PLAIN}
    reply = await worker.ask("/v1/chat/completions", {**body, "stream_options": {"include_usage": True}})
    usage = cast("JsonObject", reply.last["usage"])
    details = cast("dict[str, int]", usage["prompt_tokens_details"])
    assert details["cached_tokens"] == reply.cached
    assert before > 60
    assert before - 1 <= reply.cached < cast("int", usage["prompt_tokens"])


async def test_a_prompt_equal_to_a_cached_sequence_leaves_one_token_to_compute(worker: Worker) -> None:
    prompt: list[Json] = [300, 301, 302, 303, 304, 305]
    first = await worker.complete(prompt, n_predict=1)
    tokens = [token for frame in first.frames for token in cast("list[Json]", frame.get("tokens") or [])]
    for _ in range(3):
        again = await worker.complete([*prompt, *tokens], n_predict=1)
        assert again.status == 200
        assert again.cached == len(prompt) + len(tokens) - 1
    assert (worker.health() or (0, {}))[0] == 200


async def test_progress_is_reported_chunk_by_chunk(worker: Worker) -> None:
    reply = await worker.complete([7] * 200, n_predict=1, return_progress=True)
    progress = [
        cast("dict[str, int]", frame["prompt_progress"]) for frame in reply.frames if "prompt_progress" in frame
    ]
    assert [step["processed"] for step in progress] == [0, 64, 128, 192, 200]
    assert {step["total"] for step in progress} == {200}


async def test_generation_ends_with_the_context(start: Start) -> None:
    small = start("--context", "40", "--parallel", "2")
    reply = await small.complete([5] * 30, n_predict=-1, ignore_eos=True)
    assert reply.last["tokens_predicted"] == 10
    assert reply.last["stop_type"] == "limit"
    over = await small.complete([5] * 40)
    assert over.status == 400
    assert over.error["type"] == "exceed_context_size_error"
    assert (over.error["n_prompt_tokens"], over.error["n_ctx"]) == (40, 40)


async def test_logprobs_are_the_models_own(worker: Worker) -> None:
    plain = await worker.chat("Hello!", chat_template_kwargs=PLAIN, logprobs=True, top_logprobs=3)
    entries: list[JsonObject] = []
    for frame in plain.frames:
        for choice in cast("list[JsonObject]", frame["choices"]):
            entries += cast("list[JsonObject]", cast("JsonObject", choice.get("logprobs") or {}).get("content") or [])
    assert entries
    for entry in entries:
        top = cast("list[dict[str, float]]", entry["top_logprobs"])
        assert len(top) == 3
        assert top[0]["logprob"] == entry["logprob"]  # greedy
        assert sum(math.exp(item["logprob"]) for item in top) <= 1 + 1e-4
        assert bytes(cast("list[int]", entry["bytes"])).decode("utf-8", "replace") == entry["token"]
    # A bias moves the choice, not the distribution that is reported.
    banned = cast("int", entries[0]["id"])
    moved = await worker.chat(
        "Hello!", chat_template_kwargs=PLAIN, logprobs=True, top_logprobs=1, max_tokens=1, logit_bias=[[banned, False]]
    )
    choice = cast("list[JsonObject]", moved.frames[1]["choices"])[0]
    entry = cast("list[JsonObject]", cast("JsonObject", choice["logprobs"])["content"])[0]
    assert entry["id"] != banned
    assert cast("list[JsonObject]", entry["top_logprobs"])[0]["id"] == banned


async def test_completion_takes_strings_and_ids_mixed(worker: Worker) -> None:
    ids = cast("list[Json]", (await worker.ask("/tokenize", {"content": "The capital of"})).last["tokens"])
    text = await worker.complete("The capital of France is")
    mixed = await worker.complete([*ids, " France is"])
    assert text.text == mixed.text
    assert text.last["tokens_evaluated"] == mixed.last["tokens_evaluated"]


async def test_nothing_is_generated_when_nothing_is_asked_for(worker: Worker) -> None:
    reply = await worker.complete("The capital of", n_predict=0)
    assert reply.text == ""
    assert (reply.last["stop_type"], reply.last["tokens_predicted"]) == ("limit", 0)


async def test_text_and_ids_go_both_ways(worker: Worker) -> None:
    text = "안녕 <think> é\n<|im_end|>"
    tokens = cast("list[Json]", (await worker.ask("/tokenize", {"content": text})).last["tokens"])
    assert (await worker.ask("/detokenize", {"tokens": tokens})).last["content"] == text
    literal = await worker.ask("/tokenize", {"content": "<|im_end|>", "parse_special": False})
    assert len(cast("list[int]", literal.last["tokens"])) > 1
    pieces = await worker.ask("/tokenize", {"content": "é", "with_pieces": True})
    assert all(set(piece) == {"id", "piece"} for piece in cast("list[JsonObject]", pieces.last["tokens"]))


async def test_penalties_change_the_answer(worker: Worker) -> None:
    plain = await worker.complete([300, 300, 300], ignore_eos=True)
    punished = await worker.complete([300, 300, 300], ignore_eos=True, repeat_penalty=1.5, presence_penalty=2.0)
    assert plain.text != punished.text


async def test_prompt_caches_are_not_shared_between_salts(worker: Worker) -> None:
    prompt = [*range(400, 440)]
    assert (await worker.complete(prompt, cache_salt="a", n_predict=1)).cached == 0
    assert (await worker.complete(prompt, cache_salt="b", n_predict=1)).cached == 0
    assert (await worker.complete(prompt, n_predict=1)).cached == 0
    assert (await worker.complete(prompt, cache_salt="a", n_predict=1)).cached == 39
    assert (await worker.complete(prompt, cache_salt="a", n_predict=1, cache_prompt=False)).cached == 0


async def test_a_prompt_cache_stays_where_it_may(worker: Worker) -> None:
    for keep, cached in (("nothing", 0), ("memory", 39), ("disk", 39)):
        prompt, salt = [*range(500, 540)], f"keep {keep}"
        assert (await worker.complete(prompt, cache_salt=salt, cache_keep=keep, n_predict=1)).cached == 0
        assert (await worker.complete(prompt, cache_salt=salt, cache_keep=keep, n_predict=1)).cached == cached
