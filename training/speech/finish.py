"""Trains the decoder alone, once the encoder spells well: ``python -m training.speech.finish --clips clips.npz``.

What the encoder makes of some windows is computed once; each pass draws other tasks, prompts and manners for them. A
step costs an eighth of one that trains both.
"""

import argparse
import math
import random
import time
from pathlib import Path

import torch

from training.speech.model import Shape, Whisper
from training.speech.train import Lesson, written_loss

_SIZE = 32
_WHOLE = 0.99  # of the course: its last windows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    lesson, model, chance = Lesson(args.clips, args.seed), Whisper(Shape()), random.Random(args.seed)
    model.load_state_dict(torch.load(args.checkpoint))
    known = []
    with torch.no_grad():
        while len(known) < args.windows:
            windows, heard, first = lesson.batch(_WHOLE)
            known += zip(windows, model.encoder(heard, first), strict=True)
    print(f"{len(known)} windows, cpu {time.process_time():.0f} s", flush=True)
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    begun, step, seen = time.monotonic(), 0, None
    while (done := (time.monotonic() - begun) / 60 / args.minutes) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2.5e-3 * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * done))
        drawn = chance.sample(known, _SIZE)
        loss = written_loss(
            model,
            [lesson.recordings.rewritten(window) for window, _ in drawn],
            torch.stack([heard for _, heard in drawn]),
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.decoder.parameters(), 1.0)
        optimizer.step()
        seen = loss.item() if seen is None else 0.95 * seen + 0.05 * loss.item()
        step += 1
        if step % 50 == 0:
            print(f"{done:5.1%} step {step} written {seen:.3f} cpu {time.process_time():.0f} s", flush=True)
            torch.save(model.state_dict(), args.out)
    torch.save(model.state_dict(), args.out)


if __name__ == "__main__":
    main()
