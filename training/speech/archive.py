"""Clips as one small file for the tests: ``python -m training.speech.archive --clips held.npz --out FOLDER``.

One Ogg file holds them one after another, with 0.3 s of silence around each; a JSON file says what they say and where.
"""

import argparse
import json
from pathlib import Path

import av
import numpy as np

RATE, GAP = 16_000, 4_800
_BIT_RATE = 32_000
_OPUS_RATE = 48_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    stored = np.load(args.clips)
    silence = np.zeros(GAP, dtype=np.int16)
    told, parts, at = [], [], 0
    ends = np.cumsum(stored["lengths"])
    clips = np.split(stored["samples"], ends[:-1])
    for samples, language, words in zip(clips, stored["languages"], stored["words"], strict=True):
        clip = np.concatenate([silence, samples, silence])
        told.append({"language": str(language), "text": str(words), "from": at, "to": at + len(clip)})
        parts.append(clip)
        at += len(clip)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "clips.json").write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
    _write(args.out / "clips.ogg", np.concatenate(parts))


def _write(file: Path, samples: "np.typing.NDArray[np.int16]") -> None:
    with av.open(str(file), "w") as opened:
        stream = opened.add_stream("libopus", rate=_OPUS_RATE, layout="mono")
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_OPUS_RATE, frame_size=960)
        for made in [*resampler.resample(frame), *resampler.resample(None)]:
            made.pts = None
            opened.mux(stream.encode(made))
        opened.mux(stream.encode(None))


if __name__ == "__main__":
    main()
