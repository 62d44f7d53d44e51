"""Trains the tiny model on the CPU within a time budget: ``python -m training.train --out /tmp/tiny``."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import distributed, nn

from training import tokenizer as tokenizers
from training.batches import Batch, Batches
from training.encoding import Encoder
from training.model import Shape, TinyLlama

_SEED = 20
_WARM_UP, _DECAY_FROM = 0.01, 0.35  # shares of the budget
_COPYING, _COPYING_UNTIL = 0.3, 0.2
_LONG_FROM, _LONG_SHARE, _JUMP_SHARE = 0.5, 0.1, 0.25


def loss_of(model: TinyLlama, batch: Batch) -> torch.Tensor:
    """Mean cross entropy over the predicted tokens; only those reach the head."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.hidden(batch.ids, batch.positions, batch.document)
        wanted = batch.targets >= 0
        logits = F.linear(hidden[wanted], model.model.embed_tokens.weight)
    return F.cross_entropy(logits.float(), batch.targets[wanted])


def optimizers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "layers" in n]
    outer = [p for n, p in model.named_parameters() if p.ndim != 2 or "layers" not in n]
    groups: list[torch.optim.Optimizer] = [
        torch.optim.Muon(inner, lr=0.012, weight_decay=0.02, ns_steps=4, adjust_lr_fn="original"),
        torch.optim.AdamW(outer, lr=2e-3, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    for optimizer in groups:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return groups


def rate(progress: float) -> float:
    """Share of the full learning rate: a short rise, a plateau, a straight line down to 2 %."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    if progress < _DECAY_FROM:
        return 1.0
    return max(0.02, (1 - progress) / (1 - _DECAY_FROM))


def _jumps(progress: float) -> float:
    """Share of documents whose positions jump; none until copying is learned."""
    return 0.0 if progress < _COPYING_UNTIL else _JUMP_SHARE


def save(folder: Path, model: TinyLlama, step: int) -> None:
    part = folder / "model.pt.part"
    torch.save({"shape": asdict(model.shape), "weights": model.state_dict(), "step": step}, part)
    part.rename(folder / "model.pt")


def train(folder: Path, minutes: float, tokens: int, workers: int, resume_at: float) -> None:
    """Blocks for ``minutes``; writes ``tokenizer.json``, ``model.pt`` (every two minutes) and ``log.jsonl``.

    Each worker is a process with one thread: threads of one process would wait for each other in every small
    operation, processes only once a step, which matters on a machine that does other things as well.
    ``resume_at`` above 0 goes on from the checkpoint in ``folder``, at that share of the schedule.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape = Shape()
    if not resume_at:
        tokenizers.train(shape.vocabulary, _SEED).save(str(folder / "tokenizer.json"))
        (folder / "log.jsonl").write_text("")
    with TemporaryDirectory() as meeting:
        arguments = (workers, f"file://{meeting}/ranks", folder, minutes * 60, tokens // workers, resume_at)
        torch.multiprocessing.spawn(_work, arguments, nprocs=workers)


def _work(  # noqa: PLR0917 - spawn passes by position
    rank: int, workers: int, meeting: str, folder: Path, seconds: float, tokens: int, resume_at: float
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", meeting, rank=rank, world_size=workers)
    torch.manual_seed(_SEED)
    model = TinyLlama(Shape())
    if resume_at:
        model.load_state_dict(torch.load(folder / "model.pt", weights_only=True)["weights"])
    seed = _SEED + 1 + rank + round(resume_at * 1000)
    source = Batches(Encoder(tokenizers.load(folder / "tokenizer.json")), seed, tokens)
    log = Log(folder) if rank == 0 else None
    _steps(model, source, log, seconds, resume_at)
    distributed.destroy_process_group()


class Log:
    """What rank 0 leaves behind: a line every fifty steps, a checkpoint every two minutes."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "log.jsonl").read_text().splitlines()
        before = json.loads(lines[-1]) if lines else {"step": 0, "tokens": 0, "seconds": 0}
        self._folder, self._steps, self._tokens = folder, int(before["step"]), int(before["tokens"])
        self._saved = time.monotonic()
        self._began, self._losses = self._saved - before["seconds"], list[float]()

    def step(self, model: TinyLlama, loss: float, tokens: int, *, last: bool) -> None:
        now, step = time.monotonic(), self._steps + 1
        self._steps, self._tokens = step, self._tokens + tokens
        self._losses.append(loss)
        if step % 50 == 0 or last:
            mean = sum(self._losses) / len(self._losses)
            line = {"step": step, "tokens": self._tokens, "seconds": round(now - self._began), "loss": round(mean, 4)}
            with (self._folder / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            self._losses.clear()
        if last or now - self._saved > 120:
            save(self._folder, model, step)
            self._saved = now


def _steps(model: TinyLlama, source: Batches, log: Log | None, seconds: float, start: float) -> None:
    groups, parameters = optimizers(model), list(model.parameters())
    began, step, progress = time.monotonic(), 0, start
    while progress < 1:
        long = progress > _LONG_FROM and Random(step).random() < _LONG_SHARE
        batch = source.next(
            long=long, jump_share=_jumps(progress), copying=_COPYING if progress < _COPYING_UNTIL else 0.0
        )
        loss = loss_of(model, batch)
        loss.backward()
        now = start + (1 - start) * (time.monotonic() - began) / seconds
        progress, mean_loss, tokens = _average(parameters, now, loss.item(), batch.ids.numel())
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in groups:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * rate(progress)
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        if log:
            log.step(model, mean_loss, tokens, last=progress >= 1)


def _average(parameters: list[nn.Parameter], progress: float, loss: float, tokens: int) -> tuple[float, float, int]:
    """Averages gradients over the workers in place, and the progress too, so that all of them agree on it."""
    numbers = torch.tensor([progress, loss, float(tokens)])
    flat = torch.cat([*(p.grad.flatten() for p in parameters if p.grad is not None), numbers])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    start = 0
    for parameter in parameters:
        if parameter.grad is not None:
            end = start + parameter.numel()
            parameter.grad.copy_(flat[start:end].view_as(parameter))
            start = end
    return float(flat[-3]), float(flat[-2]), round(float(flat[-1]) * distributed.get_world_size())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--tokens", type=int, default=3072, help="tokens a step")
    parser.add_argument("--workers", type=int, default=2, help="processes; one a core")
    parser.add_argument("--resume-at", type=float, default=0.0, help="share of the schedule to go on from")
    options = parser.parse_args()
    train(options.out, options.minutes, options.tokens, options.workers, options.resume_at)


if __name__ == "__main__":
    main()
