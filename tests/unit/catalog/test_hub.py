"""The hub is not to be had in tests: a local server with the hub's own routes stands for it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dovetail.catalog.hub import DownloadFailed, HubSpec, choose, download, parse_spec
from dovetail.core.errors import InvalidRequest

REPO = "someone/tiny"
SHA = "a" * 40


@dataclass
class Hub:
    """What the local hub holds, what it was asked, and after how many bytes it cuts one download."""

    files: dict[str, bytes]
    ranges: list[str] = field(default_factory=list[str])
    cut_after: int | None = None
    address: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        if path.startswith(f"/api/models/{REPO}"):
            siblings = [{"rfilename": n, "size": len(b)} for n, b in self.files.items()]
            body = json.dumps({"id": REPO, "modelId": REPO, "sha": SHA, "siblings": siblings}).encode()
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
            return
        name = path.removeprefix(f"/{REPO}/resolve/{SHA}/")
        if path.startswith("/api/") or name not in self.files:
            request.send_response(404)
            request.send_header("X-Error-Code", "RepoNotFound" if path.startswith("/api/") else "EntryNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self._file(request, self.files[name])

    def _file(self, request: BaseHTTPRequestHandler, data: bytes) -> None:
        etag = hashlib.sha256(data).hexdigest()
        start = 0
        if asked := request.headers.get("Range"):
            self.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        request.send_response(206 if start else 200)
        request.send_header("ETag", f'"{etag}"')
        request.send_header("X-Repo-Commit", SHA)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        if request.command != "GET":
            return
        if self.cut_after is not None:
            request.wfile.write(data[start : start + self.cut_after])
            self.cut_after = None
            request.close_connection = True
            return
        request.wfile.write(data[start:])


@pytest.fixture
def hub() -> Iterator[Hub]:
    held = Hub({})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.answer(self)

        def do_HEAD(self) -> None:
            held.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    held.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.accept("E10")
def test_a_file_of_a_repository_lands_in_the_models_folder(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"tiny-Q4_K_M.gguf": b"q4" * 5000, "tiny-Q8_0.gguf": b"q8" * 9000, "README.md": b"x"}
    seen: list[tuple[int, int]] = []
    path = download(
        parse_spec(f"{REPO}:tiny-Q8_0.gguf"), tmp_path, lambda done, total: seen.append((done, total)), hub.address
    )
    assert path == tmp_path / "tiny" / "tiny-Q8_0.gguf"
    assert path.read_bytes() == hub.files["tiny-Q8_0.gguf"]
    assert seen[-1] == (18_000, 18_000)
    assert [p.name for p in path.parent.glob("*.gguf")] == ["tiny-Q8_0.gguf"]


def test_an_mlx_repository_is_fetched_without_its_code(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"config.json": b"{}", "model.safetensors": b"w" * 100, "model.py": b"evil", "pytorch_model.bin": b"p"}
    folder = download(parse_spec(REPO), tmp_path, endpoint=hub.address)
    assert sorted(p.name for p in folder.iterdir() if p.is_file()) == ["config.json", "model.safetensors"]


def test_a_cut_download_is_resumed_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"m.gguf": bytes(range(256)) * 100_000}
    hub.cut_after = 16 << 20  # huggingface-hub writes 10 MiB at a time: the first of them is kept
    path = download(parse_spec(f"{REPO}:m.gguf"), tmp_path, endpoint=hub.address)
    assert path.read_bytes() == hub.files["m.gguf"]
    assert hub.ranges == [f"bytes={10 << 20}-"]


def test_what_is_not_there_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"m.gguf": b"x"}
    with pytest.raises(InvalidRequest, match="not on the hub"):
        download(HubSpec("no/body"), tmp_path, endpoint=hub.address)
    with pytest.raises(InvalidRequest, match=r"has m\.gguf"):
        download(HubSpec(REPO, "other.gguf"), tmp_path, endpoint=hub.address)


def test_a_hub_out_of_reach_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="resume"):
        download(HubSpec(REPO), tmp_path, endpoint="http://127.0.0.1:9")


FILES = ["a-Q4_K_M.gguf", "a-Q8_0.gguf", "b-F16-00001-of-00002.gguf", "b-F16-00002-of-00002.gguf", "mmproj-a.gguf"]


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("q8_0", ["a-Q8_0.gguf"]), ("F16", FILES[2:4]), ("a-Q4_K_M.gguf", ["a-Q4_K_M.gguf"])],
)
def test_a_quantisation_stands_for_its_files(choice: str, chosen: list[str]) -> None:
    assert choose(HubSpec(REPO, choice), FILES) == chosen


@pytest.mark.parametrize("choice", [None, "Q", "nothing"])
def test_an_unclear_choice_lists_the_files(choice: str | None) -> None:
    with pytest.raises(InvalidRequest, match=r"a-Q8_0\.gguf"):
        choose(HubSpec(REPO, choice), FILES)


def test_specs() -> None:
    assert parse_spec("o/n") == HubSpec("o/n")
    assert parse_spec("o/n:Q8_0") == parse_spec("o/n/Q8_0") == HubSpec("o/n", "Q8_0")
    for bad in ("n", "/etc/passwd", "o/../n", "http://o/n", "o/n:..", ""):
        with pytest.raises(InvalidRequest):
            parse_spec(bad)
