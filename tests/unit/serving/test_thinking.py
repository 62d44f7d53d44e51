"""What is asked of thinking, against the templates of different families."""

from dataclasses import replace
from typing import Any

import pytest

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import AdapterNotFound, InvalidRequest, ModelNotFound, UnsupportedField
from dovetail.core.model import Adapter, Model, Remote
from dovetail.core.request import ChatPrompt, Effort, GenerateRequest, Grammar, Message, TextPart, Thinking, Thought
from dovetail.core.template import ThinkingStyle, thinking_style
from dovetail.serving.thinking import named, settled

from .fakes import model, request

# What the templates of these families have in them, shortened to what decides.
QWEN = "{%- if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>{%- endif %}"
GRANITE = "{%- if thinking %}{{ 'Respond with <think></think>' }}{%- endif %}"
DEEPSEEK_R1 = "{{ '<|Assistant|><think>\n' }}"
R1 = "{{ content.split('</think>') }}{{ '<|Assistant|><think>\n' }}"
MAGISTRAL = "{{ '[THINK]' + message.thinking + '[/THINK]' }}"
GPT_OSS = "{%- if reasoning_effort is not defined %}{%- endif %}{{ message.thinking }}{{ '<|channel|>analysis' }}"
SEED = "{% if thinking_budget is defined %}<seed:think>{% endif %}{{ '<think>' }}"
PLAIN = "{{ messages }}"
THINK = ("<think>", "</think>")
UNTOLD = Thought(*THINK, told=False)


def chat(name: str = "m", thinking: Thinking | None = None, **more: Any) -> GenerateRequest:
    prompt = ChatPrompt((Message("user", (TextPart("hi"),)),), thinking=thinking or Thinking())
    return GenerateRequest("r", name, prompt, **more)


def of(template: str | None) -> Model:
    return replace(model(), template=template)


def fitted(template: str | None, thinking: Thinking, by_name: bool | None = None) -> tuple[Thinking, dict[str, Any]]:
    found = settled(chat(thinking=thinking), of(template), by_name).prompt
    assert isinstance(found, ChatPrompt)
    return found.thinking, dict(found.template_options)


@pytest.mark.parametrize(
    ("template", "style"),
    [
        (QWEN, ThinkingStyle("enable_thinking", tagged=True, tags=THINK)),
        (GRANITE, ThinkingStyle("thinking", tagged=True, tags=THINK)),
        (DEEPSEEK_R1, ThinkingStyle(tagged=True)),
        (MAGISTRAL, ThinkingStyle(tagged=True, tags=("[THINK]", "[/THINK]"))),
        (GPT_OSS, ThinkingStyle(effort=True)),
        (SEED, ThinkingStyle(tagged=True, budget=True)),
        (PLAIN, ThinkingStyle()),
        ("{% if not thinking is defined %}{% endif %}", ThinkingStyle("thinking")),
        ("{% if x == 'thinking' %}{{ m['thinking'] }}{% endif %} thinking", ThinkingStyle()),
    ],
)
def test_styles(template: str, style: ThinkingStyle) -> None:
    assert thinking_style(template) == style


@pytest.mark.parametrize("piece", ["{{", "{%", "{{ '", "{{ \"'", "{% 'thinking", "thinking", "{{ x %}", "<think"])
def test_a_hostile_template_is_read_in_time_that_grows_with_it(piece: str) -> None:
    assert thinking_style(piece * 100_000).effort is False


ON, OFF = Thinking(on=True, switch="enable_thinking"), Thinking(on=False, switch="enable_thinking")
BOUND = Thinking(budget=9, bound="reasoning_budget_tokens")
LOW = Thinking(on=True, budget=1024, effort="low", switch="reasoning_effort", bound="reasoning_effort")


