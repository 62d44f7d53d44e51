"""`[models.ID] chat_template` and `chat_format`: another template than the model's own, alike on both engines."""

import shutil
from collections.abc import AsyncGenerator
from typing import Any, get_args

import aiohttp
import jinja2
import pytest

from dovetail.chat_formats import template
from dovetail.core.model import ChatFormat
from dovetail.demo import models_dir

from .running import running

pytestmark = pytest.mark.anyio

FORMATS: tuple[ChatFormat, ...] = get_args(ChatFormat)
TALK = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "What is the capital of France?"},
]  # fmt: skip
SAID = {
    "alpaca": "Be brief.\n\n### Instruction:\nHello\n\n### Response:\nHi\n\n"
    "### Instruction:\nWhat is the capital of France?\n\n### Response:\n",
    "chatml": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
    "<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n"
    "<|im_start|>assistant\n",
    "gemma": "B<start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi<end_of_turn>\n"
    "<start_of_turn>user\nWhat is the capital of France?<end_of_turn>\n<start_of_turn>model\n",
    "llama-2": "B[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi E"
    "B[INST] What is the capital of France? [/INST]",
    "llama-3": "B<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHi<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWhat is the capital of France?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "mistral": "B[INST] Be brief.\n\nHello [/INST] HiE[INST] What is the capital of France? [/INST]",
    "vicuna": "Be brief.\n\nUSER: Hello\nASSISTANT: HiE\nUSER: What is the capital of France?\nASSISTANT:",
    "zephyr": "<|system|>\nBe brief.E\n<|user|>\nHelloE\n<|assistant|>\nHiE\n"
    "<|user|>\nWhat is the capital of France?E\n<|assistant|>\n",
}
OWN = "{%- for message in messages -%}({{ message.role }}: {{ message.content }}){%- endfor -%}"


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_what_models_were_trained_on(name: ChatFormat) -> None:
    text = jinja2.Template(template(name).read_text("utf-8"), undefined=jinja2.StrictUndefined).render(
        messages=TALK, add_generation_prompt=True, bos_token="B", eos_token="E"
    )
    assert text == SAID[name]


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("home")
    (home / "own.jinja").write_text(OWN)
    (home / "broken.jinja").write_text("{% for message in messages %}{{ message.content }")
    names = {"own": 'chat_template = "own.jinja"', "broken": 'chat_template = "broken.jinja"'}
    names |= {"missing": 'chat_template = "missing.jinja"', "alpaca": 'chat_format = "alpaca"'}
    lines: list[str] = ["[fleet]", "max_models = 8", "[load]", "context = 512", "parallel = 1"]
    for name, setting in names.items():
        lines += [f"[models.{name}-gguf]", setting, f"[models.{name}-mlx]", setting]
        (home / "models" / f"{name}-gguf").mkdir(parents=True)
        shutil.copy(models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf", home / "models" / f"{name}-gguf")
        shutil.copytree(models_dir() / "tiny-mlx", home / "models" / f"{name}-mlx")
        (home / "models" / f"{name}-mlx" / "chat_template.jinja").write_text("none of this")
    (home / "dovetail.toml").write_text("\n".join(lines))
    async with running(home) as server, aiohttp.ClientSession(server.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **sent: Any) -> tuple[int, Any]:
    async with http.post(path, json=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.accept("E13")
@pytest.mark.parametrize("engine", ["gguf", "mlx"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("own", "".join(f"({m['role']}: {m['content']})" for m in TALK)), ("alpaca", SAID["alpaca"])],
)
async def test_a_model_is_asked_by_the_template_of_its_settings(
    http: aiohttp.ClientSession, engine: str, name: str, text: str
) -> None:
    asked: dict[str, Any] = {"model": f"{name}-{engine}", "temperature": 0, "max_tokens": 8}
    status, chat = await post(http, "/v1/chat/completions", messages=TALK, **asked)
    assert status == 200, chat
    _, raw = await post(http, "/v1/completions", prompt=text, **asked)
    assert chat["usage"]["prompt_tokens"] == raw["usage"]["prompt_tokens"]
    assert chat["choices"][0]["message"]["content"].strip() == raw["choices"][0]["text"].strip()


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
async def test_what_a_request_may_ask_follows_from_that_template(http: aiohttp.ClientSession, engine: str) -> None:
    async with http.get(f"/v1/models/own-{engine}") as got:
        assert not {"tools", "thinking"} & set((await got.json())["capabilities"])
    asked: dict[str, Any] = {"model": f"own-{engine}", "messages": TALK, "max_tokens": 1}
    for field in ({"reasoning_effort": "high"}, {"chat_template_kwargs": {"date_string": "1 May"}}):
        status, answer = await post(http, "/v1/chat/completions", **asked, **field)
        assert (status, answer["error"]["param"].split(".")[0]) == (400, next(iter(field))), answer


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
@pytest.mark.bad_input("40")
@pytest.mark.parametrize("name", ["broken", "missing"])
async def test_a_template_that_cannot_be_used_ends_the_load(
    http: aiohttp.ClientSession, engine: str, name: str
) -> None:
    status, answer = await post(http, "/models/load", model=f"{name}-{engine}")
    assert (status, answer["error"]["code"]) == ({"broken": 503, "missing": 422}[name], "model_failed")
    assert "emplate" in answer["error"]["message"]
