"""The documents' client examples, unchanged but for the address: Python `requests` and JavaScript `fetch`."""

import asyncio
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ...process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

ADDRESS, NAME = "http://localhost:8080", "llama-2-7b"
PYTHON = """
import requests

url = "http://localhost:8080/v1/chat/completions"
data = {
    "model": "llama-2-7b",
    "messages": [{"role": "user", "content": "Hello!"}],
    "stream": True
}

with requests.post(url, json=data, stream=True) as response:
    for line in response.iter_lines():
        if line:
            line = line.decode('utf-8')
            if line.startswith('data: '):
                data = line[6:]  # Remove 'data: ' prefix
                if data != '[DONE]':
                    import json
                    chunk = json.loads(data)
                    if chunk['choices'][0]['delta'].get('content'):
                        print(chunk['choices'][0]['delta']['content'], end='', flush=True)
"""
JAVASCRIPT = """
const response = await fetch('http://localhost:8080/v1/chat/completions', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    model: 'llama-2-7b',
    messages: [{ role: 'user', content: 'Hello!' }],
    stream: true
  })
});

const reader = response.body.getReader();
const decoder = new TextDecoder();

while (true) {
  const { done, value } = await reader.read();
  if (done) break;

  const chunk = decoder.decode(value);
  const lines = chunk.split('\\n');

  for (const line of lines) {
    if (line.startsWith('data: ')) {
      const data = line.slice(6);
      if (data !== '[DONE]') {
        const parsed = JSON.parse(data);
        const content = parsed.choices[0].delta?.content;
        if (content) {
          process.stdout.write(content);
        }
      }
    }
  }
}
"""


@pytest.fixture(scope="module", params=["tiny-gguf", "tiny-mlx"])
async def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """The model of the documents is an alias of this one."""
    environment = {f"DOVETAIL_MODELS__{request.param}__ALIASES": f'["{NAME}"]'}
    async with running(tmp_path_factory.mktemp("home"), environment=environment) as process:
        yield process


async def said(*argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.accept("A37")
async def test_python_requests(served: Running) -> None:
    assert (await said(sys.executable, "-c", PYTHON.replace(ADDRESS, served.url))).strip()


@pytest.mark.accept("A37")
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
async def test_javascript_fetch(served: Running, tmp_path: Path) -> None:
    script = tmp_path / "client.mjs"
    script.write_text(JAVASCRIPT.replace(ADDRESS, served.url))
    assert (await said("node", str(script))).strip()
