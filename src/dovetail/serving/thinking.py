"""How a model thinks in one request: what was asked, by field or by the model's name, as its template can have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from dovetail.core.caller import Caller
from dovetail.core.errors import AdapterNotFound, InvalidRequest, ModelNotFound, UnsupportedField
from dovetail.core.model import Adapter, Model
from dovetail.core.request import ChatPrompt, GenerateRequest, Grammar, JsonObject, Thinking, Thought
from dovetail.core.template import ThinkingStyle, thinking_style

# The longer one first: it ends in the other.
SUFFIXES: Mapping[str, bool] = {"-no-thinking": False, "-thinking": True}

_SWITCHES = frozenset({"enable_thinking", "thinking"})
# The fields that say an effort, in each dialect.
_EFFORTS = frozenset({"reasoning_effort", "reasoning.effort", "output_config.effort"})


def named(
    find: Callable[[str, Adapter | None, Caller], Model], request: GenerateRequest, caller: Caller
) -> tuple[Model, bool | None]:
    """The model, and whether the name's suffix turns its thinking on or off; a model of that very name comes first.

    Blocks as `find` does. Raises ModelNotFound.
    """
    try:
        return find(request.model, request.adapter, caller), None
    except (ModelNotFound, AdapterNotFound):  # the adapter's name may be what the suffix stands behind
        suffix = next((s for s in SUFFIXES if request.model.endswith(s)), "")
        if not suffix or not isinstance(request.prompt, ChatPrompt):
            raise
        try:
            return find(request.model.removesuffix(suffix), request.adapter, caller), SUFFIXES[suffix]
        except (ModelNotFound, AdapterNotFound):
            pass
        raise


def settled(request: GenerateRequest, model: Model, by_name: bool | None = None) -> GenerateRequest:
    """`request` with its `Thinking` as this model can have it, and the template's options for it.

    `on` is false afterwards for a model that does not think at all. Raises InvalidRequest naming the field that asks
    for what the model cannot do.
    """
    chat = request.prompt
    if not isinstance(chat, ChatPrompt):
        return request
    style = thinking_style(model.template or "")
    asked = _with_name(chat.thinking, by_name)
    if asked.on is False and not asked.switch and (model.remote is not None or not _can_be_silent(style)):
        asked = replace(asked, on=None)
    if model.remote is not None:
        asked = _elsewhere(asked, model.id)
    for name in chat.template_options.keys() - _SWITCHES:
        if name not in (model.template or ""):  # it would be dropped without a word
            raise UnsupportedField(f"chat_template_kwargs.{name}", f"is no word of the template of {model.id}")
    output = request.output
    if isinstance(output, Grammar):
        output = _after_thought(output, asked, style, model)
    thinking, options = (asked, {}) if model.remote is not None else _fitted(asked, style, model.id)
    fitted = replace(chat, thinking=thinking, template_options={**chat.template_options, **options})
    request = replace(request, prompt=fitted, output=output)
    if isinstance(output, Grammar) and (output.thought is None or (thinking.on is False and thinking.budget is None)):
        return silent(request, fitted, output)
    return request


def _elsewhere(asked: Thinking, name: str) -> Thinking:
    """What another server can be told: an effort, which is a field of OpenAI's API, and nothing else."""
    said = asked.switch if asked.on is not None else asked.bound
    if said in _EFFORTS and asked.effort is not None:
        return Thinking(effort=asked.effort)
    if asked.on is not None or asked.budget is not None:
        raise UnsupportedField(said, f"cannot be had: how {name} thinks is up to the server that has it")
    return Thinking()


def silent(request: GenerateRequest, chat: ChatPrompt, grammar: Grammar) -> GenerateRequest:
    """`request` without a thought before its grammar, and so without a bound on one."""
    chat = replace(chat, thinking=replace(chat.thinking, budget=None))
    return replace(request, prompt=chat, output=replace(grammar, thought=None))


def _after_thought(grammar: Grammar, asked: Thinking, style: ThinkingStyle, model: Model) -> Grammar:
    """A thought comes first where it is known what ends it."""
    if style.tags is not None:
        # llama-server (b11549) learns how a model thinks from thoughts of the past, or from a prompt that opens one.
        told = model.format != "gguf" or "reasoning_content" in (model.template or "")
        return replace(grammar, thought=Thought(*style.tags, told=told))
    if asked.on and style.thinks:
        raise UnsupportedField(
            asked.switch, f"cannot be had with a grammar: what ends the thoughts of {model.id} is not known"
        )
    return grammar


def _with_name(thinking: Thinking, by_name: bool | None) -> Thinking:
    if by_name is None:
        return thinking
    if thinking.on is not None and thinking.on is not by_name and thinking.switch:
        raise InvalidRequest(
            f"model and {thinking.switch} say different things of thinking: leave one of them out",
            param=thinking.switch,
        )
    return replace(thinking, on=by_name, switch=thinking.switch or "model")


def _fitted(asked: Thinking, style: ThinkingStyle, name: str) -> tuple[Thinking, JsonObject]:
    if not style.thinks:
        if asked.on:
            raise UnsupportedField(asked.switch, f"asks {name} to think, which it does not")
        return Thinking(on=False), {}  # a bound on no thought holds
    if asked.on is False:
        return _silenced(asked, style, name)
    options: JsonObject = {} if asked.on is None or style.switch is None else _switched(style.switch, on=True)
    if asked.effort is not None and style.effort:
        options["reasoning_effort"] = asked.effort
    budget = asked.budget
    if budget is not None and style.budget:
        options["thinking_budget"] = budget
    if budget is not None and not style.tagged:
        if asked.bound not in _EFFORTS:
            raise UnsupportedField(
                asked.bound, f"is not supported: the thoughts of {name} have no end that could be forced"
            )
        budget = None  # the effort is the template's to honour
    if asked.on and asked.switch in _EFFORTS and not (style.effort or style.tagged):
        raise UnsupportedField(asked.switch, f"is not supported: nothing bounds the thoughts of {name}")
    return replace(asked, budget=budget), options


def _can_be_silent(style: ThinkingStyle) -> bool:
    return not style.thinks or style.switch is not None or style.tagged


def _silenced(asked: Thinking, style: ThinkingStyle, name: str) -> tuple[Thinking, JsonObject]:
    if style.switch is not None:
        return replace(asked, budget=None), _switched(style.switch, on=False)
    if style.tagged:  # it always thinks: the thought is closed where it begins
        return replace(asked, budget=0), {}
    raise UnsupportedField(asked.switch, f"cannot be had: the thinking of {name} cannot be switched off")


def _switched(variable: str, *, on: bool) -> JsonObject:
    # Engines know the first name, and give it to templates as their own.
    return {"enable_thinking": on, variable: on}