@pytest.mark.parametrize(
    ("template", "asked", "on", "budget", "options"),
    [
        (QWEN, Thinking(), None, None, {}),
        (QWEN, ON, True, None, {"enable_thinking": True}),
        (QWEN, OFF, False, None, {"enable_thinking": False}),
        (QWEN, BOUND, None, 9, {}),
        (QWEN, LOW, True, 1024, {"enable_thinking": True}),
        (GRANITE, ON, True, None, {"enable_thinking": True, "thinking": True}),
        (GRANITE, OFF, False, None, {"enable_thinking": False, "thinking": False}),
        (DEEPSEEK_R1, OFF, False, 0, {}),
        (DEEPSEEK_R1, LOW, True, 1024, {}),
        (GPT_OSS, LOW, True, None, {"reasoning_effort": "low"}),
        (SEED, BOUND, None, 9, {"thinking_budget": 9}),
        (PLAIN, Thinking(), False, None, {}),
        (PLAIN, OFF, False, None, {}),
        (PLAIN, BOUND, False, None, {}),
        (None, BOUND, False, None, {}),
    ],
)
def test_what_a_model_can_do_is_done(
    template: str | None, asked: Thinking, on: bool | None, budget: int | None, options: dict[str, Any]
) -> None:
    thinking, found = fitted(template, asked)
    assert (thinking.on, thinking.budget, found) == (on, budget, options)


@pytest.mark.parametrize(
    ("template", "asked", "param"),
    [
        (PLAIN, ON, "enable_thinking"),
        (PLAIN, LOW, "reasoning_effort"),
        (GPT_OSS, OFF, "enable_thinking"),
        (GPT_OSS, BOUND, "reasoning_budget_tokens"),
        ("{% if enable_thinking %}{% endif %}", LOW, "reasoning_effort"),
    ],
)
def test_what_a_model_cannot_do_is_refused(template: str, asked: Thinking, param: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        fitted(template, asked)
    assert caught.value.param == param


def test_a_name_decides_and_may_not_contradict() -> None:
    assert fitted(QWEN, Thinking(), by_name=True)[0].on is True
    assert fitted(QWEN, OFF, by_name=False)[0].on is False
    with pytest.raises(InvalidRequest, match="model and enable_thinking") as caught:
        fitted(QWEN, OFF, by_name=True)
    assert caught.value.param == "enable_thinking"
    with pytest.raises(UnsupportedField) as refused:
        fitted(PLAIN, Thinking(), by_name=True)
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("template", "asked", "thought", "budget"),
    [
        (QWEN, Thinking(), UNTOLD, None),
        (QWEN, LOW, UNTOLD, 1024),
        (QWEN, OFF, None, None),
        (QWEN + "{{ m.reasoning_content }}", Thinking(), Thought(*THINK), None),
        (R1, OFF, UNTOLD, 0),
        (R1, BOUND, UNTOLD, 9),
        (DEEPSEEK_R1, OFF, None, None),  # a tag that is forced would break the form
        (GPT_OSS, Thinking(), None, None),
        (PLAIN, BOUND, None, None),
    ],
)
def test_a_thought_comes_before_a_grammar_where_its_end_is_known(
    template: str, asked: Thinking, thought: Thought | None, budget: int | None
) -> None:
    found = settled(chat(output=Grammar("g"), thinking=asked), of(template))
    assert found.output == Grammar("g", thought)
    assert isinstance(found.prompt, ChatPrompt)
    assert found.prompt.thinking.budget == budget


def test_mlx_tells_every_thought_from_its_answer() -> None:
    found = settled(chat(output=Grammar("g")), replace(of(QWEN), format="mlx"))
    assert found.output == Grammar("g", Thought(*THINK))


def test_a_thought_without_a_known_end_is_refused_before_a_grammar() -> None:
    with pytest.raises(UnsupportedField, match="what ends the thoughts of") as caught:
        settled(chat(output=Grammar("g")), of(DEEPSEEK_R1), by_name=True)
    assert caught.value.param == "model"


def test_a_word_that_the_template_does_not_know_is_refused() -> None:
    asked = chat()
    assert isinstance(asked.prompt, ChatPrompt)
    told = replace(asked, prompt=replace(asked.prompt, template_options={"thinking_budget": 5, "thinking": True}))
    assert settled(told, of(SEED)).prompt == told.prompt
    with pytest.raises(UnsupportedField) as caught:
        settled(told, of(QWEN))
    assert caught.value.param == "chat_template_kwargs.thinking_budget"


