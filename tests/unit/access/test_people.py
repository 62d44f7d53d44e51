import json
import sqlite3
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import cast

import pytest
from argon2 import PasswordHasher

from dovetail.access import super_admin
from dovetail.access.access import Access
from dovetail.access.keys import NewKey
from dovetail.access.passwords import LEAST, common
from dovetail.access.people import Lifetime, Visitor
from dovetail.access.super_admin import RecordUnusable
from dovetail.core.errors import Forbidden, InvalidRequest, RateLimited, Unauthenticated
from dovetail.storage import responses
from dovetail.storage.responses import Bounds, Kind, Stored, Wanted

from .parts import CHEAP, GOOD, HERE, Clock, access

pytestmark = pytest.mark.anyio


async def test_the_super_admin_is_made_once(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        with pytest.raises(Forbidden):
            await made.people.found("other", GOOD)
    path = tmp_path / ".auth.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert GOOD not in path.read_text()
    record = json.loads(path.read_text())
    assert (record["super_admin_id"], record["scheme"]) == ("chief", "argon2id")
    with access(tmp_path) as again:
        assert again.people.chief == "chief"
        session, _ = await again.people.log_in("chief", GOOD, HERE)
        assert session.account == "chief"


async def kept(made: Access, caller: str) -> list[str]:
    def look(connection: sqlite3.Connection) -> list[str]:
        kinds: tuple[Kind, ...] = ("response", "chat.completion")
        return [each.id for kind in kinds for each in responses.page(connection, caller, kind, Wanted(9)) or ()]

    return await made.database.run(look)


async def test_answers_that_were_kept_for_nobody_are_the_first_account_s(tmp_path: Path) -> None:
    room = Bounds(100, 0.0, 1 << 20)
    with access(tmp_path) as made:
        for answer, caller, kind in (
            ("a", "local", "response"),
            ("b", "local", "chat.completion"),
            ("c", "key_1", "response"),
        ):
            stored = Stored(answer, caller, 1.0, None, "{}", (), (), cast("Kind", kind))
            await made.database.run(lambda c, stored=stored: responses.add(c, stored, room))
        (tmp_path / super_admin.FILE_NAME).mkdir()  # it cannot be written
        with pytest.raises(OSError, match=r"\.auth\.json"):
            await made.people.found("chief", GOOD)
        assert (made.people.chief, await kept(made, "local"), await kept(made, "chief")) == (None, ["a", "b"], [])
        (tmp_path / super_admin.FILE_NAME).rmdir()
        await made.people.found("chief", GOOD)
        assert (await kept(made, "local"), await kept(made, "chief"), await kept(made, "key_1")) == (
            [],
            ["a", "b"],
            ["c"],
        )
        other = Stored("d", "local", 1.0, None, "{}", (), ())
        await made.database.run(lambda c: responses.add(c, other, room))
        with pytest.raises(Forbidden):
            await made.people.found("other", GOOD)
        assert await kept(made, "local") == ["d"]


def test_the_list_of_common_passwords_is_whole() -> None:
    found = common()
    assert len(found) >= 3000
    assert all(len(word) >= LEAST and word == word.lower() for word in found)


@pytest.mark.parametrize(
    "password", ["short", "password1", "Qwertyuiop", "GreyHoun", "dovetail1", "x" * 257, "chief-chief", ""]
)
async def test_passwords_that_will_not_do(tmp_path: Path, password: str) -> None:
    with access(tmp_path) as made:
        with pytest.raises(InvalidRequest) as raised:
            await made.people.found("Chief-Chief", password)
        assert raised.value.code == "weak_password"
    assert not (tmp_path / ".auth.json").exists()


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "-x", "local", "operator", "key_1", "a\n"])
async def test_names_that_will_not_do(tmp_path: Path, name: str) -> None:
    with access(tmp_path) as made, pytest.raises(InvalidRequest, match="a name has"):
        await made.people.add(name, GOOD, "member")


async def test_a_hash_of_the_earlier_server_is_verified_and_replaced(tmp_path: Path) -> None:
    salt = bytes(range(16))
    old = pbkdf2_hmac("sha256", GOOD.encode(), salt, 1000, 32).hex()
    record = {"super_admin_id": "boss", "salt_hex": salt.hex(), "hash_hex": old, "iterations": 1000}
    (tmp_path / ".auth.json").write_text(json.dumps(record))
    with access(tmp_path) as made:
        with pytest.raises(Unauthenticated):
            await made.people.log_in("boss", GOOD + "x", HERE)
        await made.people.log_in("boss", GOOD, HERE)
    assert json.loads((tmp_path / ".auth.json").read_text())["hash"].startswith("$argon2id$")
    with access(tmp_path) as again:
        await again.people.log_in("boss", GOOD, HERE)


async def test_a_hash_is_made_anew_when_parameters_rise(tmp_path: Path) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16).hash(GOOD)
    super_admin.save(tmp_path, super_admin.SuperAdmin("chief", weak))
    with access(tmp_path) as made:
        await made.people.log_in("chief", GOOD, HERE)
    found = super_admin.load(tmp_path)
    assert found is not None
    assert found.password != weak
    assert not CHEAP.check_needs_rehash(found.password)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"super_admin_id": "a"}', "\xff", "x" * 20_000])
