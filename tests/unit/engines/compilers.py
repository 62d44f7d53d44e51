"""Stand-ins for pip, cmake and the compiler: programs that say what the real ones say, and leave what they leave."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from dovetail.engines.compilation import Toolbox

VERSION = "2026.10.11549"
_PYTHON = r"""#!{python}
import os, pathlib, shutil, sys, tarfile, time, zipfile
asked = sys.argv[1:]
print("called", *asked, flush=True)
if "download" in asked:
    if os.environ.get("FAKE_OFFLINE"):
        sys.exit("ERROR: No matching distribution found for xllamacpp")
    folder = pathlib.Path(asked[asked.index("--dest") + 1])
    objects = folder / "xllamacpp-{version}" / "thirdparty" / "llama.cpp" / "build" / "bin"
    objects.mkdir(parents=True)
    (objects / "llama-server").write_text("a program")
    with tarfile.open(folder / "xllamacpp-{version}.tar.gz", "w:gz") as archive:
        archive.add(folder / "xllamacpp-{version}", "xllamacpp-{version}")
    shutil.rmtree(folder / "xllamacpp-{version}")
elif "wheel" in asked:
    source = pathlib.Path(asked[-1])
    print("flags", os.environ["CMAKE_ARGS"], os.environ["NPROC"], os.environ.get("CMAKE_GENERATOR"), flush=True)
    if (source / "half").exists():
        print("ninja: no work to do.")
    for step in (1, 2, 3, 4):
        print(f"  [{{step}}/4] Building CXX object {{step}}.o", flush=True)
        (source / "half").write_text("objects")
        if step == 2 and os.environ.get("FAKE_FAILURE"):
            print("error: expected ';'")
            sys.exit(1)
        if step == 2 and os.environ.get("FAKE_ENDLESS"):
            (source / "pid").write_text(str(os.getpid()))
            print("waiting", flush=True)
            time.sleep(600)
    print("  Running: copy_libs.py", flush=True)
    with zipfile.ZipFile(pathlib.Path(asked[asked.index("--wheel-dir") + 1]) / "xllamacpp-1.whl", "w") as wheel:
        wheel.writestr("xllamacpp/__init__.py", os.environ.get("FAKE_PACKAGE", "get_system_info = lambda: 'x'"))
else:
    os.execv({python!r}, [{python!r}, *asked])
"""
_CMAKE = r"""#!{python}
import pathlib, sys
print("[ 50%] Building CXX object quantize.o")
for name in sys.argv[sys.argv.index("--target") + 1:]:
    (pathlib.Path(sys.argv[2]) / "bin" / name).write_text("a program")
"""
FEATURES = "get_system_info = lambda: 'CPU : AVX2 = 1 | AVX512 = 1 | SVE = 0 | REPACK = 1 | '"


def toolbox(folder: Path, without: Iterable[str] = (), free: int = 1 << 40, **environ: str) -> Toolbox:
    """Tools that lie in `folder`, all but those named."""
    folder.mkdir(exist_ok=True)
    said = {"python": sys.executable, "version": VERSION}
    texts = {"python": _PYTHON.format(**said), "cmake": _CMAKE.format(**said), "c++": "", "ninja": "", "Python.h": ""}
    for name, text in texts.items():
        if name not in without:
            (folder / name).write_text(text)
            (folder / name).chmod(0o700)
    path = {"PATH": str(folder), "FAKE_PACKAGE": FEATURES}
    if "SYSTEMROOT" in os.environ:
        path["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return Toolbox(str(folder / "python"), {**path, **environ}, folder / "Python.h", lambda _folder: free)
