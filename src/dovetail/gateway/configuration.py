"""The settings in force, and the one who changes them while the server runs: when a file does, or when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import structlog

from dovetail import log as log_lines
from dovetail.core.errors import DiskFull
from dovetail.core.observe import Observer
from dovetail.settings import ConfigError, Settings, Sources, legacy
from dovetail.settings.checks import missing
from dovetail.settings.document import Document, Edit, Reading

SETTLED_AFTER = 150  # milliseconds without a further change: an editor writes in several steps
LOOK_EVERY = 5000  # milliseconds: some file systems tell nobody of a change
# What was made with these at the start cannot be had otherwise.
FIXED = (
    ("home",),
    ("server", "host"),
    ("server", "port"),
    ("server", "unix_socket"),
    ("server", "insecure"),
    ("server", "allowed_hosts"),
    ("server", "cors_origins"),
    ("server", "tls_cert"),
    ("server", "tls_key"),
    ("server", "trusted_proxies"),
    ("server", "head_timeout"),
    ("server", "idle_timeout"),
    ("server", "max_connections"),
    ("server", "address_connections"),
    ("access",),
    ("log", "format"),
    ("traces",),
)

log = structlog.stdlib.get_logger(__name__)

Apply = Callable[[Settings], Awaitable[None]]
Applied = Callable[[str], None]


class Live:
    """Owns the settings in force. `problem` says why what the files hold now is not: the last good ones stay.

    Without `sources` they never change.
    """

    def __init__(self, settings: Settings, sources: Sources | None = None, observer: Observer | None = None) -> None:
        self.current = settings
        self.problem: str | None = None
        self._sources = sources
        self._observer = observer
        self._apply: Apply | None = None
        self._applied: Applied = lambda _: None
        self._turn = asyncio.Lock()
        self._seen: tuple[bytes | None, ...] = ()
        self._told: frozenset[str] = frozenset()
        self._above: frozenset[str] = frozenset()

    def on_change(self, apply: Apply, applied: Applied = lambda _: None) -> None:
        """`apply` is called with the settings that held before, once others are `current`.

        `applied` is told which sections and models changed, once they have; it may block.
        """
        self._apply, self._applied = apply, applied

    async def watch(self) -> None:
        """Applies each change of a file, until it is cancelled."""
        if self._sources is None:
            return
        paths = self._sources.files()
        self._seen = await asyncio.to_thread(_contents, paths)
        await self.reread()  # they may have changed since the server read them
        async with aclosing(_changes(paths)) as changes:
            async for _ in changes:
                seen = await asyncio.to_thread(_contents, paths)
                if seen != self._seen:
                    self._seen = seen
                    await self.reread()

    async def reread(self) -> None:
        """Applies what the files hold now; what cannot be used is reported and changes nothing."""
        sources = self._sources
        if sources is None:
            return
        async with self._turn:
            try:
                await self._take(await asyncio.to_thread(_usable, sources))
            except ConfigError as error:
                self._report(str(error))
            else:
                self._report(None)

    async def change(self, edits: Sequence[Edit], version: str | None = None) -> Reading:
        """Writes `edits` into the file, if that is still `version`, says so in an earlier server's, and applies them.

        Raises ConfigError for what could not be used, Conflict, DiskFull, OSError; nothing is changed then.
        """
        sources = self._sources
        if sources is None:
            raise ConfigError("this server has no configuration file")
        async with self._turn:
            document = Document(sources.path)
            try:
                written = await asyncio.to_thread(document.write, edits, version, lambda text: _check(sources, text))
            except ValueError as error:  # what is there is no TOML, or no text
                raise ConfigError(f"{sources.path}: {error}") from error
            try:
                await asyncio.to_thread(legacy.mirror, sources.legacy_files(), edits)
            except (OSError, UnicodeDecodeError, DiskFull) as error:  # what counts has been written
                log.warning("earlier_configuration_not_written", reason=str(error))
            await self._take(await asyncio.to_thread(sources.load))
            self._report(None)
            return written

    async def reading(self) -> Reading:
        """The file as it is now, empty where there is none. Raises ConfigError for what is no text, OSError."""
        if self._sources is None:
            return Reading("", "")
        try:
            return await asyncio.to_thread(Document(self._sources.path).read)
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._sources.path}: {error}") from error

    async def above(self) -> frozenset[str]:
        """The keys that the environment or a flag says, as `server.port`: what the file says of them has no effect.

        While the files cannot be used, those that were known before.
        """
        if self._sources is not None:
            with suppress(ConfigError):
                _, said = await asyncio.to_thread(self._sources.read)
                self._above = frozenset(key for source in said if not source.is_file for key in source.names())
        return self._above

    @property
    def path(self) -> Path | None:
        """The file, there or not."""
        return None if self._sources is None else self._sources.path

    def legacy_files(self) -> tuple[Path, ...]:
        """Those of an earlier server, there or not: the client's list, and the server's options."""
        return () if self._sources is None else self._sources.legacy_files()

    async def _take(self, wanted: Settings) -> None:
        """Raises ConfigError for what only shows when it is applied: what held before is applied again then."""
        before = self.current
        kept = _with_fixed(wanted, before)
        fixed = frozenset(".".join(key) for key in FIXED if _at(wanted, key) != _at(before, key))
        if fixed - self._told:
            log.warning("configuration_needs_restart", keys=", ".join(sorted(fixed)))
        self._told = fixed
        if kept == before:
            return
        try:
            await self._put(kept)
        except (OSError, RuntimeError, ValueError) as error:  # a path that no system takes, a link to itself
            with suppress(OSError, RuntimeError, ValueError):
                await self._put(before)
            raise ConfigError(f"it could not be applied: {error}") from error
        names = ", ".join(changed(before, kept))
        log.info("configuration_applied", changed=names)
        await asyncio.to_thread(self._applied, names)

    async def _put(self, kept: Settings) -> None:
        before, self.current = self.current, kept
        if kept.log.level != before.log.level:
            log_lines.set_level(kept.log.level)
        if self._apply is not None:
            await self._apply(before)

    def _report(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        for line in (problem or "").splitlines():
            log.error("configuration_refused", reason=line)
        if self._observer is not None:
            self._observer.configuration(problem)


def changed(before: Settings, after: Settings) -> list[str]:
    """The sections, and the models, of which two settings say different things."""
    names = [
        name for name in type(after).model_fields if name != "models" and _at(before, (name,)) != _at(after, (name,))
    ]
    models = sorted(before.models.keys() | after.models.keys())
    return names + [f"models.{name}" for name in models if before.models.get(name) != after.models.get(name)]


def _usable(sources: Sources) -> Settings:
    settings = sources.load()
    if (problem := missing(settings)) is not None:
        raise ConfigError(problem)
    return settings


def _check(sources: Sources, text: str) -> None:
    if (problem := missing(sources.load(text))) is not None:
        raise ConfigError(problem)


def _with_fixed(wanted: Settings, before: Settings) -> Settings:
    server = {key[-1]: _at(before, key) for key in FIXED if key[0] == "server"}
    sections = {
        "home": before.home,
        "access": before.access,
        "traces": before.traces,
        "server": wanted.server.model_copy(update=server),
        "log": wanted.log.model_copy(update={"format": before.log.format}),
    }
    return wanted.model_copy(update=sections)


def _at(settings: Settings, key: tuple[str, ...]) -> object:
    value: object = settings
    for step in key:
        value = getattr(value, step)
    return value


def _contents(paths: Sequence[Path]) -> tuple[bytes | None, ...]:
    return tuple(_content(path) for path in paths)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


async def _changes(paths: Sequence[Path]) -> AsyncGenerator[None]:
    """Something may have changed: a folder with one of `paths`, or with what a link there leads to, or it was time."""
    from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]  it also takes trio's events

    folders = sorted({path.parent for path in paths} | {path.resolve().parent for path in paths})
    there = [folder for folder in folders if folder.is_dir()]
    for polling in (False, True):
        try:
            watching = awatch(
                *there,
                watch_filter=None,
                step=SETTLED_AFTER,
                rust_timeout=LOOK_EVERY,
                yield_on_timeout=True,
                force_polling=polling,
                recursive=False,
            )
            async with aclosing(watching):
                async for _ in watching:
                    yield
        except (OSError, RuntimeError) as error:  # too many watches, or a file system that has none
            log.warning("configuration_polled", reason=str(error))
