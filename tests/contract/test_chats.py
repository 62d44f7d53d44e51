"""Conversations on both engines: answers written by the server, stopped, gone on with, refused as the API refuses."""

import asyncio
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from ..process.chats.talk import Heard, talk  # noqa: TID252  a client
from ..process.serving.running import Running  # noqa: TID252  a type

pytestmark = pytest.mark.anyio

GREEDY = {"temperature": 0, "chat_template_kwargs": {"enable_thinking": False}}
ENDLESS = {"temperature": 0, "ignore_eos": True, "max_tokens": 400}


async def test_a_conversation_of_two_turns_with_the_figures_of_the_journal(
    http: aiohttp.ClientSession, model: str
) -> None:
    made = await talk(http, model=model, params=GREEDY)
    first = await made.run(await made.say("What is the capital of France?"))
    heard = await made.heard(first["run_id"])
    assert "Paris" in heard.text
    assert heard.done is not None
    assert heard.done == await made.message(first["message_id"])
    assert heard.parts == heard.done["parts"]
    second = await made.run(await made.say("안녕, 대한민국의 수도는 어디지?", first["message_id"]))
    answer = (await made.heard(second["run_id"])).done
    assert answer is not None
    assert "서울" in answer["parts"][-1]["text"]
    assert (answer["status"], answer["finish_reason"], answer["model"]) == ("complete", "stop", model)
    async with http.get("/api/v1/journal?limit=1") as response:
        (entry,) = (await response.json())["data"]
    assert entry["endpoint"] == "/api/v1/chats/{id}/runs"
    assert entry["completion_tokens"] == answer["usage"]["completion_tokens"] == answer["timings"]["predicted_n"]
    for ours, theirs in (("ttft_ms", "ttft"), ("total_ms", "duration"), ("queued_ms", "queued")):
        assert answer["timings"][ours] == pytest.approx(entry[theirs] * 1000, abs=0.01)


async def test_the_text_is_the_one_of_a_chat_completion(http: aiohttp.ClientSession, model: str) -> None:
    asked = "Tell me about Korea."
    body = {
        "model": model,
        "messages": [{"role": "user", "content": asked}],
        "seed": 7,
        "temperature": 1,
        "max_tokens": 40,
    }
    async with http.post("/v1/chat/completions", json=body) as response:
        message = (await response.json())["choices"][0]["message"]
    made = await talk(http, model=model, params={"seed": 7, "temperature": 1, "max_tokens": 40})
    run = await made.run(await made.say(asked))
    heard = await made.heard(run["run_id"])
    assert heard.text == (message["content"] or "")
    thoughts = "".join(part["text"] for part in heard.parts if part["type"] == "reasoning")
    assert thoughts == (message.get("reasoning_content") or "")


async def test_stop_takes_effect_and_the_answer_can_be_gone_on_with(
    http: aiohttp.ClientSession, server: Running, model: str
) -> None:
    made = await talk(http, model=model, params={**GREEDY, **ENDLESS})
    run = await made.run(await made.say("Count."))
    async with aclosing(made.listen(run["run_id"], Heard())) as listening:
        async for heard in listening:
            if len(heard.text) > 10:
                break
    stopped = (await made.got("POST", f"/runs/{run['run_id']}/cancel", {}))["message"]
    assert stopped["status"] == "stopped"
    assert stopped == await made.message(run["message_id"])
    async with http.get("/api/v1/requests") as response:
        assert run["run_id"] not in str(await response.json())
    before = stopped["parts"][-1]["text"]
    more = await made.run(run["message_id"], params={"ignore_eos": None, "max_tokens": 8}, **{"continue": True})
    after = (await made.heard(more["run_id"])).done
    assert after is not None
    assert more["message_id"] == run["message_id"]
    assert after["parts"][-1]["text"].startswith(before)
    assert len(after["parts"][-1]["text"]) > len(before)
    assert server.process.is_running()


async def test_a_listener_that_is_cut_again_and_again_has_every_letter_once(
    http: aiohttp.ClientSession, model: str
) -> None:
    made = await talk(http, model=model, params={**GREEDY, **ENDLESS})
    run = await made.run(await made.say("Tell me a story."))
    heard, cuts = Heard(), 0
    while heard.done is None:
        seq = heard.seq
        async with aclosing(made.listen(run["run_id"], heard)) as listening:
            async for _ in listening:
                if heard.seq >= seq + 60:
                    cuts += 1
                    break
    assert cuts >= 2
    assert heard.parts == heard.done["parts"] == (await made.message(run["message_id"]))["parts"]
    assert heard.snapshots <= 2  # the first, and one where it had ended meanwhile


async def test_two_conversations_at_once_do_not_mix(http: aiohttp.ClientSession) -> None:
    questions = {"tiny-gguf": "What is the capital of France?", "tiny-mlx": "What is the capital of Japan?"}
    talks = [await talk(http, model=model, params=GREEDY) for model in questions]
    runs = [await made.run(await made.say(asked)) for made, asked in zip(talks, questions.values(), strict=True)]
    heard = await asyncio.gather(*[made.heard(run["run_id"]) for made, run in zip(talks, runs, strict=True)])
    assert ["Paris" in heard[0].text, "Tokyo" in heard[1].text] == [True, True]


async def test_a_question_is_answered_again_by_another_model(http: aiohttp.ClientSession) -> None:
    made = await talk(http, model="tiny-gguf", params=GREEDY)
    asked = await made.say("What is the capital of Italy?")
    for model in ("tiny-gguf", "tiny-mlx"):
        run = await made.run(asked, model=model)
        assert "Rome" in (await made.heard(run["run_id"])).text
    answers = [message for message in (await made.whole())["messages"] if message["parent_id"] == asked]
    assert [message["model"] for message in answers] == ["tiny-gguf", "tiny-mlx"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"params": {"top_p": 2}}, "top_p"),
        ({"params": {"regex": "("}}, "regex"),
        ({"params": {"store": True}}, "store"),
        ({"model": "nobody-s"}, "model"),
    ],
)
async def test_a_field_that_cannot_be_honoured_is_named_and_nothing_is_stored(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any], param: str
) -> None:
    made = await talk(http, model=model)
    asked = await made.say("hi")
    async with http.post(f"/api/v1/chats/{made.chat}/runs", json={"parent_id": asked, **fields}) as response:
        assert (await response.json())["error"]["param"] == param
        assert response.status in {400, 404}
    assert len((await made.whole())["messages"]) == 1


async def test_a_tool_is_called_and_its_result_answered(http: aiohttp.ClientSession, model: str) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    made = await talk(http, model=model, params={**GREEDY, "tool_choice": "required", "parallel_tool_calls": False})
    run = await made.run(await made.say("What is the weather in Paris?"), tools=tools)
    done = (await made.heard(run["run_id"])).done
    assert done is not None
    (call,) = [part for part in done["parts"] if part["type"] == "tool_call"]
    assert (call["name"], done["finish_reason"]) == ("weather", "tool_calls")
    result = {"type": "tool_result", "tool_call_id": call["id"], "text": "sunny"}
    body = {"parent_id": run["message_id"], "role": "tool", "parts": [result]}
    told = (await made.got("POST", f"/chats/{made.chat}/messages", body))["message"]["id"]
    after = await made.run(told, tools=tools, params={"tool_choice": "none", "max_tokens": 8})
    assert (await made.heard(after["run_id"])).done is not None
