"""Whisper's mel filters: Slaney's scale and norm, over 400 points at 16 kHz."""

import numpy as np
import numpy.typing as npt

_LINEAR, _BREAK = 200.0 / 3, 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def mel_filters(count: int = 80) -> npt.NDArray[np.float32]:
    mel = np.linspace(0.0, _BREAK / _LINEAR + np.log(8000 / _BREAK) / _LOG_STEP, count + 2)
    hertz = np.where(mel < _BREAK / _LINEAR, mel * _LINEAR, _BREAK * np.exp(_LOG_STEP * (mel - _BREAK / _LINEAR)))
    bins = np.fft.rfftfreq(400, 1 / 16_000)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2.0 / (hertz[2:] - hertz[:-2]))[:, None]).astype(np.float32)
