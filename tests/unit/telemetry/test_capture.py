import asyncio
import json
from pathlib import Path

import pytest

from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.telemetry.capture import Capture

pytestmark = pytest.mark.anyio


async def test_what_is_said_goes_into_a_private_file_until_it_is_ended(tmp_path: Path) -> None:
    reasons: list[str] = []
    capture = Capture(tmp_path / "capture", reasons.append, lambda: 0.0)
    await capture.add({"request": "before"})
    begun = await capture.begin(60, 1000)
    assert begun.path.name.startswith("requests-19700101-000000-")
    await capture.add({"request": "é\ud800"})
    with pytest.raises(InvalidRequest) as twice:
        await capture.begin(60, 1000)
    assert (twice.value.status, twice.value.code) == (409, "capture_is_on")
    assert capture.now is not None
    assert capture.now.written == begun.path.stat().st_size
    assert capture.end("by hand")
    assert not capture.end("by hand")
    await capture.add({"request": "after"})
    assert [json.loads(line) for line in begun.path.read_text().splitlines()] == [{"request": "é?"}]
    assert begun.path.stat().st_mode & 0o777 == 0o600
    assert begun.path.parent.stat().st_mode & 0o777 == 0o700
    assert reasons == ["by hand"]
    again = await capture.begin(60, 1000)
    assert again.path != begun.path
    assert capture.end("by hand")


async def test_it_ends_by_itself_when_the_time_or_the_file_is_full(tmp_path: Path) -> None:
    over = asyncio.Event()
    reasons: list[str] = []

    def ended(reason: str) -> None:
        reasons.append(reason)
        over.set()

    capture = Capture(tmp_path, ended)
    begun = await capture.begin(60, 100)
    for number in range(100):
        await capture.add({"request": f"{number:20}"})
    assert reasons == ["its file would be larger than 100 bytes"]
    assert capture.now is None
    assert 0 < begun.path.stat().st_size <= 100
    over.clear()
    await capture.begin(0.001, 100)
    async with asyncio.timeout(5):
        await over.wait()
    assert reasons[1:] == ["its time is over"]
    assert capture.now is None


async def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("")
    capture = Capture(tmp_path / "capture")
    with pytest.raises(DovetailError) as refused:
        await capture.begin(60, 100)
    assert refused.value.status == 507
    assert capture.now is None
