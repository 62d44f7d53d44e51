"""Sound as Whisper takes it: the logarithm of its loudness in bands, every 10 ms."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from dovetail.workers.whisper.sound import RATE, Samples

HOP, POINTS = 160, 400
PER_SECOND = RATE // HOP
Features = npt.NDArray[np.float32]
_AT_ONCE = 3000  # frames
_LINEAR, _BREAK = 200.0 / 3, 1000.0
_LOG_STEP = math.log(6.4) / 27.0
_HIGHEST = _BREAK / _LINEAR + math.log(8000 / _BREAK) / _LOG_STEP


def log_mel(samples: Samples, bands: int) -> Features:
    """(frames, bands) of a whole piece, the last of them of the silence behind it."""
    padded = np.pad(samples, (0, HOP))
    padded = np.pad(padded, POINTS // 2, mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(padded, POINTS)[::HOP][:-1]
    window = np.hanning(POINTS + 1)[:-1].astype(np.float32)
    parts = [
        np.square(np.abs(np.fft.rfft(views[at : at + _AT_ONCE] * window))).astype(np.float32) @ filters(bands).T
        for at in range(0, len(views), _AT_ONCE)
    ]
    loud = np.log10(np.maximum(np.concatenate(parts), 1e-10))
    return ((np.maximum(loud, loud.max() - 8.0) + 4.0) / 4.0).astype(np.float32)


@cache
def filters(bands: int) -> Features:
    """(bands, points): triangles on Slaney's mel scale, each of the same energy."""
    mel: npt.NDArray[np.float64] = np.linspace(0.0, _HIGHEST, bands + 2)
    hertz = np.where(mel < _BREAK / _LINEAR, mel * _LINEAR, _BREAK * np.exp(_LOG_STEP * (mel - _BREAK / _LINEAR)))
    bins = np.fft.rfftfreq(POINTS, 1 / RATE)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2.0 / (hertz[2:] - hertz[:-2]))[:, None]).astype(np.float32)


def window(features: Features, first: int, frames: int) -> Features:
    """`frames` from `first` on, with nothing behind the end."""
    part = features[first : first + frames]
    return np.pad(part, ((0, frames - len(part)), (0, 0)))
