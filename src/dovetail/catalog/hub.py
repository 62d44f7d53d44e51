"""Models on the Hugging Face hub: searched, listed and chosen, before a byte of them moves.

`HF_ENDPOINT` names a mirror, `HF_TOKEN` a token, or what `hf auth login` has left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal, TypeAlias, cast

from dovetail.catalog.enquiry import enquire
from dovetail.catalog.transfer import DownloadFailed, RemoteFile
from dovetail.catalog.whisper import MLX_WEIGHTS, WEIGHTS, is_whisper
from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject

MOST_FOUND = 50
_MOST_BYTES = 1 << 50  # of a file; more is no size
_MOST_NAMED = 30
WHISPER_FILES = ("model.bin", "*.json", "vocabulary.txt")
_BESIDE = ("*.json", "*.jinja", "tokenizer.model", "*.txt")
MLX_FILES = ("*.safetensors", *_BESIDE)
ARRAYS = MLX_WEIGHTS[1]
_SPEC = re.compile(r"(?P<repo>[\w][\w.\-]*/[\w][\w.\-]*)(?:[:/](?P<choice>[\w][\w.\-/]*))?")
_REVISION = re.compile(r"[0-9a-f]{40,64}")
_PART = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")
_PART_OF = re.compile(r"-\d{5}-of-\d{5}\.")
_QUANT = re.compile(
    r"(?i)(?:^|[.\-_/])((?:ud-)?(?:i?q\d(?:_\w+?)?|tq\d_0|b?f16|f32|fp16|fp32|mxfp4(?:_moe)?|nvfp4))(?=$|[.\-/])"
)
_BEST = ("Q4_K_M", "Q4_K_S", "Q4_0", "IQ4_XS", "MXFP4", "Q5_K_M", "Q3_K_M", "Q8_0")

Fit: TypeAlias = Literal["fits", "tight", "too_large"]


@dataclass(frozen=True, slots=True)
class HubSpec:
    """`repo` as `owner/name`; `choice` is a file of it or a quantisation, None for a whole folder."""

    repo: str
    choice: str | None = None

    @property
    def name(self) -> str:
        """The folder under `models/` that the download goes to."""
        return self.repo.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one `revision` (a commit), so that no file changes while it is fetched."""

    repo: str
    revision: str
    files: tuple[RemoteFile, ...]
    gated: bool = False

    def sizes(self, names: Sequence[str]) -> int:
        return sum(file.size for file in self.files if file.name in names)


