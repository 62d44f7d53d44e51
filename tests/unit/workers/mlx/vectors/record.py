"""Records what llama.cpp's own samplers leave of tiny-gguf's distribution; run by hand when a formula is in doubt.

    python tests/unit/workers/mlx/vectors/record.py SOCKET

SOCKET is that of a GGUF worker for tiny-gguf (docs/worker-protocol.md, "Starting one by hand"). For each case it asks
`/completion` for one token twice: with `n_probs` for the log probabilities of the raw model, the whole vocabulary,
and with `post_sampling_probs` for what the chain of samplers leaves. Written beside this file as `samplers.json`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp

from dovetail.engines.gguf import SAMPLERS, TYPICAL_ORDER

PROMPT = "The cat and the"
TWICE = "one two three four. The red fox ran. one two three four. The red"
WARM = "A small bird on the"
OFF: dict[str, Any] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}
CASES: list[tuple[str, dict[str, Any]]] = [
    (PROMPT, {"top_n_sigma": 1.0}),
    (PROMPT, {"top_n_sigma": 2.5, "temperature": 0.7}),
    (PROMPT, {"xtc_probability": 1.0, "xtc_threshold": 0.05}),
    (PROMPT, {"xtc_probability": 1.0, "xtc_threshold": 0.02, "top_k": 20}),
    (PROMPT, {"xtc_probability": 1.0, "xtc_threshold": 0.05, "min_p": 0.1, "temperature": 1.5}),
    (PROMPT, {"xtc_probability": 1.0, "xtc_threshold": 0.05, "temperature": 0.0}),
    (PROMPT, {"typical_p": 0.3}),
    (PROMPT, {"typical_p": 0.3, "temperature": 0.0}),
    (PROMPT, {"top_n_sigma": 2.0, "top_k": 30, "typical_p": 0.9, "top_p": 0.8, "min_p": 0.01, "temperature": 1.3}),
    (PROMPT, {"mirostat": 1, "mirostat_tau": 2.0}),
    (PROMPT, {"mirostat": 1, "mirostat_tau": 4.0, "temperature": 1.4}),
    (PROMPT, {"mirostat": 2, "mirostat_tau": 2.0}),
    (PROMPT, {"mirostat": 2, "mirostat_tau": 3.0, "temperature": 1.4, "top_k": 1, "repeat_penalty": 9.0}),
    (WARM, {"dynatemp_range": 0.5, "temperature": 0.8}),
    (WARM, {"dynatemp_range": 3.0, "temperature": 1.5, "dynatemp_exponent": 2.5}),
    (WARM, {"dynatemp_range": 1.0, "dynatemp_exponent": 0.5, "top_k": 20, "top_n_sigma": 1.0}),
    (WARM, {"dynatemp_range": 1.0, "top_p": 0.8, "min_p": 0.02, "typical_p": 0.9}),
    (WARM, {"dynatemp_range": 0.7, "xtc_probability": 1.0, "xtc_threshold": 0.05}),
    (WARM, {"dynatemp_range": 0.7, "temperature": 0.0}),
    (TWICE, {"dry_multiplier": 0.8}),
    (TWICE, {"dry_multiplier": 0.8, "dry_sequence_breakers": ["|"]}),
    (TWICE, {"dry_multiplier": 0.8, "dry_sequence_breakers": ["|"], "dry_penalty_last_n": 9}),
    (TWICE, {"dry_multiplier": 0.5, "dry_base": 1.2, "dry_allowed_length": 4, "dry_sequence_breakers": ["fo"]}),
    (TWICE, {"dry_multiplier": 0.5, "dry_base": 3.0, "dry_allowed_length": 1, "dry_sequence_breakers": [". T"]}),
]


async def main(socket: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket, force_close=True)) as session:
        cases: list[dict[str, Any]] = []
        raws: dict[str, Any] = {}
        for prompt, options in CASES:
            ids = (await _post(session, "/tokenize", {"content": prompt, "add_special": True}))["tokens"]
            if prompt not in raws:
                raw = await _first(session, {**OFF, "prompt": prompt, "n_probs": 1 << 16})
                logprobs = {entry["id"]: round(entry["logprob"], 4) for entry in raw["top_logprobs"]}
                raws[prompt] = {"tokens": ids, "logprobs": [logprobs[token] for token in range(len(logprobs))]}
            order = TYPICAL_ORDER if options.get("typical_p", 1) < 1 else SAMPLERS
            asked = {**OFF, "samplers": order, **options, "prompt": prompt, "n_probs": 1 << 16}
            asked["post_sampling_probs"] = True
            left = (await _first(session, asked))["top_probs"]
            kept = {str(entry["id"]): round(entry["prob"], 6) for entry in left if entry["prob"] > 1e-6}
            cases.append({"prompt": prompt, "options": options, "kept": kept})
    path = Path(__file__).with_name("samplers.json")
    path.write_text(json.dumps({"prompts": raws, "cases": cases}, separators=(",", ":")) + "\n", "utf-8")


async def _first(session: aiohttp.ClientSession, body: dict[str, Any]) -> dict[str, Any]:
    """The entry of the first token. One that is only part of a character has none, so that another seed is tried."""
    for seed in range(5, 50):
        sent = {**body, "seed": seed, "n_predict": 1, "cache_prompt": False, "stream": False}
        answer = await _post(session, "/completion", sent)
        if entries := answer.get("completion_probabilities"):
            return entries[0]
    raise RuntimeError("no seed draws a token that shows something")


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with session.post(f"http://worker{path}", json=body) as answer:
        answer.raise_for_status()
        return await answer.json()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
