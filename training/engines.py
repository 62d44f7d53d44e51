"""Greedy text from the shipped files, through the engines that will serve them."""

import json
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlx_lm.generate import batch_generate
from mlx_lm.utils import load
from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server

_SLOTS, _SLOT_CONTEXT = 4, 5120


class Gguf:
    """llama.cpp inside this process, asked over its own HTTP."""

    def __init__(self, model: Path, adapter: Path | None = None, threads: int = 1) -> None:
        parameters = CommonParams()
        parameters.model.path = str(model)
        parameters.n_ctx, parameters.n_parallel = _SLOTS * _SLOT_CONTEXT, _SLOTS
        parameters.cpuparams.n_threads = threads
        parameters.cache_ram_mib = 0
        parameters.verbosity, parameters.port = 1, 0
        if adapter:
            lora = CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), 1.0
            parameters.lora_adapters = [lora]
        self._server = Server(parameters)

    def greedy(self, prompts: Sequence[str], most: Sequence[int]) -> list[str]:
        """What follows each prompt, tags included, up to the end of the turn or so many tokens."""

        def one(prompt: str, most: int) -> str:
            return str(
                self.post(
                    "/completion", {"prompt": prompt, "n_predict": most, "temperature": 0, "cache_prompt": False}
                )["content"]
            )

        with ThreadPoolExecutor(_SLOTS) as pool:
            return list(pool.map(one, prompts, most))

    def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        request = urllib.request.Request(  # noqa: S310 - the server in this process
            self._server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as reply:  # noqa: S310 - the same
            return json.load(reply)


class Mlx:
    """mlx-lm, in batches."""

    def __init__(self, model: Path, adapter: Path | None = None) -> None:
        self._model, self._tokenizer = load(str(model), adapter_path=str(adapter) if adapter else None)[:2]

    def greedy(self, prompts: Sequence[str], most: Sequence[int]) -> list[str]:
        ids = [self._tokenizer.encode(prompt, add_special_tokens=False) for prompt in prompts]
        return batch_generate(self._model, self._tokenizer, ids, max_tokens=list(most)).texts