@dataclass(frozen=True, slots=True)
class Variant:
    """What can be downloaded by itself: one GGUF model with all its parts and its projector, or the whole MLX folder.

    choice  what to write behind the repository's name, None for the folder
    """

    choice: str | None
    quantisation: str
    files: tuple[str, ...]
    bytes: int
    projector: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A repository that a search has found."""

    repo: str
    downloads: int
    likes: int
    updated: str | None
    gated: bool
    formats: tuple[str, ...]


def parse_spec(text: str) -> HubSpec:
    """`owner/name`, `owner/name:Q4_K_M` or `owner/name:file.gguf` (a slash does for the colon)."""
    match = _SPEC.fullmatch(text)
    if match is None or ".." in text:
        raise InvalidRequest(
            f"{text[:256]!r} is no hub model: write owner/name, owner/name:QUANT or owner/name:FILE", param="repo"
        )
    return HubSpec(match["repo"], match["choice"])


def choose(spec: HubSpec, files: Sequence[str]) -> list[str]:
    """Which GGUF files of the repository `spec` means; empty: it is an MLX folder. Raises InvalidRequest."""
    ggufs = sorted(f for f in files if f.endswith(".gguf") and not _is_projector(f))
    if spec.choice is None:
        if not ggufs:
            return []
        if len({_PART.sub("", f) for f in ggufs}) == 1:
            return ggufs
    elif spec.choice in files and spec.choice.endswith(".gguf"):  # no code, no pickle, by nobody's wish
        whole = _PART.sub("", spec.choice)
        return sorted(f for f in files if f == spec.choice or (whole != spec.choice and _PART.sub("", f) == whole))
    else:
        wanted = spec.choice.lower()
        found = [f for f in ggufs if re.search(rf"(^|[.\-_/]){re.escape(wanted)}([.\-_/]|$)", f.lower())]
        if len({_PART.sub("", f) for f in found}) == 1:
            return found
    more = f" and {len(ggufs) - _MOST_NAMED} more" if len(ggufs) > _MOST_NAMED else ""
    listed = ", ".join(ggufs[:_MOST_NAMED]) + more or "no GGUF files"
    raise InvalidRequest(f"{spec.repo} has {listed}: name one as {spec.repo}:FILE", param="filename")


def wanted(spec: HubSpec, repository: Repository) -> tuple[RemoteFile, ...]:
    """The files that `spec` means, with the projector that lies beside a GGUF model. Raises InvalidRequest."""
    if found := _one_of_several(spec.choice, repository):
        return found
    chosen = with_projector(choose(spec, [file.name for file in repository.files]), repository)
    files = tuple(
        file
        for file in repository.files
        if (file.name in chosen if chosen else any(fnmatch(file.name, pattern) for pattern in _whole(repository)))
    )
    if not files or not (chosen or _is_whole(files)):
        raise InvalidRequest(
            f"{spec.repo} has neither a GGUF file, nor safetensors, nor a Whisper model for CTranslate2 or MLX",
            param="repo",
        )
    return files


def with_projector(chosen: list[str], repository: Repository) -> list[str]:
    """`chosen` GGUF files and, where they are a model, the projector in their folder: at 16 bits, or the smallest."""
    if not chosen or _is_projector(chosen[0]):
        return chosen
    folder = chosen[0].rpartition("/")[0]
    beside = [f for f in repository.files if f.name.endswith(".gguf") and _is_projector(f.name)]
    fitting = [file for file in beside if file.name.rpartition("/")[0] == folder]
    best = min(fitting, key=lambda file: (quantisation_in(file.name) != "F16", file.size), default=None)
    return chosen if best is None else [*chosen, best.name]


def variants(repository: Repository) -> list[Variant]:
    """All that can be downloaded of it, the smallest first."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in repository.files:
        if file.name.endswith(".gguf"):
            groups.setdefault(_PART.sub("", file.name), []).append(file)
    found = [
        Variant(
            files[0].name if len(files) == 1 else quantisation_in(whole) or files[0].name,
            quantisation_in(whole),
            names := tuple(with_projector(sorted(file.name for file in files), repository)),
            repository.sizes(names),
            projector=_is_projector(whole),
        )
        for whole, files in groups.items()
    ]
    files = tuple(f for f in repository.files if any(fnmatch(f.name, form) for form in _whole(repository)))
    if not groups and _is_whole(files):
        names = tuple(file.name for file in files)
        found.append(Variant(None, quantisation_in(repository.repo), names, repository.sizes(names)))
    return sorted(found, key=lambda variant: (variant.projector, variant.bytes, variant.files))


def fit(size: int, room: int | None) -> Fit | None:
    """Whether a model of so many bytes goes into `room`, with a usual context; None where that is not known.

    Before its header is read nothing is known of its KV cache: a fifth of the weights and half a GiB stand for it.
    """
    if room is None:
        return None
    needs = size * 6 // 5 + (512 << 20)
    return "fits" if needs <= room * 4 // 5 else "tight" if needs <= room else "too_large"


def recommended(found: Sequence[Variant], room: int | None) -> Variant | None:
    """What most people should take: the best known quantisation that fits, else the largest that does."""
    fitting = [variant for variant in found if not variant.projector and fit(variant.bytes, room) in {"fits", None}]
    for quantisation in _BEST:
        for variant in fitting:
            if variant.quantisation == quantisation:
                return variant
    return fitting[-1] if fitting else None


def repository(repo: str, endpoint: str | None = None) -> Repository:
    """What is in a repository now. Blocks on the network.

    Raises InvalidRequest when it does not exist, Unreachable, DownloadFailed for all else.
    """
    said = enquire(repo, f"{endpoint_in_force(endpoint)}/api/models/{repo}", {"blobs": "true"})
    info = said if isinstance(said, dict) else {}
    revision, siblings = info.get("sha"), info.get("siblings")
    # It is a part of addresses, and of names on this machine.
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision) or not isinstance(siblings, list):
        raise DownloadFailed(f"the hub does not say which files {repo} has, and at which revision")
    files = (_file(cast("JsonObject", each)) for each in siblings if isinstance(each, dict))
    plain = {file.name: file for file in files if file is not None}
    return Repository(repo, revision, tuple(plain.values()), gated=bool(info.get("gated")))


