from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from dovetail.cli import diagnosis
from dovetail.cli.engine_probe import EngineReport, probe_mlx, probe_xllamacpp, version_of
from dovetail.cli.exits import Exit
from dovetail.cli.home import Occupant
from dovetail.core.model import Model
from dovetail.hardware.gpus import Gpu
from dovetail.hardware.machine import MachineFacts
from dovetail.hardware.processor import Processor
from dovetail.hardware.reading import GpuReading, Unknown
from dovetail.settings import Settings

GIB = 1 << 30
WHEEL = EngineReport(devices=("CPU AMD EPYC",), simd=("AVX2", "FMA"))


def machine(simd: tuple[str, ...] = ("AVX2",), gpus: tuple[Gpu, ...] = (), available: int = 8 * GIB) -> MachineFacts:
    return MachineFacts("Linux", "x86_64", Processor("AMD EPYC", 4, 8, simd), 16 * GIB, available, gpus)


def settings(**sections: object) -> Settings:
    return Settings.model_validate(sections)


def test_the_machine() -> None:
    findings = list(diagnosis.hardware(machine()))
    assert [finding.status for finding in findings] == ["ok"] * 3
    text = " ".join(finding.fact for finding in findings)
    assert all(fact in text for fact in ("x86_64", "4 cores", "AVX2", "8.0 GiB available of 16.0 GiB"))


def test_little_memory_is_noticed() -> None:
    *_, memory = diagnosis.hardware(machine(available=GIB))
    assert memory.status == "note"


def test_a_gpu_says_what_it_does_and_why_not_the_rest() -> None:
    root = Unknown("root alone")
    gpu = GpuReading("apple", "Apple M2", "0", "ioreg", 12.4, 3 * GIB, 64 * GIB, root, root, shares=True)
    (finding,) = diagnosis.gpus(machine(), [gpu])
    assert finding.fact == "Apple M2, 12 % busy, 64.0 GiB shared, 3.0 GiB used"
    assert (finding.status, finding.advice) == ("ok", "power, temperature unknown: root alone")
    (silent,) = diagnosis.gpus(machine(), [gpu.without_figures(Unknown("no driver"))])
    assert (silent.status, silent.fact) == ("note", "Apple M2")
    assert silent.advice == "busy, memory, used, power, temperature unknown: no driver"


def test_gpus_that_nothing_is_read_of_are_named_and_none_is_said() -> None:
    (named,) = diagnosis.gpus(machine(gpus=(Gpu("nvidia", "H200", 140 * GIB),)), ())
    assert named.fact == "H200"
    (none,) = diagnosis.gpus(machine(), ())
    assert "none found" in none.fact
    assert all(gpu.name for gpu in diagnosis.readings())


def test_the_wheel_is_enough_where_it_uses_the_processor() -> None:
    (finding,) = diagnosis.gguf(settings(), machine(), lambda _library: WHEEL)
    assert finding.status == "ok"
    assert "xllamacpp" in finding.fact


def test_a_wheel_without_this_processors_instructions_is_noted() -> None:
    _, note = diagnosis.gguf(settings(), machine(("AVX2", "AVX512F")), lambda _library: WHEEL)
    assert note.status == "note"
    assert "dovetail engine build" in note.advice
    native = EngineReport(devices=("CPU",), simd=("AVX512",))
    assert len(list(diagnosis.gguf(settings(), machine(("AVX2", "AVX512F")), lambda _library: native))) == 1


def test_a_gpu_that_the_wheel_does_not_use_is_noted() -> None:
    card = (Gpu("nvidia", "H200"),)
    _, note = diagnosis.gguf(settings(), machine(gpus=card), lambda _library: WHEEL)
    assert "H200" in note.fact
    metal = EngineReport(devices=("Metal Apple M3", "CPU"))
    assert len(list(diagnosis.gguf(settings(), machine(gpus=card), lambda _library: metal))) == 1


def test_a_broken_engine_fails() -> None:
    broken = EngineReport(problem="ImportError: libgomp.so.1")
    for finding in (
        *diagnosis.gguf(settings(), machine(), lambda _library: broken),
        *diagnosis.mlx(machine(), lambda: broken),
    ):
        assert finding.status == "fail"
        assert "libgomp" in finding.fact
        assert finding.exit is Exit.UNAVAILABLE


