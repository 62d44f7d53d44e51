from pathlib import Path

import pytest

from dovetail.access import access as module
from dovetail.access.keys import NewKey
from dovetail.access.usage import DAYS, Meter
from dovetail.core.caller import Caller, Limits, Scope
from dovetail.core.errors import InvalidRequest
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import RequestRecord
from dovetail.storage import keys

from .parts import GOOD, HERE, Clock, access

pytestmark = pytest.mark.anyio


async def test_a_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        wanted = NewKey("laptop", None, "member", Scope(("m",), ("/v1",), True), Limits(tokens_day=5), 3)
        key, secret = await made.keys.create(wanted)
        assert secret.startswith(key.prefix)
        assert len(secret) > len(key.prefix) + 30
        known = await made.identify(secret, cookie=False)
        assert known is not None
        assert known.caller == Caller(key.id, key.id, 3, "member", Limits(tokens_day=5), Scope(("m",), ("/v1",), True))
        (listed,) = await made.keys.list(None)
        assert listed.used is not None
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()


@pytest.mark.bad_input("51", "64")
async def test_keys_end_by_time_and_by_hand(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        _, brief = await made.keys.create(NewKey("brief", None, "member", lifetime=-1.0))
        assert await made.keys.find(brief) is None
        key, secret = await made.keys.create(NewKey("k", None, "member"))
        assert await made.keys.revoke(key.id, "somebody else") is False
        assert await made.keys.revoke(key.id) is True
        assert await made.keys.revoke(key.id) is False
        assert await made.identify(secret, cookie=False) is None


async def test_an_account_has_so_many_keys_and_no_more(tmp_path: Path) -> None:
    with access(tmp_path, most_keys=2) as made:
        first, _ = await made.keys.create(NewKey("1", "ann", "member"))
        await made.keys.create(NewKey("2", "ann", "member"))
        with pytest.raises(InvalidRequest, match="at most 2 keys") as refused:
            await made.keys.create(NewKey("3", "ann", "member"))
        assert (refused.value.status, refused.value.code) == (409, "too_many_keys")
        for nobody in range(3):  # the machine's owner makes these
            await made.keys.create(NewKey(str(nobody), None, "member"))
        await made.keys.create(NewKey("4", "bob", "member"))
        assert await made.keys.revoke(first.id)
        await made.keys.create(NewKey("5", "ann", "member"))


async def test_a_revocation_elsewhere_holds_within_a_second(tmp_path: Path) -> None:
    clock = Clock()
    with access(tmp_path, clock=clock) as made, access(tmp_path) as other:
        key, secret = await other.keys.create(NewKey("k", None, "member"))
        assert not (await made.standing()).accounts
        assert (await made.standing()).keys
        assert await made.identify(secret, cookie=False)
        await other.keys.revoke(key.id)
        clock.now += module.REMEMBER + 0.1
        assert await made.identify(secret, cookie=False) is None
        assert not (await made.standing()).keys


@pytest.mark.bad_input("51")
async def test_nothing_else_is_a_key(tmp_path: Path) -> None:
    with access(tmp_path, key="of the operator") as made:
        await made.people.found("chief", GOOD)
        _, token = await made.people.log_in("chief", GOOD, HERE)
        _, secret = await made.keys.create(NewKey("k", None, "member"))
        for wrong in ("", "x", "' OR 1=1 --", "k" * 6000, secret + "x", secret[:-1], token, "\ud800"):
            assert await made.identify(wrong, cookie=False) is None
        assert await made.identify(secret, cookie=True) is None
        operator = await made.identify("of the operator", cookie=False)
        assert operator is not None
        assert operator.caller.role == "admin"
        here = await made.identify(token, cookie=True)
        assert here is not None
        # Remembered as what they were, not as the other.
        assert await made.identify(secret, cookie=False) is not None
        assert await made.identify(secret, cookie=True) is None
        assert await made.identify(token, cookie=False) is None
        assert (here.caller.id, here.session is not None) == ("chief", True)


async def test_what_a_key_used_is_counted_by_model_and_day(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        choices = tuple(Finished("stop", Usage(prompt=7, completion=n), Timings()) for n in (2, 3))
        for _ in range(2):
            for caller in (Caller("a", "key_1"), Caller("a")):
                made.request_done(RequestRecord("r", caller, "m", 0, None, 1, choices, None))
        (found,) = await made.usage()
        assert (found.key, found.model, found.requests, found.prompt, found.completion) == ("key_1", "m", 2, 14, 10)
        made.request_done(RequestRecord("r", Caller("a", "key_1"), "m", 0, None, 1, choices, None))
        (found,) = await made.usage()
        assert found.requests == 3
        left = RequestRecord("r", Caller("a", "key_2"), "m", 0, None, 1, (), "client_closed", Usage(50, 20))
        made.request_done(left)
        assert [(u.prompt, u.completion) for u in await made.usage() if u.key == "key_2"] == [(50, 20)]


async def test_names_that_a_client_makes_up_are_not_kept(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        for number in range(5):
            refused = RequestRecord("r", Caller("a", "key_1"), f"made up {number}", 0, None, 1, (), "model_not_found")
            made.request_done(refused)
        assert await made.usage() == []


async def test_what_was_used_is_forgotten_after_a_month(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        clock = Clock()
        meter = Meter(made.database, clock)
        used = RequestRecord(
            "r", Caller("a", "key_1"), "m", 0, None, 1, (Finished("stop", Usage(7, 2), Timings()),), None
        )
        meter.count(used)
        await meter.write()
        for days, kept in ((DAYS, 2), (1, 2)):
            clock.now += days * 86_400
            meter.count(used)
            await meter.write()
            assert len(await made.database.run(keys.usage)) == kept
