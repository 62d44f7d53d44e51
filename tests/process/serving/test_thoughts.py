"""Grammars beside thinking, with templates of other habits than the tiny models' own."""

import re
import shutil
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from dovetail.demo import models_dir

from .running import running

pytestmark = pytest.mark.anyio

HISTORY = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.role == 'assistant' and message.reasoning_content -%}"
    "{{ '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{%- endif -%}"
    "{{ message.content + '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}"
)
FIRST = (
    "{%- for message in messages -%}{%- set said = message.content.split('</think>')[-1] -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + said + '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n<think>\\n' }}{%- endif -%}"
)
TEMPLATES = {
    "always": HISTORY + "{{ '<think>\\n' }}{%- endif -%}",  # as DeepSeek R1's
    "itself": HISTORY + "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{%- endif -%}{%- endif -%}",  # as Qwen 3's: the model opens its thought
    "first": FIRST,  # the same, as it was first published: without thoughts of the past
    "untold": FIRST.replace("<think>\\n", "") + "{#- <think> -#}",  # without either, as SmolLM 3's and Granite's
    "unknown": "{%- for message in messages -%}{{ message.content }}{%- endfor -%}{{ '<think>\\n' }}",
}
THOUGHT = "The user asks for the capital of France. It is Paris.\n"


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[aiohttp.ClientSession]:
    home = tmp_path_factory.mktemp("home")
    settings: list[str] = []
    for engine in ("gguf", "mlx"):
        for name, template in TEMPLATES.items():
            (home / f"{name}.jinja").write_text(template)
            shutil.copytree(models_dir() / f"tiny-{engine}", home / "models" / f"{name}-{engine}")
            settings.append(f'[models."{name}-{engine}"]\nchat_template = "{name}.jinja"\n')
    (home / "dovetail.toml").write_text("".join(settings))
    async with running(home) as server, aiohttp.ClientSession(server.url) as session:
        yield session


async def ask(http: aiohttp.ClientSession, model: str, **fields: Any) -> tuple[str, str]:
    """What was thought, and the answer."""
    question = {"role": "user", "content": "What is the capital of France?"}
    sent = {"model": model, "messages": [question], "temperature": 0, "max_tokens": 80, **fields}
    async with http.post("/v1/chat/completions", json=sent) as answer:
        whole = await answer.json()
    assert answer.status == 200, whole
    message = whole["choices"][0]["message"]
    return message.get("reasoning_content", ""), message["content"]


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
async def test_a_model_that_always_thinks(http: aiohttp.ClientSession, engine: str) -> None:
    model = f"always-{engine}"
    thought, answer = await ask(http, model, regex="[ab]{5}")
    assert (thought, bool(re.fullmatch("[ab]{5}", answer))) == (THOUGHT, True)
    thought, answer = await ask(http, f"{model}-no-thinking", regex="[ab]{5}")
    assert (thought, bool(re.fullmatch("[ab]{5}", answer))) == ("", True)


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
async def test_nothing_stands_between_the_thought_and_the_form(http: aiohttp.ClientSession, engine: str) -> None:
    thought, answer = await ask(http, f"first-{engine}", regex="[ab]{5}")
    assert (thought.lstrip("\n"), bool(re.fullmatch("[ab]{5}", answer))) == (THOUGHT, True)


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
async def test_a_model_that_opens_its_thought_itself(http: aiohttp.ClientSession, engine: str) -> None:
    model = f"itself-{engine}"
    thought, answer = await ask(http, model, regex="[ab]{5}")
    assert (thought[-25:], bool(re.fullmatch("[ab]{5}", answer))) == (THOUGHT[-25:], True)
    thought, answer = await ask(http, model, regex="[ab]{5}", enable_thinking=False)
    assert (thought, bool(re.fullmatch("[ab]{5}", answer))) == ("", True)


async def test_no_thought_is_shown_as_the_answer(http: aiohttp.ClientSession) -> None:
    thought, answer = await ask(http, "untold-mlx", regex="[ab]{5}")
    assert (thought[-25:], bool(re.fullmatch("[ab]{5}", answer))) == (THOUGHT[-25:], True)
    thought, answer = await ask(http, "untold-gguf", regex="[ab]{5}", reasoning_budget_tokens=9)
    assert (thought, bool(re.fullmatch("[ab]{5}", answer))) == ("", True)
    sent = {"model": "untold-gguf-thinking", "messages": [{"role": "user", "content": "hi"}], "regex": "a"}
    async with http.post("/v1/chat/completions", json=sent) as refused:
        error = (await refused.json())["error"]
    assert (refused.status, error["param"]) == (400, "model")
    assert "takes its thoughts for text" in error["message"]


@pytest.mark.parametrize("engine", ["gguf", "mlx"])
async def test_a_thought_without_a_known_end(http: aiohttp.ClientSession, engine: str) -> None:
    model = f"unknown-{engine}"
    thought, answer = await ask(http, model, regex="[ab]{5}")
    assert (thought, bool(re.fullmatch("[ab]{5}", answer))) == ("", True)
    sent = {"model": f"{model}-thinking", "messages": [{"role": "user", "content": "hi"}], "regex": "a"}
    async with http.post("/v1/chat/completions", json=sent) as refused:
        error = (await refused.json())["error"]
    assert (refused.status, error["param"]) == (400, "model")
    assert "what ends the thoughts" in error["message"]