def test_an_external_llama_server(tmp_path: Path) -> None:
    found = settings(engines={"gguf": {"binary": sys.executable}})
    (finding,) = diagnosis.gguf(found, machine())
    assert finding.status == "ok"
    lost = settings(engines={"gguf": {"binary": str(tmp_path / "none")}})
    (finding,) = diagnosis.gguf(lost, machine())
    assert finding.exit is Exit.UNAVAILABLE
    (finding,) = diagnosis.engines_at_all(lost)
    assert finding.status == "fail"
    assert list(diagnosis.engines_at_all(found)) == []


def test_mlx_on_a_processor_is_for_tests() -> None:
    ok, note = diagnosis.mlx(machine(), lambda: EngineReport(devices=("CPU",)))
    assert (ok.status, note.status) == ("ok", "note")
    _, note = diagnosis.mlx(machine(gpus=(Gpu("nvidia", "H200"),)), lambda: EngineReport(devices=("CPU",)))
    assert "mlx-cuda" in note.advice
    assert len(list(diagnosis.mlx(machine(), lambda: EngineReport(devices=("Metal",))))) == 1


def test_engines_that_are_not_installed_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_module: str) -> bool:
        return False

    monkeypatch.setattr(diagnosis.preflight, "installed", nothing)
    for finding in (*diagnosis.gguf(settings(), machine()), *diagnosis.mlx(machine())):
        assert finding.status == "note"
        assert "pip install" in finding.advice


def test_home_folders(tmp_path: Path) -> None:
    assert "free" in diagnosis.folder(tmp_path, None).fact
    assert "will be made" in diagnosis.folder(tmp_path / "a" / "b", None).fact
    assert "in use by process 7" in diagnosis.folder(tmp_path, Occupant(7, None)).fact
    (tmp_path / "file").touch()
    assert diagnosis.folder(tmp_path / "file" / "home", None).exit is Exit.CONFIG


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = int(listener.getsockname()[1])
        taken = diagnosis.port(settings(server={"port": number}), None)
        assert taken.exit is Exit.UNAVAILABLE
        running = diagnosis.port(settings(server={"port": number}), Occupant(7, "http://127.0.0.1:1"))
        assert running.status == "ok"
    assert diagnosis.port(settings(server={"port": 0}), None).status == "ok"
    assert diagnosis.port(settings(server={"host": "192.0.2.1"}), None).status == "fail"


def test_models_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    sound = Model("a", "gguf", tmp_path / "a.gguf")
    broken = Model("b", "gguf", tmp_path / "b.gguf", invalid="the file is cut off")
    trusted = Model("c", "mlx", tmp_path / "c", code=True)
    ok, note, warned = diagnosis.models(settings(), [sound, broken, trusted])
    assert ok.fact == "2: a, c"
    assert "cut off" in note.fact
    assert (warned.fact, "models.c.trust_remote_code" in warned.advice) == ("c runs code that its folder brings", True)
    assert str(broken.path) in note.advice
    (none,) = diagnosis.models(settings(home=tmp_path), [])
    assert str(tmp_path / "models") in none.advice
    (missing,) = diagnosis.models(settings(catalog={"folders": [tmp_path / "none"]}))
    assert missing.exit is Exit.CONFIG


def test_the_demo_models_are_found(tmp_path: Path) -> None:
    (finding,) = diagnosis.models(settings(home=tmp_path))
    assert "tiny-gguf" in finding.fact
    assert "tiny-mlx" in finding.fact


def test_engines_are_asked_in_processes_of_their_own() -> None:
    assert probe_xllamacpp().problem is None
    assert any(device.startswith("CPU") for device in probe_xllamacpp().devices)
    assert probe_mlx().problem is None
    assert version_of(sys.executable) == ""
    assert version_of("/no/such/program") == ""


def test_everything_together(tmp_path: Path) -> None:
    (tmp_path / "dovetail.toml").write_text("[server]\nprot = 1\n")
    findings = diagnosis.diagnose(tmp_path, None)
    assert findings[0].exit is Exit.CONFIG
    subjects = {finding.subject for finding in findings}
    assert {"platform", "processor", "memory", "gpu", "gguf engine", "mlx engine", "home", "port", "models"} <= subjects
