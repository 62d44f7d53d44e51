"""Models from the Hugging Face hub, by repository and file: named, chosen, downloaded.

A download resumes where it was cut, is checked against the hub's own hash by huggingface-hub, and appears under its
name only when it is whole. `HF_ENDPOINT` names a mirror, `HF_TOKEN` a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dovetail.core.errors import DovetailError, InvalidRequest

if TYPE_CHECKING:
    from tqdm import tqdm

MLX_FILES = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "*.txt")
_SPEC = re.compile(r"(?P<repo>[\w][\w.\-]*/[\w][\w.\-]*)(?:[:/](?P<choice>[\w][\w.\-/]*))?")

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, as often as the download moves."""


class DownloadFailed(DovetailError):
    """The hub refused, or could not be reached."""

    status = 502
    code = "download_failed"


@dataclass(frozen=True, slots=True)
class HubSpec:
    """`repo` as `owner/name`; `choice` is a file of it or a quantisation, None for a whole MLX folder."""

    repo: str
    choice: str | None = None

    @property
    def name(self) -> str:
        """The folder under `models/` that the download goes to."""
        return self.repo.partition("/")[2]


def parse_spec(text: str) -> HubSpec:
    """`owner/name`, `owner/name:Q4_K_M` or `owner/name:file.gguf` (a slash does for the colon)."""
    match = _SPEC.fullmatch(text)
    if match is None or ".." in text:
        raise InvalidRequest(
            f"{text[:256]!r} is no hub model: write owner/name, owner/name:QUANT or owner/name:FILE.gguf"
        )
    return HubSpec(match["repo"], match["choice"])


def choose(spec: HubSpec, files: Sequence[str]) -> list[str]:
    """Which GGUF files of the repository `spec` means; empty: it is an MLX folder. Raises InvalidRequest."""
    ggufs = sorted(f for f in files if f.endswith(".gguf") and not f.rpartition("/")[2].startswith("mmproj"))
    if spec.choice is None:
        if not ggufs:
            return []
        if len(ggufs) == 1:
            return ggufs
    elif spec.choice in files:
        return [spec.choice]
    else:
        wanted = spec.choice.lower()
        found = [f for f in ggufs if re.search(rf"(^|[.\-_/]){re.escape(wanted)}([.\-_/]|$)", f.lower())]
        parts = {re.sub(r"-\d{5}-of-\d{5}", "", f) for f in found}
        if len(parts) == 1:
            return found
    listed = ", ".join(ggufs) or "no GGUF files"
    raise InvalidRequest(f"{spec.repo} has {listed}: name one as {spec.repo}:FILE", param="filename")


def download(spec: HubSpec, models: Path, progress: Progress | None = None, endpoint: str | None = None) -> Path:
    """Fetch `spec` into `models`/<name>, blocking; returns the GGUF file (its first part) or the MLX folder.

    Raises InvalidRequest when the repository or file does not exist, DownloadFailed for all else.
    """
    import httpx2
    from huggingface_hub import HfApi, hf_hub_download  # pyright: ignore[reportUnknownVariableType]
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    folder = models / spec.name
    try:
        info = HfApi(endpoint=endpoint).model_info(spec.repo, timeout=30, files_metadata=True)
        sizes = {s.rfilename: s.size or 0 for s in info.siblings or []}
        chosen = choose(spec, list(sizes))
        wanted = chosen or [f for f in sizes if any(fnmatch(f, pattern) for pattern in MLX_FILES)]
        meter = _Meter(progress or _silent, sum(sizes[f] for f in wanted))
        for file in wanted:
            hf_hub_download(
                spec.repo, file, revision=info.sha, local_dir=folder, endpoint=endpoint, tqdm_class=meter.bar()
            )
            meter.finished(sizes[file])
    except RepositoryNotFoundError as error:
        raise InvalidRequest(f"{spec.repo} is not on the hub, or needs a token (HF_TOKEN)", param="repo_id") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise DownloadFailed(f"{spec.repo} could not be downloaded: {error}; run the same command to resume") from error
    return folder / chosen[0] if chosen else folder


def _silent(done: int, total: int) -> None:
    del done, total


class _Meter:
    """Adds up the bytes of several files; huggingface-hub reports through a progress bar class of ours."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0
        self._current = 0

    def moved(self, count: int) -> None:
        self._current += count
        self._progress(self._before + self._current, self._total)

    def finished(self, size: int) -> None:
        """A file is whole, also when it was there already and nothing moved."""
        self._before, self._current = self._before + size, 0
        self._progress(self._before, self._total)

    def bar(self) -> type[tqdm[NoReturn]]:
        from tqdm import tqdm

        meter = self

        class Bar(tqdm):  # type: ignore[type-arg]  # tqdm is generic for type checkers alone
            def __init__(self, *args: object, initial: int = 0, total: int | None = None, **more: object) -> None:
                del args, more
                super().__init__(initial=initial, total=total, disable=True)  # pyright: ignore[reportUnknownMemberType]
                meter.moved(initial)

            def update(self, n: float | None = 1) -> bool | None:
                meter.moved(int(n or 0))
                return super().update(n)

        return Bar