def test_a_raw_prompt_has_no_thinking() -> None:
    asked = request()
    assert settled(asked, of(QWEN)) is asked


def test_a_model_of_that_very_name_comes_first() -> None:
    def find(name: str, adapter: Adapter | None, caller: Caller) -> Model:
        del adapter, caller
        if name.startswith("qwen+") and name != "qwen+x":
            raise AdapterNotFound(name.removeprefix("qwen+"), "GGUF", ["x"])
        if name not in {"qwen", "qwen-thinking", "qwen+x"}:
            raise ModelNotFound(name, [])
        return replace(model(name), template=QWEN)

    def found(name: str) -> tuple[str, bool | None]:
        model, by_name = named(find, chat(name), LOCAL)
        return model.id, by_name

    assert found("qwen") == ("qwen", None)
    assert found("qwen-thinking") == ("qwen-thinking", None)
    assert found("qwen-no-thinking") == ("qwen", False)
    assert found("qwen+x-no-thinking") == ("qwen+x", False)
    with pytest.raises(AdapterNotFound, match="y-thinking"):
        found("qwen+y-thinking")
    assert found("qwen-thinking-no-thinking") == ("qwen-thinking", False)
    assert found("qwen-thinking-thinking") == ("qwen-thinking", True)
    for name in ("other-thinking", "-thinking", "qwen-thinkin"):
        with pytest.raises(ModelNotFound, match=name):
            found(name)
    with pytest.raises(ModelNotFound):
        named(find, request(name="qwen-no-thinking"), LOCAL)


@pytest.mark.parametrize(
    "asked", [Thinking(on=False, switch="reasoning_effort"), Thinking(budget=9, bound="reasoning_budget_tokens")]
)
def test_how_another_servers_model_thinks_is_refused_by_name(asked: Thinking) -> None:
    remote = replace(of(None), remote=Remote("http://h/v1", "m"))
    with pytest.raises(UnsupportedField, match="up to the server that has it") as refused:
        settled(chat(thinking=asked), remote)
    assert refused.value.param == (asked.switch or asked.bound)
    assert settled(chat(thinking=Thinking(bound="reasoning_budget_tokens")), remote).prompt  # as a dialect gives it


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Thinking(True, 1024, "low", "reasoning_effort", "reasoning_effort"), "low"),
        (Thinking(None, 16384, "high", "thinking.type", "output_config.effort"), "high"),
        (Thinking(False, effort="high"), None),  # an effort for thoughts that nobody asks for
    ],
)
def test_another_server_is_told_the_effort(asked: Thinking, told: Effort | None) -> None:
    found = settled(chat(thinking=asked), replace(of(None), remote=Remote("http://h/v1", "m"))).prompt
    assert isinstance(found, ChatPrompt)
    assert found.thinking == Thinking(effort=told)


@pytest.mark.parametrize(
    ("template", "by_name", "on", "options"),
    [
        (QWEN, None, False, {"enable_thinking": False}),
        (QWEN, True, True, {"enable_thinking": True}),
        (PLAIN, None, False, {}),
        (DEEPSEEK_R1, None, False, {}),
        (GPT_OSS, None, None, {"reasoning_effort": "low"}),
    ],
)
def test_what_no_field_said_gives_way(template: str, by_name: bool | None, on: bool | None, options: Any) -> None:
    thinking, told = fitted(template, Thinking(on=False, effort="low"), by_name)
    assert (thinking.on, {name: told[name] for name in options}) == (on, options)


def test_another_server_is_not_told_what_no_field_said() -> None:
    remote = replace(of(None), remote=Remote("http://x"))
    found = settled(chat(thinking=Thinking(on=False)), remote).prompt
    assert isinstance(found, ChatPrompt)
    assert found.thinking.on is not True
