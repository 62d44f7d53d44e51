"""Texts to vectors on the generation thread: one chunk of one text a turn, so that rows being decoded go on."""

from __future__ import annotations

import queue
from array import array
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

import mlx.core as mx

from dovetail.workers.mlx.adapter import AdapterChoice
from dovetail.workers.mlx.batch import Cache, Model
from dovetail.workers.mlx.load import Loaded
from dovetail.workers.mlx.lora import Applied, applying
from dovetail.workers.mlx.protocol import RequestError

Pooling: TypeAlias = Literal["mean", "cls", "last"]


@dataclass(slots=True, eq=False)
class Text:
    """A text to embed; its `vector` is float32 in this machine's byte order. Cancel `vector` to be rid of it."""

    tokens: tuple[int, ...]
    pooling: Pooling
    normalize: bool
    adapter: AdapterChoice | None = None
    vector: Future[bytes] = field(default_factory=Future[bytes])


class Reading:
    """One text on its way through the model."""

    def __init__(self, model: Model, text: Text, cache: Cache, adapter: Applied | None = None) -> None:
        self.text = text
        self._adapter = adapter
        self._hidden = hidden_states(model)
        self._layers = list(cache.layers)
        self._read = 0
        self._pooled: mx.array | None = None

    def advance(self, step: int) -> bool:
        """Computes at most `step` more tokens; True once the text is read."""
        tokens = self.text.tokens[self._read : self._read + step]
        with applying([self._adapter]):
            states = self._hidden(mx.array(list(tokens))[None], cache=self._layers)
        if states.ndim != 3 or states.shape[:2] != (1, len(tokens)):
            raise _no_states()
        self._pool(states[0].astype(mx.float32))
        self._read += len(tokens)
        mx.eval(self._pooled, [layer.state for layer in self._layers])  # pyright: ignore[reportUnknownMemberType]
        return self._read == len(self.text.tokens)

    def vector(self) -> bytes:
        """The pooled state.

        Raises:
            RequestError: it holds NaN or infinity.
        """
        assert self._pooled is not None  # noqa: S101  a text has a token
        vector = self._pooled / self._read if self.text.pooling == "mean" else self._pooled
        length = mx.linalg.norm(vector)
        if not mx.isfinite(length).item():
            raise RequestError("the model's output is not a number", status=500, type_="model_output_invalid")
        if self.text.normalize:
            vector = vector / mx.maximum(length, 1e-30)
        return array("f", cast("list[float]", vector.tolist())).tobytes()

    def _pool(self, states: mx.array) -> None:
        match self.text.pooling:
            case "mean":
                total = states.sum(axis=0)
                self._pooled = total if self._pooled is None else self._pooled + total
            case "cls":
                self._pooled = states[0] if self._pooled is None else self._pooled
            case "last":
                self._pooled = states[-1]


class Texts:
    """The texts that wait and the one being read. `submit` may be called from any thread, the rest from one."""

    def __init__(self, limit: int = 4096) -> None:
        self._waiting: queue.Queue[Text] = queue.Queue(limit)
        self._reading: Reading | None = None

    def submit(self, text: Text) -> None:
        """Raises queue.Full."""
        self._waiting.put_nowait(text)

    @property
    def pending(self) -> bool:
        return self._reading is not None or not self._waiting.empty()

    def advance(self, loaded: Loaded, step: int) -> None:
        """One chunk of one text. A failure is that text's alone."""
        reading = self._reading or self._next(loaded)
        if reading is None:
            return
        vector, self._reading = reading.text.vector, None
        try:
            if reading.advance(step):
                vector.set_result(reading.vector())
                mx.clear_cache()
            else:
                self._reading = reading
        except Exception as error:  # noqa: BLE001  this text's failure, not the loop's
            vector.set_exception(error)

    def abandon(self, error: Exception) -> None:
        """Fails all that is left."""
        if self._reading is not None:
            self._reading.text.vector.set_exception(error)
            self._reading = None
        while not self._waiting.empty():
            vector = self._waiting.get_nowait().vector
            if vector.set_running_or_notify_cancel():
                vector.set_exception(error)

    def _next(self, loaded: Loaded) -> Reading | None:
        while not self._waiting.empty():
            text = self._waiting.get_nowait()
            if not text.vector.set_running_or_notify_cancel():
                continue
            try:
                adapter = loaded.adapters.apply(text.adapter)
                return Reading(loaded.model, text, loaded.fresh_cache(), adapter)
            except Exception as error:  # noqa: BLE001  this text's failure, not the loop's
                text.vector.set_exception(error)
        return None


def hidden_states(model: Model) -> Model:
    """The part of an mlx-lm model that ends before the head: its last layer's states, normed.

    Raises:
        RequestError: an architecture that is built otherwise.
    """
    for outer in (model, getattr(model, "language_model", None)):
        inner = getattr(outer, "model", None)
        if callable(inner):
            return cast("Model", inner)
    raise _no_states()


def _no_states() -> RequestError:
    return RequestError("this model's architecture does not show its hidden states, so it cannot embed texts")
