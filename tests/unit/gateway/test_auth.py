"""Setup and login, as a browser sees them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dovetail.gateway.app import create_app

from ..access.parts import GOOD, access  # noqa: TID252
from .fakes import call, services

pytestmark = pytest.mark.anyio


async def test_a_login_that_is_not_remembered_has_a_cookie_until_the_browser_is_closed(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        body = {"name": "chief", "password": GOOD}
        kept = (await call(app, "POST", "/auth/login", body)).headers["set-cookie"]
        assert "Max-Age=604800" in kept
        brief = (await call(app, "POST", "/auth/login", {**body, "remember": False})).headers["set-cookie"]
        assert re.fullmatch(r"dovetail=[\w-]{43}; HttpOnly; Path=/; SameSite=strict", brief)
        session = brief.partition(";")[0]
        assert (await call(app, "GET", "/auth/status", cookie=session)).json()["authenticated"] is True
        odd = await call(app, "POST", "/auth/login", {**body, "remember": "perhaps"})
        assert odd.error[::3] == (400, "remember")
