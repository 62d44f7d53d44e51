"""The checks of `dovetail doctor`: each a function from facts to findings, with what to do about what is missing."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from dovetail.catalog.found import Found
from dovetail.cli import preflight
from dovetail.cli.add import look
from dovetail.cli.engine_probe import EngineReport, probe_mlx, probe_xllamacpp, version_of
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import Occupant, occupant
from dovetail.cli.list import size
from dovetail.cli.options import configured
from dovetail.core.model import Model
from dovetail.engines import backends
from dovetail.engines.compilation import toolbox
from dovetail.engines.native import builds, in_force
from dovetail.hardware.devices import Devices
from dovetail.hardware.machine import MachineFacts, machine
from dovetail.hardware.reading import Figure, GpuReading, Unknown
from dovetail.settings import FILE_NAME, ConfigError, Settings, default_home
from dovetail.settings.checks import external_server

_NATIVE = (
    "dovetail engine build compiles one that does: prompts are read 1.3 to 1.8 times as fast, answers written about "
    "as fast as before"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`exit` is the code with which doctor ends if this is the first that is not OK."""

    subject: str
    status: Literal["ok", "note", "fail"]
    fact: str
    advice: str = ""
    exit: Exit = Exit.OK


def diagnose(home: Path | None, config: Path | None) -> list[Finding]:
    """All findings of this machine. Blocks for seconds: engines are asked in processes of their own."""
    facts = machine()
    try:
        settings = configured(home, config)
        findings = [_configuration(settings, config)]
    except ConfigError as error:
        settings = Settings(home=home or default_home())
        findings = [
            Finding(
                "configuration",
                "fail",
                str(error),
                "correct it: a running server goes on with its last good one; the defaults are used below",
                Exit.CONFIG,
            )
        ]
    holder = occupant(settings.home)
    findings += [*hardware(facts), *gpus(facts, readings())]
    findings += [*gguf(settings, facts), *mlx(facts), *engines_at_all(settings)]
    findings += [folder(settings.home, holder), port(settings, holder)]
    return [*findings, *models(settings), *elsewhere(settings)]


def _configuration(settings: Settings, config: Path | None) -> Finding:
    path = config or settings.home / FILE_NAME
    return Finding("configuration", "ok", str(path) if path.exists() else f"defaults ({path} does not exist)")


def hardware(facts: MachineFacts) -> Iterator[Finding]:
    processor = facts.processor
    python = f"Python {platform.python_version()}"
    yield Finding("platform", "ok", f"{facts.system} {facts.arch}, {python}")
    simd = " ".join(processor.simd) or "no vector instructions known"
    cores = f"{processor.cores} cores, {processor.threads} threads"
    yield Finding("processor", "ok", f"{processor.name or facts.arch}, {cores}; {simd}")
    fact = f"{size(facts.available)} available of {size(facts.memory)}"
    low = facts.available < 2 << 30
    yield Finding("memory", "note" if low else "ok", fact, "only small models will fit" if low else "")


def readings() -> tuple[GpuReading, ...]:
    """Every GPU here, now. Blocks for a fifth of a second where some figures take two looks."""
    devices = Devices()
    try:
        found = devices.read()
        if any(gpu.vendor == "intel" for gpu in found):
            time.sleep(0.2)
            found = devices.read()
        return found
    finally:
        devices.close()


def gpus(facts: MachineFacts, found: Sequence[GpuReading]) -> Iterator[Finding]:
    yield from map(_gpu, found)
    if not found:
        fact = ", ".join(gpu.name for gpu in facts.gpus) or "none found: models run on the processor"
        yield Finding("gpu", "ok", fact)


def _gpu(gpu: GpuReading) -> Finding:
    """What it tells of itself, and why not the rest; that it is busy and that its memory is used are two figures."""
    figures: dict[str, tuple[Figure, Callable[[float], str]]] = {
        "busy": (gpu.busy, lambda value: f"{value:.0f} % busy"),
        "memory": (gpu.vram_total, lambda value: size(int(value)) + (" shared" if gpu.shares else "")),
        "used": (gpu.vram_used, lambda value: f"{size(int(value))} used"),
        "power": (gpu.power, lambda value: f"{value:.0f} W"),
        "temperature": (gpu.temperature, lambda value: f"{value:.0f} °C"),
    }
    said = [show(figure) for figure, show in figures.values() if not isinstance(figure, Unknown)]
    unknown: dict[str, list[str]] = {}
    for name, (figure, _) in figures.items():
        if isinstance(figure, Unknown):
            unknown.setdefault(figure.reason, []).append(name)
    why = "; ".join(f"{', '.join(names)} unknown: {reason}" for reason, names in unknown.items())
    return Finding("gpu", "ok" if said else "note", ", ".join([gpu.name, *said]), why)


