"""What the llm-server's pages ask of a running server about model files."""

from __future__ import annotations

import aiohttp
import pytest

from dovetail.demo import models_dir

pytestmark = pytest.mark.anyio


@pytest.mark.accept("A10", "M8")
async def test_gguf_info(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/models") as answer:
        ids = [model["id"] for model in (await answer.json())["data"] if model["format"] == "gguf"]
    assert "tiny-gguf" in ids
    async with http.post("/gguf-info", json={"model": "tiny-gguf-q8"}) as answer:
        info = await answer.json()
        assert answer.status == 200
    assert (info["ok"], info["fileTypeName"], info["ggufVersion"]) == (True, "Q8_0", 3)
    assert info["qkv"] == {"q": "Q8_0", "k": "Q8_0", "v": "Q8_0"}
    assert info["tensorTypes"] == {"Q8_0": 43, "F32": 13}
    assert info["metadata"]["general.architecture"] == "llama"
    async with http.post("/gguf-info", json={"path": info["path"]}) as answer:
        assert (await answer.json())["tensorCount"] == 56
    async with http.get("/api/v1/models/tiny-gguf-q8/details") as answer:
        details = await answer.json()
    assert [share["type"] for share in details["types"]] == ["Q8_0", "F32"]
    assert details["qkv"] == {"q": {"Q8_0": 6}, "k": {"Q8_0": 6}, "v": {"Q8_0": 6}}


@pytest.mark.accept("A13", "E9")
async def test_mlx_verify(http: aiohttp.ClientSession) -> None:
    async with http.post("/mlx-verify", json={"model": "tiny-mlx"}) as answer:
        verdict = await answer.json()
    assert verdict["exists"] is True
    assert {check["status"] for check in verdict["checks"]} == {"pass"}
    for body in ({"model": "nobody"}, {"path": str(models_dir() / "tiny-gguf")}):
        async with http.post("/mlx-verify", json=body) as answer:
            verdict = await answer.json()
            assert (answer.status, verdict["exists"]) == (200, False)
            assert verdict["error"]
