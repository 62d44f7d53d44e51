"""Which token may follow what was written, as Whisper was published: nothing unspoken, and times in pairs that rise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dovetail.workers.whisper.mlx.vocabulary import STEP, Vocabulary

Row = npt.NDArray[np.float32]
FIRST_WITHIN = 1.0  # seconds in which the first segment begins


class Rules:
    """Over the logits of one row, which are changed in place."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._times = vocabulary.times
        self._end = vocabulary.end
        self._suppressed = np.array(vocabulary.suppressed)

    def apply(self, logits: Row, written: Sequence[int]) -> None:
        logits[self._suppressed] = -np.inf
        if not written:
            logits[: self._times] = -np.inf  # a time comes first, and so never a blank
            logits[self._times + round(FIRST_WITHIN / STEP) + 1 :] = -np.inf
            return
        closed = self._is_time(written[-1])
        if closed and (len(written) < 2 or self._is_time(written[-2])):
            logits[self._times :] = -np.inf
        elif closed:
            logits[: self._end] = -np.inf
        self._rise(logits, written)
        times, text = logits[self._times :], logits[: self._times]
        # Where a time as such is likelier than any one word, it is a time.
        if _log_sum(times) > text.max():
            logits[: self._times] = -np.inf

    def _rise(self, logits: Row, written: Sequence[int]) -> None:
        """No time before the last one, nor that one again but as the beginning behind an end."""
        last = next((token for token in reversed(written) if self._is_time(token)), None)
        if last is None:
            return
        ends = self._is_time(written[-1]) and len(written) > 1 and not self._is_time(written[-2])
        logits[self._times : last + (0 if ends else 1)] = -np.inf

    def _is_time(self, token: int) -> bool:
        return token >= self._times


def log_softmax(logits: Row) -> Row:
    """Of a row in which something is finite."""
    return logits - _log_sum(logits)


def _log_sum(values: Row) -> np.float32:
    most = values.max()
    if most == -np.inf:
        return most
    return np.float32(most + np.log(np.exp(values - most).sum()))
