"""What a template would drop without a word is rendered another way, or refused."""

from __future__ import annotations

import pytest

pytest.importorskip("mlx_lm")

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.conversation import render
from dovetail.workers.mlx.protocol import Known, RequestError, read_chat
from dovetail.workers.mlx.template import Template

from .test_template import Renderer

KNOWN_ROLES = "{% for m in messages %}{% if m.role in ROLES %}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}"
USER: JsonObject = {"role": "user", "content": "hi"}


def rendered(roles: str, body: JsonObject) -> str:
    template = Template(Renderer(KNOWN_ROLES.replace("ROLES", roles)))
    return render(template, read_chat(body, Known(100, {2}, -1)))


def test_a_developer_speaks_as_the_system_where_the_template_knows_no_other() -> None:
    body: JsonObject = {"messages": [{"role": "developer", "content": "be kind"}, USER]}
    assert rendered("['system', 'user']", body) == "system: be kind\nuser: hi\n"
    assert rendered("['developer', 'user']", body) == "developer: be kind\nuser: hi\n"


def test_tools_that_the_template_would_not_show_are_refused() -> None:
    body: JsonObject = {"messages": [USER], "tools": [{"type": "function", "function": {"name": "f"}}]}
    with pytest.raises(RequestError, match="'tools'"):
        rendered("['user']", body)
    assert rendered("['user']", {**body, "tool_choice": "none"}) == "user: hi\n"
