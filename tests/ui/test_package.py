"""What the package build makes carries the interface, and so does what is built of its sources' archive."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_WITHIN = 300


@pytest.mark.accept("D2")
@pytest.mark.usefixtures("interface")
def test_the_wheel_and_the_archive_carry_the_interface_and_nothing_of_its_making(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_WITHIN)
    assert done.returncode == 0, done.stderr
    (wheel,), (archive,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    files = set(zipfile.ZipFile(wheel).namelist())
    static = "dovetail/gateway/static"
    assert f"{static}/index.html" in files
    assert any(name.startswith(f"{static}/assets/") and name.endswith(".js") for name in files)
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    assert f"src/{static}/index.html" in packed
    assert not [name for name in files | packed if "node_modules" in name]
