"""The text in a PDF, and what is said of one that has none to give."""

import pytest

from dovetail.workers import pdf as worker
from dovetail.workers.pdf import Unreadable, read

from .pdfs import locked, packed, pdf


def test_pages_follow_each_other() -> None:
    assert read(pdf("First page.\nSecond line.", "", "Third page.")) == "First page.\nSecond line.\n\nThird page."


def test_one_that_may_only_not_be_changed_is_read() -> None:
    assert read(locked(pdf("Open to all."), "")) == "Open to all."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf("", ""), "no text: its pages are pictures"),
        (locked(pdf("Secret."), "key"), "locked with a password"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (pdf("Text.")[:200], "damaged"),
        (packed(pdf("Text."), 200 << 20), "more than is read: attach a part"),
        (
            pdf("Text.").replace(b"/Count 1", b"/Count 1/Parent 2 0 R").replace(b"/Kids[5 0 R]", b"/Kids[2 0 R]"),
            "damaged",
        ),
    ],
    ids=["pictures", "locked", "torn", "cut", "large", "its own page"],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(data)


def test_there_is_a_most_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST", 10)
    with pytest.raises(Unreadable, match="more than 10 characters"):
        read(pdf("More than ten characters."))
