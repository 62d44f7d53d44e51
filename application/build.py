"""Packs the interface, the server and llama.cpp into one application folder: `python application/build.py`.

Wants Dovetail with its extra `desktop`, the built interface (`dovetail ui build`) and PyInstaller in this Python.
Made for the system that it runs on.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
# MLX brings half a gigabyte that only Apple's GPUs make worth it; the rest belongs to the tests.
LEFT_OUT = ("mlx", "mlx_lm", "torch", "transformers", "av", "faster_whisper", "ctranslate2", "pytest", "hypothesis")
DATA = ("dovetail", "webview", "nvidia")
BINARIES = ("xllamacpp",)
# What draws the window is looked for when it is wanted, so nothing tells of it before.
WINDOW = {"linux": ("webview.platforms.qt", "PyQt6.QtWebEngineWidgets"), "other": ("webview",)}


def command(out: Path) -> list[str]:
    """How PyInstaller is called."""
    asked = [
        sys.executable,
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--log-level",
        "WARN",
        "--onedir",
        "--name",
        "dovetail",
    ]
    asked += ["--distpath", str(out), "--workpath", str(out / "work"), "--specpath", str(out / "work")]
    asked += ["--collect-submodules", "dovetail", "--collect-submodules", "uvicorn"]
    for name in WINDOW.get(sys.platform, WINDOW["other"]):
        asked += ["--hidden-import", name]
    for name in DATA:
        asked += ["--collect-data", name] if importlib.util.find_spec(name) else []
    for name in BINARIES:
        asked += ["--collect-all", name]
    for name in LEFT_OUT:
        asked += ["--exclude-module", name]
    return [*asked, str(HERE / "entry.py")]


def main() -> int:
    static = ROOT / "src" / "dovetail" / "gateway" / "static" / "index.html"
    if not static.exists():
        print("the interface is not built: dovetail ui build")
        return 1
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "dist").absolute()
    done = subprocess.run(command(out), check=False).returncode
    if done == 0:
        print(f"{out / 'dovetail' / 'dovetail'} is the application; the folder around it belongs to it")
    return done


if __name__ == "__main__":
    sys.exit(main())
