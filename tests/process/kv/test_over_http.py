"""Prompt caches taken out of one server and into another over HTTP, the same on both engines."""

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..serving.running import running  # noqa: TID252  the same server as the other tests
from .test_prompt_caches import ENVIRONMENT, ask, reused, story, unload

pytestmark = pytest.mark.anyio

ROOT = "/v1/internal/model/kv_cache"


@pytest.mark.accept("G11")
@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_a_conversation_goes_on_in_another_server(tmp_path: Path, model: str) -> None:
    text = story(f"Ada {model}")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        left = tmp_path / name / "kv-passing" / "left" / "file"  # by a server that was killed, long ago
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
        for path in (left, left.parent):
            os.utime(path, (1, 1))
    async with running(tmp_path / "one", environment=ENVIRONMENT) as one, aiohttp.ClientSession(one.url) as http:
        await ask(one, model, text)
        await unload(one, model)
        async with http.get(f"{ROOT}/info") as answer:
            (cache,) = (await answer.json())["caches"]
        assert (cache["model"], cache["tokens"] > 100) == (model, True)
        async with http.get(f"{ROOT}/export/{cache['id']}") as answer:
            assert answer.status == 200
            bundle = await answer.read()
        async with http.get(f"{ROOT}/export/nobody") as answer:
            assert answer.status == 404
        assert not list((tmp_path / "one" / "kv-passing").iterdir())
    async with running(tmp_path / "two", environment=ENVIRONMENT) as two, aiohttp.ClientSession(two.url) as http:

        async def take(data: Any) -> tuple[int, Any]:
            body = io.BytesIO(data) if isinstance(data, bytes) else data
            async with http.post(f"{ROOT}/import", data=body) as answer:
                return answer.status, await answer.json()

        bare = (64).to_bytes(8, "little") + json.dumps({"__metadata__": {}}).encode().ljust(64)
        for wrong in (b"", b"nothing", bare, bundle[:-1], bundle + b"!", gzip.compress(bundle)[:-9], b"\x1f\x8b" * 9):
            status, error = await take(wrong)
            assert (status, error["error"]["type"]) == (400, "invalid_request_error"), wrong[:20]
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(gzip.compress(bundle)), filename=f"{cache['id']}.safetensors.gz")
        status, told = await take(form)
        assert (status, told["status"]) == (200, "success"), told
        async with http.get(f"{ROOT}/info") as answer:
            assert [each["id"] for each in (await answer.json())["caches"]] == [told["cache_id"]]
        assert (await take(bundle))[0] == 200, "again, as it is"
        assert not list((tmp_path / "two" / "kv-passing").iterdir())
        assert reused(await ask(two, model, text, "And then?")) > 0.9
