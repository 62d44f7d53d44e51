"""`dovetail desktop`: with a stand-in for the window, and with a real one under a virtual screen where there is one."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..serving.running import running  # noqa: TID252

WITHIN = 120
# A window that shows a page is one that gets it; it is closed at once.
STAND_IN = """
import pathlib, urllib.request
settings, asked = {}, []
def create_window(title, url, **size):
    asked.append(url)
def start(**how):
    with urllib.request.urlopen(asked[0]) as answer:
        pathlib.Path(__file__).with_name("seen").write_text(asked[0] + "\\n" + answer.read().decode())
"""
# A real one tells where the page's own script has led it, and closes itself.
REAL = """
import pathlib, sys, time, webview
from dovetail.cli import app, desktop
create = webview.create_window
def create_window(*words, **size):
    window = create(*words, **size)
    def loaded():
        for _ in range(200):
            url = window.get_current_url()
            if url and not url.endswith("/ui/"):
                pathlib.Path(sys.argv[1]).write_text(url)
                break
            time.sleep(0.05)
        window.destroy()
    window.events.loaded += loaded
    return window
webview.create_window = create_window
sys.exit(app.run(["desktop", "--home", sys.argv[2]]))
"""
HAS_WINDOWS = importlib.util.find_spec("webview") and importlib.util.find_spec("qtpy") and shutil.which("Xvfb")


def desktop(home: Path, folder: Path) -> tuple[str, str]:
    """The address that the window was given, and the page it got."""
    (folder / "webview.py").write_text(STAND_IN)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    argv = [sys.executable, "-m", "dovetail", "desktop", "--home", str(home)]
    subprocess.run(argv, env=environment, check=True, timeout=WITHIN)
    url, _, page = (folder / "seen").read_text().partition("\n")
    return url, page


def answers(url: str) -> bool:
    port = int(url.split(":")[2].partition("/")[0])
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.accept("D1")
def test_it_starts_a_server_and_ends_it_with_the_window(tmp_path: Path) -> None:
    url, page = desktop(tmp_path / "home", tmp_path)
    assert url.endswith("/ui/")
    assert "Dovetail" in page
    assert not answers(url)


@pytest.mark.anyio
async def test_a_server_that_runs_is_shown_and_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with running(home) as server:
        url, page = desktop(home, tmp_path)
        assert url == f"{server.url}/ui/"
        assert "Dovetail" in page
        assert answers(url)


@pytest.fixture
def screen() -> Iterator[str]:
    """The name of a virtual one."""
    read, write = os.pipe()
    argv = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24"]
    with subprocess.Popen(argv, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
        server.terminate()


@pytest.mark.accept("D1")
@pytest.mark.skipif(not HAS_WINDOWS, reason="takes the extra `desktop` and Xvfb")
def test_a_real_window_shows_the_interface(tmp_path: Path, screen: str) -> None:
    script, seen = tmp_path / "closing.py", tmp_path / "seen"
    script.write_text(REAL)
    # Chromium, which draws it, refuses to be root in a sandbox.
    environment = {**os.environ, "DISPLAY": screen, "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    argv = [sys.executable, str(script), str(seen), str(tmp_path / "home")]
    subprocess.run(argv, env=environment, check=True, timeout=WITHIN)
    assert "/ui/" in seen.read_text()
