"""Speech to text by Whisper, in Dovetail's own worker: by CTranslate2 or by MLX, as the model's files are made for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast

from dovetail.core.errors import InvalidRequest, WorkerCrashed
from dovetail.core.events import Finished, Prefill, Timings
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.core.speech import Recording, Segment, SpeechEvent, SpokenWord, TranscribeRequest
from dovetail.engines import wire
from dovetail.engines.base import Command, Decoder, Endpoint, Machine, WorkerCall, installed

PATH = "/v1/audio/transcriptions"


class WhisperEngine:
    """One worker process holds one model, and writes down one recording at a time: each takes all its threads."""

    name = "whisper"
    embeds_apart = False
    adapters_apart = False
    numbered_slots = False

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        del model
        threads = options.threads or max(1, machine.cores - 1)
        return LoadOptions(parallel=1, threads=threads, gpu_layers=options.gpu_layers, warmup=options.warmup)

    def cache_key(self, options: LoadOptions) -> str:
        del options
        return f"whisper ctranslate2 {installed('ctranslate2')} mlx {installed('mlx')}"

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        argv = [sys.executable, "-m", "dovetail.workers.whisper", "--model", str(model.path)]
        if endpoint.socket is not None:
            argv += ["--socket", str(endpoint.socket)]
        else:
            argv += ["--host", endpoint.host, "--port", str(endpoint.port)]
        argv += ["--threads", str(options.threads)]
        if options.gpu_layers == 0:
            argv.append("--no-gpu")
        env = {"TOKENIZERS_PARALLELISM": "false"}
        if endpoint.secret:
            env["DOVETAIL_WORKER_SECRET"] = endpoint.secret
        return Command(tuple(argv), env)

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        del index
        raise InvalidRequest(f"{request.model} was made to write down speech and answers no prompts", param="model")

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        del index
        raise InvalidRequest(f"{request.model} was made to write down speech and answers no prompts", param="model")


def transcription(request: TranscribeRequest) -> WorkerCall:
    """The worker's call for a recording, which it reads from this machine's disk."""
    body: JsonObject = {
        "file": str(request.file),
        "task": request.task,
        "language": request.language,
        "prompt": request.prompt,
        "temperature": request.temperature,
        "words": request.words,
        "vad": request.vad,
        "start": request.start,
        "most_seconds": request.most_seconds,
    }
    return WorkerCall(PATH, body)


class SpeechDecoder:
    """Frames of the answer to `transcription`."""

    complete = False

    def __init__(self) -> None:
        self._ended = False

    def feed(self, frame: dict[str, Json]) -> Iterable[SpeechEvent]:
        match frame:
            case {"prompt_progress": {"total": int(total), "cache": int(cached), "processed": int(done)}}:
                return (Prefill(total, cached, done),)
            case {"recording": {"duration": int(duration) | float(duration), "language": str(language)}}:
                return (Recording(float(duration), language),)
            case {"segment": dict(segment)}:
                return (_segment(cast("JsonObject", segment)),)
            case {"usage": dict(usage)}:
                self._ended = True
                return (Finished("stop", wire.usage_from(cast("JsonObject", usage)), Timings()),)
            case {"error": _}:
                raise wire.error_from(frame)
            case _:
                raise ValueError("a frame of another kind")

    def end(self) -> Iterable[SpeechEvent]:
        if not self._ended:
            raise WorkerCrashed("the model's worker process ended before its answer was complete")
        return ()


def _segment(said: JsonObject) -> Segment:
    words = cast("list[JsonObject]", said["words"])
    return Segment(
        start=_number(said["start"]),
        end=_number(said["end"]),
        text=str(said["text"]),
        tokens=tuple(cast("list[int]", said["tokens"])),
        temperature=_number(said["temperature"]),
        log_probability=_number(said["avg_logprob"]),
        compression_ratio=_number(said["compression_ratio"]),
        silence=_number(said["no_speech_prob"]),
        words=tuple(
            SpokenWord(_number(word["start"]), _number(word["end"]), str(word["word"]), _number(word["probability"]))
            for word in words
        ),
    )


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("no number")
    return float(value)