def gguf(
    settings: Settings, facts: MachineFacts, probe: Callable[[Path | None], EngineReport] = probe_xllamacpp
) -> Iterator[Finding]:
    """llama.cpp: the binary that is configured, or the build made here, or the one in the xllamacpp wheel."""
    binary = settings.engines.gguf.binary
    if binary is not None:
        found = external_server(binary)
        if found is None:
            yield Finding("gguf engine", "fail", f"{binary}: no such program", _SET_BINARY, Exit.UNAVAILABLE)
        else:
            yield Finding("gguf engine", "ok", f"{found} {version_of(found)}".rstrip())
        return
    if not preflight.installed("xllamacpp"):
        yield Finding("gguf engine", "note", "xllamacpp is not installed", "pip install 'dovetail[gguf]'")
        return
    version = metadata.version("xllamacpp")
    built = in_force(settings.home, version, facts.processor.simd)
    report = probe(None if built is None else built.folder)
    name = f"xllamacpp {version}, {'the wheel' if built is None else 'compiled here'}"
    if report.problem is not None:
        mend = _REINSTALL if built is None else _REMOVE
        yield Finding("gguf engine", "fail", f"{name}: {report.problem}", mend, Exit.UNAVAILABLE)
        return
    yield Finding("gguf engine", "ok", f"{name}; {', '.join(report.devices)}; {' '.join(report.simd)}")
    for unused in builds(settings.home):
        if unused != built:
            fact = f"{unused.folder.name} is not used: it is of another version, or for another processor or Python"
            yield Finding("gguf engine", "note", fact, "dovetail engine build makes one that fits, remove removes it")
    if built is None and "AVX512F" in facts.processor.simd and "AVX512" not in report.simd:
        yield Finding("gguf engine", "note", "this processor has AVX512, the wheel does not use it", _NATIVE)
    if facts.gpus and all(device.startswith("CPU") for device in report.devices):
        advice = backends.advice({gpu.vendor for gpu in facts.gpus}, toolbox())
        yield Finding("gguf engine", "note", f"this llama.cpp does not use the {facts.gpus[0].name}", advice)


_SET_BINARY = "correct [engines.gguf] binary, or remove it to use the xllamacpp wheel"
_REINSTALL = "install it again: pip install --force-reinstall xllamacpp"
_REMOVE = "dovetail engine remove goes back to the wheel, dovetail engine build compiles it again"


def mlx(facts: MachineFacts, probe: Callable[[], EngineReport] = probe_mlx) -> Iterator[Finding]:
    if not preflight.installed("mlx_lm"):
        advice = "pip install 'dovetail[mlx]', where wheels exist: Apple silicon, and Linux for tests"
        yield Finding("mlx engine", "note", "mlx-lm is not installed", advice)
        return
    name = f"mlx-lm {metadata.version('mlx-lm')}, mlx {metadata.version('mlx')}"
    report = probe()
    if report.problem is not None:
        advice = "install it again: pip install --force-reinstall mlx mlx-lm"
        yield Finding("mlx engine", "fail", f"{name}: {report.problem}", advice, Exit.UNAVAILABLE)
        return
    yield Finding("mlx engine", "ok", f"{name}; {', '.join(report.devices)}")
    if report.devices == ("CPU",):
        fact = "MLX on a processor is for tests: float32 models run, quantised ones crawl"
        cuda = any(gpu.vendor == "nvidia" for gpu in facts.gpus)
        yield Finding(
            "mlx engine", "note", fact, "pip install 'dovetail[mlx-cuda]'" if cuda else "serve GGUF models here"
        )


def engines_at_all(settings: Settings) -> Iterator[Finding]:
    try:
        preflight.check_engines(settings)
    except Failure as failure:
        yield Finding("engines", "fail", str(failure), exit=failure.code)


def folder(home: Path, holder: Occupant | None) -> Finding:
    """Whether the home folder can be used; it need not exist yet."""
    nearest = next(path for path in (home, *home.parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return Finding("home", "fail", f"{home} cannot be written", "choose another with --home", Exit.CONFIG)
    state = f"in use by process {holder.pid}" if holder else "free" if nearest == home else "will be made"
    return Finding("home", "ok", f"{home} ({state})")


def port(settings: Settings, holder: Occupant | None) -> Finding:
    host, number = settings.server.host, settings.server.port
    if holder is not None and holder.url is not None:
        return Finding("port", "ok", f"Dovetail is running at {holder.url}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        advice = "choose another with --host and --port"
        return Finding("port", "fail", f"{host}:{number}: {error.strerror}", advice, Exit.UNAVAILABLE)
    return Finding("port", "ok", f"{host}:{number} is free")


def models(settings: Settings, found: Sequence[Model] | None = None) -> Iterator[Finding]:
    """What the catalog finds in the folders of `settings`, and why what is not sound is not."""
    try:
        preflight.check_folders(settings)
    except Failure as failure:
        yield Finding("models", "fail", str(failure), "correct [catalog] folders", failure.code)
        return
    found = _scan(settings) if found is None else found
    sound = [model for model in found if model.invalid is None]
    names = ", ".join(model.id for model in sound[:8]) + (", …" if len(sound) > 8 else "")
    advice = "" if sound else f"put a .gguf file or an MLX folder into {settings.home / 'models'}"
    yield Finding("models", "ok" if sound else "note", f"{len(sound)}: {names}" if sound else "none found", advice)
    for model in found:
        if model.invalid is not None:
            yield Finding("models", "note", f"{model.id} cannot be loaded: {model.invalid}", f"look at {model.path}")
        elif model.code:
            advice = f"remove models.{model.id}.trust_remote_code, unless you trust its makers"
            yield Finding("models", "note", f"{model.id} runs code that its folder brings", advice)


def elsewhere(settings: Settings, places: Sequence[Found] | None = None) -> Iterator[Finding]:
    """Models that other programs have and that are not served yet."""
    folders = {folder.resolve() for folder in settings.catalog.folders}
    named = {own.path.resolve() for own in settings.models.values() if own.path is not None}
    for place in look() if places is None else places:
        new = [model for model in place.models if model.path.resolve() not in named]
        if new and place.folder.resolve() not in folders:
            count = f"{len(new)} model{'s' * (len(new) > 1)}"
            yield Finding(
                "elsewhere", "note", f"{place.tool} has {count} in {place.folder}", f"dovetail add {place.tool}"
            )


def _scan(settings: Settings) -> Sequence[Model]:
    from dovetail.gateway.model_settings import catalog_of

    return catalog_of(settings).models()