def search(text: str, form: Literal["gguf", "mlx"] | None, endpoint: str | None = None, limit: int = 20) -> list[Hit]:
    """Repositories by words, what is downloaded most first. Blocks on the network; raises as `repository`."""
    most = min(limit, MOST_FOUND)
    query = {"search": text, "sort": "downloads", "limit": str(most), **({"filter": form} if form else {})}
    found = enquire(text, f"{endpoint_in_force(endpoint)}/api/models", query)
    hits = (
        (_hit(cast("JsonObject", each)) for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
    )
    return [hit for hit in hits if hit is not None][:most]


def endpoint_in_force(endpoint: str | None) -> str:
    """The hub's address."""
    from huggingface_hub import constants

    return (endpoint or constants.ENDPOINT).rstrip("/")


def has_token() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def quantisation_in(name: str) -> str:
    """The quantisation that a file's name says, empty where it says none."""
    found = _QUANT.findall(name.removesuffix(".gguf"))
    return found[-1].upper() if found else ""


def _hears(repository: Repository) -> bool:
    """Whether it is a Whisper model for CTranslate2, whose `model.bin` is no pickle."""
    names = {file.name for file in repository.files}
    return is_whisper(names) and not any(name.endswith((".safetensors", ".gguf")) for name in names)


def _whole(repository: Repository) -> tuple[str, ...]:
    """Which files are a whole model, where none is chosen."""
    if _hears(repository):
        return WHISPER_FILES
    # Whispers were kept as arrays of numpy; older language models too, which nothing here reads.
    arrays = "whisper" in repository.repo.lower() and not any(f.name.endswith(".safetensors") for f in repository.files)
    return (ARRAYS, *MLX_FILES) if arrays else MLX_FILES


def _is_whole(files: Sequence[RemoteFile]) -> bool:
    """Whether there are weights among `files`, which `_whole` has let through."""
    return any(file.name.endswith((".safetensors", ARRAYS, WEIGHTS)) for file in files)


def _one_of_several(choice: str | None, repository: Repository) -> tuple[RemoteFile, ...]:
    """The file of weights that `choice` names, and what lies beside: repositories may hold a model in several forms."""
    names = {file.name for file in repository.files}
    if choice not in names or not (
        choice == ARRAYS
        or (choice == WEIGHTS and is_whisper(names))
        or (choice.endswith(".safetensors") and not _PART_OF.search(choice))
    ):
        return ()
    return tuple(
        file
        for file in repository.files
        if file.name == choice
        or (any(fnmatch(file.name, form) for form in _BESIDE) and not file.name.endswith(".index.json"))
    )


def _is_projector(name: str) -> bool:
    return name.rpartition("/")[2].lower().startswith("mmproj")


def _is_plain(name: str) -> bool:
    """A name that stays inside of its folder, on every system."""
    steps = name.split("/")
    return (
        name.isprintable()
        and len(name) <= 512
        and "\\" not in name
        and ":" not in name
        and all(step and not step.startswith(".") for step in steps)
    )


def _file(said: JsonObject) -> RemoteFile | None:
    """A file as the hub lists it; None for one that has no plain name, no size or no checksum: it is not there."""
    name, size, blob, lfs = said.get("rfilename"), said.get("size"), said.get("blobId"), said.get("lfs")
    sha256 = lfs.get("sha256") if isinstance(lfs, dict) else None
    if not isinstance(name, str) or not _is_plain(name) or not isinstance(size, int) or not 0 <= size <= _MOST_BYTES:
        return None
    known = (sha256 if isinstance(sha256, str) else None, blob if isinstance(blob, str) else None)
    return RemoteFile(name, size, *known) if any(known) else None


def _hit(said: JsonObject) -> Hit | None:
    repo, tags, updated = said.get("id"), said.get("tags"), said.get("lastModified")
    if not isinstance(repo, str) or _SPEC.fullmatch(repo) is None:
        return None
    return Hit(
        repo,
        _count(said.get("downloads")),
        _count(said.get("likes")),
        updated if isinstance(updated, str) and updated.isprintable() and len(updated) <= 64 else None,
        bool(said.get("gated")),
        tuple(tag for tag in ("gguf", "mlx", "safetensors") if isinstance(tags, list) and tag in tags),
    )


def _count(value: Json) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MOST_BYTES else 0
