"""Questions to a hub that is silent, that lies, or that is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _detect_agent

from dovetail import log
from dovetail.catalog import enquiry
from dovetail.catalog.delivery import download
from dovetail.catalog.hub import HubSpec, repository, search
from dovetail.catalog.transfer import DownloadFailed, Unreachable

from .hub_server import REPO, SHA, Hub, answered, hub_server


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as served:
        yield served


def _page(request: BaseHTTPRequestHandler) -> None:
    answered(request, b"<html>Log in to this network</html>")


def _away(request: BaseHTTPRequestHandler) -> None:
    answered(request, b"", 302, "http://127.0.0.1:9/api/models/elsewhere")


def _round(request: BaseHTTPRequestHandler) -> None:
    answered(request, b"", 302, request.path)


def _large(request: BaseHTTPRequestHandler) -> None:
    answered(request, b" " * 2000)


def _odd(request: BaseHTTPRequestHandler) -> None:
    answered(request, b'{"sha": 7, "siblings": "all"}')


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (_page, "that is no hub"),
        (_away, "redirects to 127.0.0.1 for"),
        (_round, "redirects more than"),
        (_large, "answers more than"),
        (_odd, "at which revision"),
    ],
)
def test_a_question_is_answered_by_the_hub_or_refused(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    listing: Callable[[BaseHTTPRequestHandler], None],
    reason: str,
) -> None:
    monkeypatch.setattr(enquiry, "MOST_BYTES", 1000)
    hub.listing = listing
    with pytest.raises(DownloadFailed, match=reason):
        repository(REPO, hub.address)


@pytest.mark.parametrize("bound", ["SILENT_FOR", "ANSWER_WITHIN"])
def test_no_question_waits_for_ever(hub: Hub, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    held = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        if bound == "SILENT_FOR":
            held.wait(30)
        answered(request, b"[]")

    monkeypatch.setattr(enquiry, bound, 0.05 if bound == "SILENT_FOR" else -1.0)
    hub.listing = slow
    with pytest.raises(Unreachable):
        search("tiny", None, hub.address)
    held.set()


def test_a_file_without_a_size_or_a_checksum_is_not_there(hub: Hub) -> None:
    siblings = [
        {"rfilename": "ok.gguf", "size": 1, "blobId": "b" * 40},
        {"rfilename": "unknown.gguf", "size": 1},
        {"rfilename": "less.gguf", "size": -5, "blobId": "b" * 40},
        {"rfilename": "much.gguf", "size": 10**30, "blobId": "b" * 40},
        {"rfilename": 7, "size": 1, "blobId": "b" * 40},
        "text",
    ]
    hub.listing = lambda request: answered(request, json.dumps({"sha": SHA, "siblings": siblings}).encode())
    assert [file.name for file in repository(REPO, hub.address).files] == ["ok.gguf"]


def test_names_that_leave_the_folder_are_not_listed(hub: Hub) -> None:
    hub.files = {
        "../x.gguf": b"",
        "/etc/y.gguf": b"",
        "a/../b.gguf": b"",
        ".git/c.gguf": b"",
        "a\\b.gguf": b"",
        "ok.gguf": b"1",
    }
    assert [file.name for file in repository(REPO, hub.address).files] == ["ok.gguf"]


def test_nothing_else_is_asked_of_a_hub_and_no_address_is_logged(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    listed: list[str] = []
    monkeypatch.setattr(_detect_agent, "_registry", None)
    monkeypatch.setattr(_detect_agent, "_load_registry", lambda: listed.append("asked"))
    hub.files = {"m.gguf": b"model"}
    log.set_level("debug")
    try:
        download(HubSpec(REPO), tmp_path, endpoint=hub.address)
    finally:
        log.set_level("info")
    assert hub.asked == [f"/api/models/{REPO}", f"/{REPO}/resolve/{SHA}/m.gguf"]
    assert listed == []
    assert hub.address not in caplog.text


def test_a_token_is_sent_unless_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert enquiry.headers()["authorization"] == "Bearer hf_secret"
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    assert "authorization" not in enquiry.headers()