def test_a_record_that_says_something_else_is_no_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / ".auth.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordUnusable, match="dovetail admin reset"):
        super_admin.load(tmp_path)


async def test_without_the_record_sessions_and_admin_keys_are_gone(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        _, token = await made.people.log_in("chief", GOOD, HERE)
        _, admin = await made.keys.create(NewKey("a", "chief", "admin"))
        _, member = await made.keys.create(NewKey("b", None, "member"))
    with access(tmp_path) as again:
        assert await again.people.session(token) is not None
        assert await again.keys.find(admin) is not None
    (tmp_path / ".auth.json").unlink()
    with access(tmp_path) as after:
        assert await after.people.session(token) is None
        assert await after.keys.find(admin) is None
        assert await after.keys.find(member) is not None
        await after.people.found("new", GOOD)


async def test_wrong_names_and_wrong_passwords_look_alike(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        said: set[str] = set()
        for name, password in (("chief", "wrong wrong"), ("nobody", GOOD), ("", ""), ("chief'--", "x" * 1000)):
            with pytest.raises(Unauthenticated) as raised:
                await made.people.log_in(name, password, HERE)
            said.add(raised.value.message)
        assert len(said) == 1


@pytest.mark.bad_input("52")
async def test_who_guesses_is_slowed_and_others_are_not(tmp_path: Path) -> None:
    clock = Clock()
    with access(tmp_path, clock=clock) as made:
        await made.people.found("chief", GOOD)
        outcomes: list[type[Exception]] = []
        for _ in range(30):
            with pytest.raises((Unauthenticated, RateLimited)) as raised:
                await made.people.log_in("chief", "wrong wrong", HERE)
            outcomes.append(type(raised.value))
        assert outcomes[:5] == [Unauthenticated] * 5
        assert outcomes[5:] == [RateLimited] * 25
        with pytest.raises(RateLimited) as refused:
            await made.people.log_in("chief", GOOD, HERE)
        assert refused.value.code == "too_many_attempts"
        await made.people.log_in("chief", GOOD, Visitor("127.0.0.2"))
        clock.now += refused.value.retry_after or 0
        await made.people.log_in("chief", GOOD, HERE)


@pytest.mark.bad_input("53", "64")
@pytest.mark.accept("H2", "H3")
async def test_sessions_end_by_idling_by_age_by_number_and_by_hand(tmp_path: Path) -> None:
    clock = Clock()
    with access(tmp_path, clock=clock, lifetime=Lifetime(idle=100, longest=250, most=2)) as made:
        await made.people.found("chief", GOOD)
        session, token = await made.people.log_in("chief", GOOD, HERE)
        assert token.encode() not in (tmp_path / "dovetail.db").read_bytes()
        for _ in range(2):
            clock.now += 90
            assert await made.people.session(token) is not None  # it slides
        clock.now += 90
        assert await made.people.session(token) is None  # and ends all the same
        _, idle = await made.people.log_in("chief", GOOD, HERE)
        clock.now += 101
        assert await made.people.session(idle) is None
        tokens = [(await made.people.log_in("chief", GOOD, HERE))[1] for _ in range(3)]
        alive = [token for token in tokens if await made.people.session(token)]
        assert len(alive) == 2
        kept, _ = await made.people.log_in("chief", GOOD, HERE)
        await made.people.set_password("chief", GOOD + "!", keep=kept.id)
        assert [s.id for s in await made.people.sessions("chief")] == [kept.id]
        assert await made.people.log_out(kept.id, "somebody else") is False
        assert await made.people.log_out(kept.id, "chief") is True
        assert await made.people.sessions(None) == []
        assert session.id != kept.id


async def test_accounts_are_made_changed_and_removed_with_all_they_have(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        await made.people.add("ann", GOOD, "admin")
        for name in ("ann", "chief"):
            with pytest.raises(InvalidRequest) as raised:
                await made.people.add(name, GOOD, "member")
            assert raised.value.status == 409
        _, token = await made.people.log_in("ann", GOOD, HERE)
        _, secret = await made.keys.create(NewKey("k", "ann", "admin"))
        await made.people.change("ann", "viewer")
        found, key = await made.people.session(token), await made.keys.find(secret)
        assert found is not None
        assert key is not None
        assert (found[1], key.role) == ("viewer", "viewer")
        for caller in ("ann", "bob"):
            answer = Stored(f"of {caller}", caller, 1.0, None, "{}", [], [])
            await made.database.run(lambda c, answer=answer: responses.add(c, answer, Bounds(9, 0.0, 999)))
        await made.people.remove("ann")
        assert await made.people.session(token) is None
        assert await made.database.run(lambda c: responses.response(c, "ann", "of ann")) is None
        assert await made.database.run(lambda c: responses.response(c, "bob", "of bob")) is not None
        assert await made.keys.find(secret) is None
        for gone in (made.people.remove("ann"), made.people.change("ann", "admin")):
            with pytest.raises(InvalidRequest):
                await gone
        late = Stored("late", "ann", 1.0, None, "{}", [], [])
        await made.database.run(lambda c: responses.add(c, late, Bounds(9, 0.0, 999)))
        await made.people.add("ann", GOOD, "member")
        assert await made.database.run(lambda c: responses.response(c, "ann", "late")) is None
        for kept in (made.people.remove("chief"), made.people.change("chief", "viewer")):
            with pytest.raises(Forbidden):
                await kept
