from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import cast

import pytest

pytest.importorskip("mlx_lm")

from dovetail.core.request import JsonObject
from dovetail.workers.mlx import template as templates
from dovetail.workers.mlx.template import Template, TemplateError, TemplateTimeoutError, limited

USER: list[JsonObject] = [{"role": "user", "content": "hi"}]


class Renderer:
    """transformers' own sandbox over one template."""

    has_chat_template = True
    think_start: str | None = None
    think_end: str | None = None

    def __init__(self, text: str) -> None:
        self.chat_template: str | None = text

    def apply_chat_template(self, conversation: Sequence[JsonObject], **options: object) -> str:
        from transformers.utils import chat_template_utils

        options.pop("tokenize")
        render = cast(
            "Callable[..., tuple[list[str], object]]",
            chat_template_utils.render_jinja_template,  # pyright: ignore[reportUnknownMemberType]
        )
        return render([conversation], chat_template=self.chat_template, **options)[0][0]


PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}a:{% endif %}"


def test_a_plain_template_renders() -> None:
    template = Template(Renderer(PLAIN))
    assert template.render(USER) == "user: hi\na:"
    assert template.render(USER, add_generation_prompt=False) == "user: hi\n"
    assert template.caps.supports_system_role
    assert not template.caps.supports_tools
    assert not template.caps.supports_typed_content
    assert template.think is None


def test_caps_come_from_trying() -> None:
    typed = "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}{{ tools }}"
    caps = Template(Renderer(typed)).caps
    assert caps.supports_typed_content
    assert not caps.supports_string_content
    assert caps.supports_tools


def test_a_template_that_wants_ids_of_nine_characters_is_tried_with_such() -> None:
    strict = (
        "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}"
        "{% if c.id | length != 9 %}{{ raise_exception('length 9') }}{% endif %}{{ c.function | tojson }}"
        "{% endfor %}{% endfor %}"
    )
    assert Template(Renderer(strict)).caps.supports_tool_calls


def test_a_template_that_refuses_is_an_error_with_its_words() -> None:
    with pytest.raises(TemplateError, match="no system"):
        Template(Renderer("{{ raise_exception('no system') }}")).render(USER)


@pytest.mark.bad_input("40")
@pytest.mark.parametrize(
    "hostile",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append.__globals__ }}",
        "{{ self.__init__.__globals__.__builtins__.open('x') }}",
        "{{ range(10**9) | list }}",
    ],
)
def test_code_in_a_template_does_not_run(hostile: str) -> None:
    template = Template(Renderer(PLAIN))
    template._renderer.chat_template = hostile
    with pytest.raises(TemplateError):
        template.render(USER)


@pytest.mark.bad_input("40")
def test_a_template_that_loops_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "RENDER_LIMIT_S", 0.2)
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    began = time.monotonic()
    with pytest.raises(TemplateTimeoutError):
        Template(Renderer(loop))
    assert time.monotonic() - began < 2


def test_work_that_ends_in_time_is_not_disturbed() -> None:
    assert limited(lambda: 7, 1.0) == 7
    with pytest.raises(TemplateError, match="division"):
        limited(lambda: 1 // 0, 1.0)


def test_a_request_cannot_name_the_renderers_own_arguments() -> None:
    template = Template(Renderer(PLAIN))
    for name in ("chat_template", "messages", "tools", "tokenize", "conversation", "add_generation_prompt"):
        with pytest.raises(TemplateError, match=name):
            template.render(USER, options={name: "x"})


@pytest.mark.bad_input("40")
@pytest.mark.skipif(sys.platform != "linux", reason="no bound on addresses")
@pytest.mark.parametrize(
    "swollen", ["{{ 'x' * 10**10 }}", "{% for m in messages %}{{ m.content * 10**9 }}{% endfor %}"]
)
def test_a_template_that_swells_ends_the_load_and_not_the_machine(swollen: str) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(TemplateError, match="64 MiB"):
        Template(Renderer(swollen))
    assert resource.getrlimit(resource.RLIMIT_AS) == before
