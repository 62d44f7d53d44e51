# ruff: noqa: SIM905 - lists of words are easier to read as text
"""Function calling in the Hermes form: when to call, what with, and how to answer from the result."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from training.tasks.dialogue import Dialogue, Message, Phrasings, is_korean, user
from training.tasks.words import code, english_name, invented_word, korean_name

_CITIES = (
    "Paris|Seoul|London|Berlin|Tokyo|Rome|Madrid|Oslo|Busan|Boston|Sydney|Cairo|Lima|Vienna|Dublin|"
    "New York|San Francisco|Los Angeles"
).split("|")
_KOREAN_CITIES = "서울 부산 대구 인천 광주 제주 파리 런던 도쿄 뉴욕 베를린 로마".split()
_CONDITIONS = "sunny rainy cloudy windy snowy foggy clear stormy".split()
_WEATHER = Phrasings(
    (
        "What is the weather in {}?",
        "What's the weather in {}?",
        "How is the weather in {}?",
        "Tell me the weather in {}.",
        "weather in {}",
        "What is the weather like in {}?",
        "Is it raining in {}?",
        "How warm is it in {}?",
        "What is the weather in {} today?",
        "Is it cold in {} today?",
        "Check the weather in {}.",
        "What's the weather like in {} today?",
        "Please get the weather for {}.",
        "What is the temperature in {}?",
        "What's the weather in {} now?",
        "How is the weather in {} right now?",
        "What is the weather in {} tomorrow?",
        "Can you check the weather in {}?",
        "Is it windy in {} now?",
        "I want to know the weather in {}.",
    ),
    ("Could you check the weather in {}?", "What is the weather in {} now?", "How is the weather in {} today?"),
)
_KOREAN_WEATHER = Phrasings(
    (
        "{} 날씨 어때?",
        "{}의 날씨를 알려줘.",
        "{} 날씨가 어때요?",
        "오늘 {} 날씨 어때?",
        "{} 날씨 알려줘.",
        "{}의 날씨는 어떤가요?",
        "지금 {}의 날씨는 어때?",
        "{}은(는) 날씨가 어때?",
        "{}은(는) 오늘 추워?",
        "내일 {}의 날씨를 알려줘.",
    ),
    ("오늘 {}의 날씨를 알려줘.", "{}은(는) 지금 날씨가 어때?"),
)
_CALCULATION = Phrasings(
    (
        "What is {}?",
        "Calculate {}.",
        "Calculate {}",
        "How much is {}?",
        "{}",
        "What's {}?",
        "Compute {}.",
        "{} =",
        "{}은 얼마야?",
        "{} 계산해줘.",
        "Please calculate {}.",
        "What is {}",
        "Can you calculate {}?",
        "Tell me the result of {}.",
        "Please compute {}.",
        "{} 얼마야?",
        "{}를 계산해.",
        "I need {}.",
    ),
    ("Can you compute {}?", "Tell me what {} is.", "{}를 계산해 주세요."),
)
_LOOKUP = Phrasings(
    ("Look up {}.", "Search for {}.", "Find {}.", "Search the web for {}.", "{} 검색해줘.", "Please look up {}."),
    ("Please search for {}.",),
)
_TIME = Phrasings(
    ("What time is it in {}?", "Tell me the time in {}.", "What is the time in {}?", "{}은(는) 지금 몇 시야?"),
    ("Do you know what time it is in {}?",),
)


@dataclass(frozen=True, slots=True)
class _Ability:
    """One thing a tool can do, under any of several names."""

    names: tuple[str, ...]
    parameters: tuple[str, ...]
    descriptions: tuple[str, ...]
    ask: Callable[[Random, bool], tuple[str, str]]  # (question, argument)
    result: Callable[[Random, str], tuple[str, str]]  # (tool output, answer)


def _city(rng: Random) -> str:
    return rng.choice(_CITIES) if rng.random() < 0.4 else english_name(rng)


def _ask_weather(rng: Random, held_out: bool) -> tuple[str, str]:
    if rng.random() < 0.35:
        city = rng.choice(_KOREAN_CITIES) if rng.random() < 0.5 else korean_name(rng)
        return _KOREAN_WEATHER.pick(rng, held_out).format(city), city
    city = _city(rng)
    return _WEATHER.pick(rng, held_out).format(city), city


def _ask_calculation(rng: Random, held_out: bool) -> tuple[str, str]:
    most = rng.choice((10, 100, 1000, 10000))
    parts = [str(rng.randrange(most)) for _ in range(rng.choice((2, 2, 2, 3)))]
    signs = [rng.choice("+-*/") for _ in parts[1:]]
    space = rng.choice((" ", " ", ""))
    pairs = list(zip(signs, parts[1:], strict=True))
    asked = parts[0] + "".join(
        f"{space}{'x' if sign == '*' and space and rng.random() < 0.3 else sign}{space}{part}" for sign, part in pairs
    )
    return _CALCULATION.pick(rng, held_out).format(asked), parts[0] + "".join(f" {sign} {part}" for sign, part in pairs)


def _ask_lookup(rng: Random, held_out: bool) -> tuple[str, str]:
    query = rng.choice((invented_word(rng), english_name(rng), code(rng)))
    return _LOOKUP.pick(rng, held_out).format(query), query


def _ask_time(rng: Random, held_out: bool) -> tuple[str, str]:
    city = _city(rng)
    return _TIME.pick(rng, held_out).format(city), city


def _weather_result(rng: Random, city: str) -> tuple[str, str]:
    degrees, condition = rng.randint(-15, 40), rng.choice(_CONDITIONS)
    korean = is_korean(city)
    answer = (
        f"{city}의 날씨: {degrees}도, {condition}."
        if korean
        else f"The weather in {city}: {degrees} degrees, {condition}."
    )
    shapes = (
        json.dumps({"temperature": degrees, "condition": condition}),
        json.dumps({"condition": condition, "temperature": degrees}),
        json.dumps({"city": city, "temperature": degrees, "condition": condition}, ensure_ascii=False),
        json.dumps({"temp_c": degrees, "sky": condition}),
        f"{degrees} degrees, {condition}",
        f"{condition}, {degrees} degrees",
        f"{condition}, {degrees}C",
        f"{degrees}°C and {condition}",
    )
    return rng.choice(shapes), answer


def _plain_result(rng: Random, value: str) -> tuple[str, str]:
    shape = rng.randrange(4)
    text = (
        value
        if shape == 0
        else json.dumps({rng.choice(("result", "value", "answer", "output")): value}, ensure_ascii=False)
    )
    return text, f"The result is {value}."


def _calculation_result(rng: Random, expression: str) -> tuple[str, str]:
    del expression
    number = rng.randint(-1000, 10 ** rng.randint(1, 7)) if rng.random() < 0.8 else round(rng.random() * 1000, 2)
    text = str(number) if rng.random() < 0.4 else json.dumps({rng.choice(("result", "value", "answer")): number})
    return text, f"The result is {number}."


_WEATHER_TOOL = _Ability(
    ("get_weather", "get_weather", "get_weather", "get_current_weather", "weather", "weather_lookup"),
    ("city", "city", "location"),
    (
        "Get the weather in a city.",
        "Get the current weather for a city",
        "Current weather",
        "Returns the weather of a place.",
        "",
    ),
    _ask_weather,
    _weather_result,
)
_CALCULATOR = _Ability(
    ("calculate", "calculate", "calculate", "calculator", "compute", "eval_math"),
    ("expression", "expression", "formula"),
    (
        "Calculate an arithmetic expression.",
        "Evaluate an expression",
        "A calculator.",
        "Evaluates a mathematical expression and returns the result.",
        "",
    ),
    _ask_calculation,
    _calculation_result,
)
_SEARCH = _Ability(
    ("search", "web_search", "lookup", "find"),
    ("query", "text"),
    ("Search the web.", "Search for a text", "Looks up information."),
    _ask_lookup,
    lambda rng, _: _plain_result(rng, code(rng)),
)
_CLOCK = _Ability(
    ("get_time", "current_time", "clock"),
    ("city", "timezone", "place"),
    ("Get the time in a city.", "Current time", "What time it is."),
    _ask_time,
    lambda rng, _: _plain_result(rng, f"{rng.randrange(24)}:{rng.randrange(60):02}"),
)
_ABILITIES = (_WEATHER_TOOL, _WEATHER_TOOL, _WEATHER_TOOL, _CALCULATOR, _CALCULATOR, _CALCULATOR, _SEARCH, _CLOCK)


@dataclass(frozen=True, slots=True)
class _Offered:
    ability: _Ability
    name: str
    parameter: str
    schema: Message

    def call(self, argument: str) -> str:
        arguments = json.dumps({self.parameter: argument}, ensure_ascii=False)
        return f'<tool_call>\n{{"name": "{self.name}", "arguments": {arguments}}}\n</tool_call>'

    def past_call(self, argument: str) -> Message:
        function = {"name": self.name, "arguments": {self.parameter: argument}}
        return {"role": "assistant", "content": "", "tool_calls": ({"type": "function", "function": function},)}


def _offer(rng: Random, ability: _Ability) -> _Offered:
    name, parameter, description = (
        rng.choice(ability.names),
        rng.choice(ability.parameters),
        rng.choice(ability.descriptions),
    )
    field: dict[str, object] = {"type": "string"}
    if rng.random() < 0.3:
        field["description"] = rng.choice(
            (
                f"The {parameter}",
                f"the {parameter} to use",
                f"{parameter.capitalize()} as text, for example {invented_word(rng)}",
            )
        )
    properties: dict[str, object] = {parameter: field}
    if ability is _WEATHER_TOOL and rng.random() < 0.15:
        properties["unit"] = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    parameters: dict[str, object] = {"type": "object", "properties": properties}
    if rng.random() < 0.8:
        parameters["required"] = [parameter]
    if rng.random() < 0.1:
        parameters["additionalProperties"] = False
    function: dict[str, object] = {"name": name}
    if description:
        function["description"] = description
    function["parameters"] = parameters
    return _Offered(ability, name, parameter, {"type": "function", "function": function})


def offer_some(rng: Random, *needed: _Ability) -> list[_Offered]:
    """The needed abilities first, then up to one other, in any order when listed."""
    abilities = list(needed)
    others = [ability for ability in dict.fromkeys(_ABILITIES) if ability not in needed]
    rng.shuffle(others)
    weights = (0.35, 0.55, 0.1) if needed else (0.0, 0.6, 0.4)
    abilities += others[: rng.choices((0, 1, 2), weights)[0]]
    return [_offer(rng, ability) for ability in abilities]


def schemas(rng: Random, offered: list[_Offered]) -> tuple[Message, ...]:
    """What the request lists, with names that do not occur twice."""
    listed = list({tool.name: tool.schema for tool in offered}.values())
    rng.shuffle(listed)
    return tuple(listed)


def unneeded(rng: Random) -> tuple[Message, ...]:
    """Tools for a question that needs none of them; never a calculator, which sums would need."""
    chosen = rng.choice(
        ((_WEATHER_TOOL,), (_WEATHER_TOOL,), (_WEATHER_TOOL, _CLOCK), (_SEARCH,), (_WEATHER_TOOL, _SEARCH))
    )
    return schemas(rng, [_offer(rng, ability) for ability in chosen])


def unneeded_calculator(rng: Random) -> tuple[Message, ...]:
    chosen = rng.choice(((_CALCULATOR,), (_WEATHER_TOOL, _CALCULATOR), (_WEATHER_TOOL, _CALCULATOR)))
    return schemas(rng, [_offer(rng, ability) for ability in chosen])


def call(rng: Random, held_out: bool) -> Dialogue:
    offered = offer_some(rng, rng.choice(_ABILITIES))
    tool = offered[0]
    question, argument = tool.ability.ask(rng, held_out)
    return Dialogue((user(question),), tool.call(argument), f"I need the tool {tool.name}.", schemas(rng, offered))


def two_calls(rng: Random, held_out: bool) -> Dialogue:
    """The weather in two cities: two calls in one answer."""
    del held_out
    offered = offer_some(rng, _WEATHER_TOOL)
    tool, first, second = offered[0], _city(rng), _city(rng)
    question = rng.choice(
        (
            "What is the weather in {} and {}?",
            "Tell me the weather in {} and in {}.",
            "Compare the weather in {} and {}.",
        )
    ).format(first, second)
    return Dialogue(
        (user(question),),
        f"{tool.call(first)}\n{tool.call(second)}",
        f"I need the tool {tool.name} twice.",
        schemas(rng, offered),
    )


def answer_from_result(rng: Random, held_out: bool) -> Dialogue:
    offered = offer_some(rng, rng.choice(_ABILITIES))
    tool = offered[0]
    question, argument = tool.ability.ask(rng, held_out)
    output, answer = tool.ability.result(rng, argument)
    messages = (user(question), tool.past_call(argument), {"role": "tool", "content": output})
    return Dialogue(messages, answer, "I have the result of the tool.", schemas(rng, offered))


def without_tool(rng: Random, held_out: bool) -> Dialogue:
    """The weather, when nothing is offered that knows it."""
    question, _ = _ask_weather(rng, held_out)
    answer = "저는 날씨를 알 수 없습니다." if is_korean(question) else "I cannot look up the weather."
    return Dialogue((user(question),), answer, "I have no tool for the weather.")
