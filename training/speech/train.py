"""Trains it: ``python -m training.speech.train --clips clips.npz --out whisper.pt --minutes 28``.

First windows of three seconds, which are cheap, then those of six that the model is made for, with longer pauses.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.speech.filters import mel_filters
from training.speech.model import Shape, Whisper
from training.speech.windows import Recordings, Window, mels, spelling
from training.speech.words import KNOWN

# Frames of a window, how many at once, and until when: the first are cheap, and speech is speech.
_COURSE = ((320, 24, 0.5), (600, 12, 1.0))
_WINDOW = 600
_IGNORED = -100
_INDEX = {token: index for index, token in enumerate(KNOWN)}


class Lesson:
    def __init__(self, clips: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self.recordings = Recordings(clips, self._chance)
        self._filters = torch.from_numpy(mel_filters())

    def batch(self, done: float) -> tuple[list[Window], Tensor, int]:
        """The windows, their mel frames, and the step of the six seconds at which they begin."""
        frames, size, _ = next(step for step in _COURSE if done < step[2])
        most = self._chance.choice((1, 2, frames // 300))
        first = 0 if frames == _WINDOW else self._chance.randint(0, (_WINDOW - frames) // 2)
        windows = [self.recordings.window(frames, first, most) for _ in range(size)]
        heard = mels(torch.from_numpy(np.stack([window.wave for window in windows])), self._filters)
        for row, window in enumerate(windows):
            if self._chance.random() < 0.5:
                heard[row, :, window.quiet_from :] = 0.0
        return windows, heard, first


def loss_of(model: Whisper, windows: list[Window], heard: Tensor, first: int) -> tuple[Tensor, Tensor]:
    encoded = model.encoder(heard, first)
    return written_loss(model, windows, encoded), spelled_loss(model, windows, encoded)


def written_loss(model: Whisper, windows: list[Window], encoded: Tensor) -> Tensor:
    longest = max(len(window.prompt) + len(window.written) for window in windows) - 1
    inputs = torch.zeros(len(windows), longest, dtype=torch.long)
    targets = torch.full((len(windows), longest), _IGNORED)
    for row, window in enumerate(windows):
        all_ids = torch.tensor([_INDEX[token] for token in [*window.prompt, *window.written]])
        inputs[row, : len(all_ids) - 1] = all_ids[:-1]
        targets[row, len(window.prompt) : len(all_ids) - 1] = all_ids[len(window.prompt) + 1 :]
    guesses = model.decoder(inputs, encoded).flatten(0, 1)
    return functional.cross_entropy(guesses, targets.flatten(), ignore_index=_IGNORED)


def spelled_loss(model: Whisper, windows: list[Window], encoded: Tensor) -> Tensor:
    spoken = [spelling(window) for window in windows]
    return functional.ctc_loss(
        model.spell(encoded).log_softmax(-1).transpose(0, 1),
        torch.tensor([word for words in spoken for word in words], dtype=torch.long),
        torch.full((len(windows),), encoded.shape[1]),
        torch.tensor([len(words) for words in spoken]),
        zero_infinity=True,
    )


def _optimizers(model: Whisper) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for the rest."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "blocks" in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "blocks" not in name]
    return [
        torch.optim.Muon(matrices, lr=1e-3, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=28)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="go on from this checkpoint, in the second half of the schedule")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    lesson, model = Lesson(args.clips, args.seed), Whisper(Shape())
    if args.resume:
        model.load_state_dict(torch.load(args.resume))
    optimizers = _optimizers(model)
    start = 0.5 if args.resume else 0.0
    begun, step, seen = time.monotonic(), 0, [0.0, 0.0]
    while (done := start + (1 - start) * (time.monotonic() - begun) / 60 / args.minutes) < 1:
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = 3e-3 * min(1, (step + 1) / 60) * (0.02 + 0.98 * math.cos(math.pi / 2 * done))
        written, said = loss_of(model, *lesson.batch(done))
        model.zero_grad()
        (written + 0.5 * said).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        seen = [0.98 * old + 0.02 * new for old, new in zip(seen, (written.item(), said.item()), strict=True)]
        step += 1
        if step % 25 == 0:
            print(
                f"{done:5.1%} step {step} written {seen[0]:.3f} said {seen[1]:.3f} cpu {time.process_time():.0f} s",
                flush=True,
            )
        if step % 25 == 0:
            torch.save(model.state_dict(), args.out)
    torch.save(model.state_dict(), args.out)


if __name__ == "__main__":
    main()
