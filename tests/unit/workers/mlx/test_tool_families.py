"""Each family's way to write a call, through the parser that mlx-lm has for it: as `docs/api.md` lists them."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

pytest.importorskip("mlx_lm")

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.reasoning import AnswerParser, Opening
from dovetail.workers.mlx.tool_calls import (
    CallArguments,
    Calls,
    CallStart,
    Content,
    Delta,
    Format,
    Source,
    detect,
)

ROOT = Path(__file__).parents[4]
TOOL: JsonObject = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}
# Parser of mlx-lm, and what a model of the family writes to ask for the weather of Paris in two days.
FAMILIES: dict[str, str] = {
    "json_tools": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>',
    "qwen3_coder": "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
    "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>",
    "glm47": "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value>"
    "<arg_key>days</arg_key><arg_value>2</arg_value></tool_call>",
    "laguna": "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value>"
    "<arg_key>days</arg_key><arg_value>2</arg_value></tool_call>",
    "gemma4": '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2}<tool_call|>',
    "function_gemma": "<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:2}<end_function_call>",
    "kimi_k2": "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
    '{"city": "Paris", "days": 2}<|tool_call_end|><|tool_calls_section_end|>',
    "kimi_k3": '<|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|>'
    '<|open|>argument key="city" type="string"<|sep|>Paris<|close|>argument<|sep|>'
    '<|open|>argument key="days" type="number"<|sep|>2<|close|>argument<|sep|><|close|>call<|sep|>'
    "<|close|>tools<|sep|>",
    "longcat": "<longcat_tool_call>get_weather<longcat_arg_key>city</longcat_arg_key>"
    "<longcat_arg_value>Paris</longcat_arg_value><longcat_arg_key>days</longcat_arg_key>"
    "<longcat_arg_value>2</longcat_arg_value></longcat_tool_call>",
    "minicpm5": '<function name="get_weather"><param name="city">Paris</param><param name="days">2</param></function>',
    "minimax_m2": '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n'
    '<parameter name="days">2</parameter>\n</invoke>\n</minimax:tool_call>',
    "mistral": '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": 2}',
    "muse_spark": '<atem:function_calls><atem:invoke name="get_weather"><atem:parameter name="city">Paris'
    '</atem:parameter><atem:parameter name="days">2</atem:parameter></atem:invoke></atem:function_calls>',
    "pythonic": '<|tool_call_start|>[get_weather(city="Paris", days=2)]<|tool_call_end|>',
}
UNENDED = {"mistral"}  # a call of theirs goes on to the end of the answer


def form_of(family: str) -> Format:
    module = importlib.import_module(f"mlx_lm.tool_parsers.{family}")
    source = SimpleNamespace(
        chat_template=None,
        tool_call_start=module.tool_call_start,
        tool_call_end=module.tool_call_end,
        tool_parser=module.parse_tool_call,
    )
    found = detect(cast("Source", source))
    assert found is not None
    return found


def read(family: str, pieces: list[str], *, cut: bool = False) -> tuple[str, list[tuple[str, str, str]]]:
    """The content, and each call's name, arguments and id."""
    form = form_of(family)
    parser = AnswerParser(None, opening=Opening.ANSWER, calls=Calls(form, [TOOL]), start=form.start)
    deltas: list[Delta] = [delta for piece in pieces for delta in parser.push(piece)]
    content, calls = "", list[tuple[str, str, str]]()
    for delta in [*deltas, *parser.finish(cut=cut)]:
        match delta:
            case Content(text):
                content += text
            case CallStart(_, id_, name, arguments):
                calls.append((name, arguments, id_))
            case CallArguments(index, text):
                name, arguments, id_ = calls[index]
                calls[index] = (name, arguments + text, id_)
            case _:
                raise AssertionError(delta)
    return content, calls


def test_every_parser_of_mlx_lm_has_a_sample_and_a_line_in_the_documents() -> None:
    package = importlib.import_module("mlx_lm.tool_parsers")
    assert {path.stem for path in Path(package.__path__[0]).glob("[a-z]*.py")} == FAMILIES.keys()
    line = re.search(r"^On MLX.*?\n\n", (ROOT / "docs" / "api.md").read_text(), re.DOTALL | re.MULTILINE)
    assert line is not None
    assert set(re.findall(r"`(\w+)`", line[0])) == FAMILIES.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_call_is_read_whole_and_in_pieces(family: str) -> None:
    text = "Let me look.\n" + FAMILIES[family]
    for pieces in ([text], list(text)):
        content, calls = read(family, pieces)
        assert content == "Let me look."
        assert [(name, json.loads(arguments)) for name, arguments, _ in calls] == [
            ("get_weather", {"city": "Paris", "days": 2})
        ]


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - UNENDED))
def test_text_after_a_call_is_text_again(family: str) -> None:
    content, calls = read(family, list(FAMILIES[family] + " Done."))
    assert content == "Done."
    assert len(calls) == 1


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_half_a_call_never_leaks_as_text(family: str, cut: bool) -> None:
    text = FAMILIES[family]
    start = len(form_of(family).start)
    for size in range(start, len(text)):
        content, calls = read(family, list(text[:size]), cut=cut)
        if cut or family not in UNENDED:
            assert content == ""
        assert {name for name, _, _ in calls} <= {"get_weather"} or not cut


@pytest.mark.parametrize(("family", "shape"), [("kimi_k2", r"functions\.get_weather:0"), ("mistral", r"\w{9}")])
def test_ids_are_such_as_the_template_takes_back(family: str, shape: str) -> None:
    _, [(_, _, id_)] = read(family, [FAMILIES[family]])
    assert re.fullmatch(shape, id_)
