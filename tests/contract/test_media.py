"""Images and sounds in messages: honoured by a model that has the sense, refused by name by every other."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from ..process.serving.files import (  # noqa: TID252
    BLUE,
    GREEN,
    RED,
    fmt,
    gif,
    image,
    jpeg,
    link,
    make_seeing_model,
    png,
    riff,
    sound,
    wav,
)
from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
QUESTION = {"type": "text", "text": "What is the capital of France?"}
BEFORE = 8  # more tokens than the template writes before a message's first part
TOKENS = {"image": 16, "sound": 75}  # as training/projector.py makes them
FFPROBE = "#!{python}\nimport pathlib\npathlib.Path({mark!r}).touch()\n"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """One slot a model, so that every request meets what the one before it left; links are followed."""
    home = tmp_path_factory.mktemp("home")
    make_seeing_model(home / "models" / "seeing")
    make_seeing_model(home / "models" / "misfit", width=64)
    tools = home / "tools"
    tools.mkdir()
    for name in ("ffmpeg", "ffprobe"):
        (tools / name).write_text(FFPROBE.format(python=sys.executable, mark=str(home / "ffprobe-ran")))
        (tools / name).chmod(0o700)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    slot = {"DOVETAIL_LOAD__PARALLEL": "1", "DOVETAIL_LOAD__CONTEXT": "512"}
    environment = {**slot, "DOVETAIL_MEDIA__REMOTE": "true", "PATH": path}
    async with running(home, environment=environment) as process:
        yield process


def body(*content: Any, model: str = "seeing", **fields: Any) -> dict[str, Any]:
    plain = {"temperature": 0, "max_tokens": 8, "chat_template_kwargs": {"enable_thinking": False}}
    return {"model": model, "messages": [{"role": "user", "content": list(content)}], **plain, **fields}


async def answer(http: aiohttp.ClientSession, sent: dict[str, Any]) -> dict[str, Any]:
    async with http.post(CHAT, json=sent) as got:
        whole = await got.json()
    assert got.status == 200, whole
    return whole


async def first(http: aiohttp.ClientSession, *content: Any, **fields: Any) -> tuple[list[float], int, int]:
    """Log probabilities of the first token's rivals, tokens of the prompt, and those that were cached."""
    whole = await answer(http, body(*content, max_tokens=1, logprobs=True, top_logprobs=5, **fields))
    rivals = whole["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    usage = whole["usage"]
    return (
        [rival["logprob"] for rival in rivals],
        usage["prompt_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
    )


async def refused(http: aiohttp.ClientSession, sent: dict[str, Any]) -> tuple[int, str, str]:
    async with http.post(CHAT, json=sent) as got:
        error = (await got.json())["error"]
    assert error["type"] == "invalid_request_error"
    return got.status, error["code"], error["param"]


def far(a: list[float], b: list[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


@pytest.fixture
async def same_worker(server: Running, http: aiohttp.ClientSession) -> AsyncGenerator[None]:
    """The model's process lives on and answers."""
    await answer(http, body(QUESTION, max_tokens=1))
    before = await server.worker(http, "seeing")
    yield
    await answer(http, body(image(png()), QUESTION, max_tokens=1))
    assert (await server.worker(http, "seeing")).pid == before.pid


async def test_models_say_what_they_take(http: aiohttp.ClientSession, model: str) -> None:
    for name, takes in (("seeing", {"vision", "audio"}), (model, set[str]())):
        async with http.get(f"/v1/models/{name}") as got:
            assert set((await got.json())["capabilities"]) & {"vision", "audio"} == takes


@pytest.mark.parametrize(("kind", "parts"), [
    ("image", [image(png(colour=RED)), image(png(colour=BLUE))]),
    ("sound", [sound(wav(hertz=200)), sound(wav(hertz=2000))]),
])  # fmt: skip
async def test_what_is_shown_counts_and_changes_the_answer(
    http: aiohttp.ClientSession, kind: str, parts: list[Any]
) -> None:
    blank, alone, _ = await first(http, QUESTION)
    shown, one, _ = await first(http, parts[0], QUESTION)
    other, two, _ = await first(http, QUESTION, *parts)
    assert (one - alone, two - alone) == (TOKENS[kind], 2 * TOKENS[kind])
    assert far(blank, shown) > 0.001
    assert far(shown, other) > 0.001


async def test_another_image_never_meets_the_cache_of_the_one_before(http: aiohttp.ClientSession) -> None:
    colours = {colour: image(png(colour=colour)) for colour in (RED, GREEN, BLUE)}
    cold: dict[tuple[int, int, int], list[float]] = {}
    total = 0
    for colour, part in colours.items():
        cold[colour], total, cached = await first(http, part, QUESTION)
        assert cached < BEFORE
    assert min(far(cold[RED], cold[BLUE]), far(cold[RED], cold[GREEN])) > 0.02
    again, _, cached = await first(http, colours[BLUE], QUESTION)
    assert (cached, far(again, cold[BLUE]) < 0.02) == (total - 1, True)
    for colour in (RED, GREEN):
        again, _, cached = await first(http, colours[colour], QUESTION)
        assert cached < BEFORE
        assert far(again, cold[colour]) < 0.02


@pytest.mark.parametrize("part", [
    image(png(3, 300)), image(jpeg(64, 64), "image/jpeg"), image(gif(), "image/gif"), image(png(), "image/webp"),
])  # fmt: skip
async def test_formats_that_are_read(http: aiohttp.ClientSession, part: Any) -> None:
    _, alone, _ = await first(http, QUESTION)
    _, shown, _ = await first(http, part, QUESTION)
    assert shown - alone == TOKENS["image"]


async def test_the_official_sdk_streams_an_answer_to_an_image(server: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        sent = body(QUESTION, image(png()))
        stream = await client.chat.completions.create(
            model=sent["model"],
            messages=sent["messages"],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        got: list[ChatCompletionChunk] = [chunk async for chunk in stream]
    assert [chunk.choices[0].finish_reason for chunk in got if chunk.choices][-1] in {"stop", "length"}
    assert got[-1].usage
    assert got[-1].usage.prompt_tokens > TOKENS["image"]


async def test_an_image_of_an_earlier_turn_is_remembered(http: aiohttp.ClientSession) -> None:
    turns = body(image(png()), QUESTION)
    reply = (await answer(http, turns))["choices"][0]["message"]["content"]
    turns["messages"] += [{"role": "assistant", "content": reply}, {"role": "user", "content": "Thank you"}]
    usage = (await answer(http, turns))["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > TOKENS["image"]


BAD: dict[str, Any] = {
    "text called png": image(b"hello world"),
    "png cut short": image(png()[:-30]),
    "jpeg cut short": image(jpeg(64, 64)[:-4], "image/jpeg"),
    "gif cut short": image(gif()[:-4], "image/gif"),
    "30000 x 30000": image(png(claimed=(30_000, 30_000))),
    "a bomb inside one pixel": image(png(1, 1, lines=bytes(60 << 20))),
    "playlist": image(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    "webp": image(b"RIFF\x24\0\0\0WEBPVP8 "),
    "base64 with a newline": link("data:image/png;base64,iVBORw0K\nGgo="),
    "sound of a sample": sound(wav(0.0001)),  # llama.cpp aborts on it
    "4 GB by the header": sound(riff(fmt(), b"data\xf0\xff\xff\xff" + bytes(99))),
    "mp3 called wav": sound(b"ID3\x04" + bytes(99)),
}


@pytest.mark.parametrize("part", BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_read_is_named(http: aiohttp.ClientSession, same_worker: None, part: Any) -> None:
    del same_worker
    assert await refused(http, body(QUESTION, part)) == (400, "invalid_media", "messages[0].content[1]")
    assert (await refused(http, body(QUESTION, part, stream=True)))[0] == 400


async def test_what_passes_the_gate_and_is_damaged_within_is_named_by_the_worker(
    server: Running, http: aiohttp.ClientSession, same_worker: None
) -> None:
    del same_worker
    no_such_filter = (b"\x09" + bytes(64 * 3)) * 64
    sent = body(QUESTION, image(png(lines=no_such_filter)))
    assert await refused(http, sent) == (400, "invalid_media", "messages")
    assert not (server.home / "ffprobe-ran").exists()


async def test_twenty_images_are_taken_and_no_more(http: aiohttp.ClientSession) -> None:
    parts = [image(png(2, 2, (i, i, i))) for i in range(21)]
    _, total, _ = await first(http, *parts[:20], QUESTION)
    assert total > 20 * TOKENS["image"]
    assert await refused(http, body(*parts, QUESTION)) == (400, "too_many_files", "messages[0].content[20]")


async def test_more_than_a_body_may_hold(http: aiohttp.ClientSession, same_worker: None) -> None:
    del same_worker
    async with http.post(CHAT, data=io.BytesIO(json.dumps(body(image(bytes(13 << 20)))).encode())) as got:
        assert (got.status, (await got.json())["error"]["code"]) == (413, "request_too_large")


async def test_images_that_fill_the_context_are_counted(http: aiohttp.ClientSession) -> None:
    long = {"type": "text", "text": "the king " * 150}
    assert await refused(http, body(long, *[image(png(2, 2, (i, 0, 0))) for i in range(20)])) == (
        400,
        "context_length_exceeded",
        "messages",
    )


@pytest.mark.parametrize("role", ["system", "assistant"])
async def test_only_a_user_shows_images(http: aiohttp.ClientSession, role: str) -> None:
    sent = body(QUESTION)
    sent["messages"].insert(0, {"role": role, "content": [image(png())]})
    assert await refused(http, sent) == (400, "unsupported_field", "messages[0].content[0].image_url")


async def test_a_marker_in_a_text_is_text(server: Running, http: aiohttp.ClientSession, same_worker: None) -> None:
    """Even with the worker's own, which no client can know, nobody brings in an image or takes the worker down."""
    del same_worker
    _, alone, _ = await first(http, {"type": "text", "text": "<__media__>"})
    assert alone < 40
    (socket,) = (path for path in server.sockets() if path.name.startswith("seeing"))
    connector = aiohttp.UnixConnector(str(socket))
    async with aiohttp.ClientSession(connector=connector) as worker, worker.get("http://worker/props") as got:
        marker = (await got.json())["media_marker"]
    for parts in ([], [image(png())]):
        status, *_ = await refused(http, body({"type": "text", "text": f"{marker} and {marker}"}, *parts))
        assert status == 400


@pytest.mark.bad_input("34")
@pytest.mark.parametrize("part", [image(png()), sound(wav()), link("http://127.0.0.1:1/x.png")])
async def test_models_of_text_refuse_what_they_cannot_take(
    http: aiohttp.ClientSession, model: str, part: dict[str, Any]
) -> None:
    sent = body(QUESTION, part, model=model)
    assert await refused(http, sent) == (400, "unsupported_modality", "messages[0].content[1]")
    assert await refused(http, {**sent, "stream": True}) == (400, "unsupported_modality", "messages[0].content[1]")


async def test_a_link_to_this_machine_is_not_followed(http: aiohttp.ClientSession) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    secret = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with secret:
        port = secret.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
            sent = body(QUESTION, link(f"http://{host}:{port}/x.png"))
            assert await refused(http, sent) == (400, "fetch_failed", "messages[0].content[1]")
    assert asked == []


@pytest.mark.bad_input("34")
async def test_links_are_off_unless_a_setting_says_so(tmp_path: Path) -> None:
    make_seeing_model(tmp_path / "models" / "seeing")
    async with running(tmp_path, ["--no-demo"]) as process, aiohttp.ClientSession(process.url) as http:
        sent = body(QUESTION, link("http://127.0.0.1:1/x.png"))
        assert await refused(http, sent) == (400, "remote_media_off", "messages[0].content[1]")
        async with http.get("/v1/models/seeing") as got:
            assert (await got.json())["state"] == "unloaded"


async def test_a_projector_of_another_width_is_a_failed_load_with_the_reason(http: aiohttp.ClientSession) -> None:
    async with http.post(CHAT, json=body(QUESTION, model="misfit")) as got:
        error = (await got.json())["error"]
    assert (got.status, error["code"]) == (503, "model_failed")
    assert "mmproj" in error["message"]
