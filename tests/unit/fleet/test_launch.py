import stat
from pathlib import Path

import pytest

from dovetail.core.errors import LoadFailed
from dovetail.engines.base import Command
from dovetail.fleet import launch
from dovetail.fleet.launch import LocalLauncher, worker_environment


def test_a_worker_inherits_no_secret() -> None:
    secret = {"OPENAI_API_KEY": "k", "HF_TOKEN": "t", "DOVETAIL_SERVER__PORT": "1", "AWS_SECRET_ACCESS_KEY": "s"}
    env = worker_environment({**secret, "PATH": "/bin", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0"})
    assert not set(secret) & set(env)
    assert (env["PATH"], env["LC_ALL"], env["CUDA_VISIBLE_DEVICES"]) == ("/bin", "C", "0")
    assert env["HF_HUB_OFFLINE"] == "1"


def test_python_paths_survive_a_change_of_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert worker_environment({"PYTHONPATH": "src:/opt"})["PYTHONPATH"] == f"{tmp_path}/src:/opt"


def test_the_socket_folder_is_private_and_swept(short_path: Path) -> None:
    folder = short_path / "run"
    folder.mkdir(mode=0o755)
    stale, other = folder / "old.sock", folder / "keep.txt"
    stale.touch()
    other.touch()
    LocalLauncher(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not stale.exists()
    assert other.exists()


@pytest.mark.parametrize("temporary", ["", "t" * 80])
def test_a_long_home_gets_a_short_socket_folder(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    base = short_path / temporary
    base.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(base))
    folder = launch._socket_folder(short_path / ("x" * 120))
    again = launch._socket_folder(short_path / ("x" * 120))
    assert folder == again, "the next start must find, and sweep, what this one left"
    assert len(str(folder)) <= launch.MAX_FOLDER


@pytest.mark.anyio
async def test_a_folder_in_the_temporary_one_is_there_as_long_as_a_worker(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_path))
    home = short_path / ("x" * 120)
    folder = launch._socket_folder(home)
    folder.mkdir()
    (folder / "killed.sock").touch()  # of a server that could not tidy up
    launcher = LocalLauncher(home)
    assert not folder.exists()
    waits = Command(("/bin/sh", "-c", "pwd; read line"))
    lines: list[str] = []
    for _ in range(2):
        first, second = [(await launcher.launch("m", lambda _: waits, lines.append)).process for _ in range(2)]
        assert first is not None
        assert second is not None
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        first.terminate()
        await first.wait()
        assert folder.exists()
        second.terminate()
        await second.wait()
        assert not folder.exists()
    assert set(lines) <= {str(folder)}
    with pytest.raises(LoadFailed):
        await launcher.launch("m", lambda _: Command(("/no-such-binary",)), lines.append)
    assert not folder.exists()


@pytest.mark.anyio
async def test_a_folder_of_the_home_stays(short_path: Path) -> None:
    launched = await LocalLauncher(short_path / "run").launch("m", lambda _: Command(("/bin/true",)), print)
    assert launched.process is not None
    await launched.process.wait()
    assert (short_path / "run").is_dir()


def test_a_folder_that_is_a_link_is_refused(short_path: Path) -> None:
    link = short_path / "run"
    link.symlink_to(short_path)
    with pytest.raises(PermissionError):
        LocalLauncher(link)


@pytest.mark.anyio
async def test_a_missing_binary_is_a_failed_load(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="no-such-binary: No such file"):
        await LocalLauncher(tmp_path).launch("m", lambda _: Command(("/no-such-binary",)), print)


@pytest.mark.anyio
async def test_without_unix_sockets_a_worker_gets_a_port_and_a_secret(tmp_path: Path) -> None:
    lines: list[str] = []
    launched = await LocalLauncher(tmp_path, unix=False).launch(
        "m", lambda endpoint: Command(("/bin/echo", str(endpoint.port))), lines.append
    )
    assert launched.process is not None
    assert await launched.process.wait() == 0
    assert lines == [str(launched.endpoint.port)]
    assert launched.endpoint.secret
    assert len(launched.endpoint.secret) >= 32


@pytest.mark.anyio
@pytest.mark.parametrize("kept", [False, True])
async def test_a_worker_is_told_whether_it_keeps_the_network(tmp_path: Path, kept: bool) -> None:
    lines: list[str] = []
    says = Command(("/bin/sh", "-c", "echo told $DOVETAIL_WORKER_NETWORK"))
    launched = await LocalLauncher(tmp_path, network=lambda: kept).launch("m", lambda _: says, lines.append)
    assert launched.process is not None
    assert await launched.process.wait() == 0
    assert lines == ["told 1" if kept else "told"]
