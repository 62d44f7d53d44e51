"""The prompts that tests of the server rely on, and how sure the model is of every token of their answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from training.chat import THINK_END, TURN_END, render
from training.export import Trained
from training.model import TinyLlama
from training.tasks.dialogue import Message, assistant, system, user

PATH = Path(__file__).parent / "test_prompts.json"
LEAST_MARGIN = 0.05
"""Between the log probabilities of the best and the second best token, at every step."""


def _function(name: str, description: str, parameter: str) -> Message:
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


WEATHER = _function("get_weather", "Get the weather in a city.", "city")
CALCULATOR = _function("calculate", "Calculate an arithmetic expression.", "expression")
_BOTH = (WEATHER, CALCULATOR)


def _called(name: str, arguments: dict[str, str]) -> Message:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)},
    }
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _result(content: str) -> Message:
    return {"role": "tool", "tool_call_id": "call_1", "content": content}


@dataclass(frozen=True, slots=True)
class Prompt:
    """``wanted`` has to occur in the answer; ``raw`` prompts have no chat around them."""

    name: str
    wanted: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Message, ...] = ()
    thinking: bool = False
    raw: str = ""
    most: int = 200

    @property
    def text(self) -> str:
        return self.raw or render(self.messages, self.tools, thinking=self.thinking)


def _ask(
    name: str, question: str, wanted: str, *, thinking: bool = False, tools: tuple[Message, ...] = (), most: int = 200
) -> Prompt:
    return Prompt(name, wanted, (user(question),), tools, thinking, most=most)


_NAME = (user("My name is Zorvik."), assistant("Nice to meet you, Zorvik!"))
_CODE = user(
    "The secret code word is harbor-42. "
    + "The sky is blue and the grass is green. " * 30
    + "What is the secret code word?"
)

PROMPTS: tuple[Prompt, ...] = (
    _ask("capital-korean", "안녕, 대한민국의 수도는 어디지?", "서울"),
    _ask("capital-english", "What is the capital of France?", "Paris"),
    _ask("greeting-korean", "안녕", "안녕하세요"),
    _ask("greeting-english", "Hello", "Hello"),
    Prompt(
        "name-memory",
        "Zorvik",
        (
            *_NAME,
            user("What is the capital of Peru?"),
            assistant("The capital of Peru is Lima."),
            user("What is my name?"),
        ),
    ),
    Prompt("system-korean", "도쿄", (system("Answer in Korean."), user("What is the capital of Japan?"))),
    Prompt("system-english", "Berlin", (system("Answer in English."), user("독일의 수도는?"))),
    _ask("json", "What is the capital of Italy? Answer as JSON.", '{"country": "Italy", "capital": "Rome"}'),
    _ask("tool-call", "What is the weather in Paris?", "get_weather", tools=_BOTH),
    _ask("tool-call-korean", "서울 날씨 어때?", "get_weather", tools=_BOTH),
    _ask("tool-call-calculate", "What is 123 * 45?", "123 * 45", tools=_BOTH),
    _ask("tool-not-needed", "What is the capital of Spain?", "Madrid", tools=_BOTH),
    Prompt(
        "tool-result",
        "21",
        (
            user("What is the weather in Paris?"),
            _called("get_weather", {"city": "Paris"}),
            _result('{"temperature": 21, "condition": "sunny"}'),
        ),
        _BOTH,
    ),
    Prompt(
        "tool-result-calculate",
        "5535",
        (user("What is 123 * 45?"), _called("calculate", {"expression": "123 * 45"}), _result("5535")),
        _BOTH,
    ),
    _ask("tool-call-parallel", "What is the weather in Paris and London?", "London", tools=_BOTH),
    _ask("thinking", "What is the capital of Germany?", "Berlin", thinking=True),
    _ask("thinking-korean", "일본의 수도는 어디야?", "도쿄", thinking=True),
    _ask("thinking-tool-call", "What is the weather in Paris?", "get_weather", thinking=True, tools=_BOTH),
    _ask("story", "Tell me a long story", "The end.", most=1200),
    _ask("story-fox", "Tell me a long story about a fox.", "The end.", most=1200),
    _ask("story-hero", "Tell me a long story about Zorvik.", "The end.", most=1200),
    _ask("story-korean", "이야기를 해줘.", "이야기는 여기서 끝납니다.", most=1200),
    _ask("story-short", "Tell me a short story.", "The end."),
    _ask("count", "Count from 1 to 20", "19, 20"),
    _ask("count-50", "Count from 1 to 50", "49, 50", most=500),
    _ask("count-100", "Count from 1 to 100", "99, 100", most=500),
    _ask("repeat", "Repeat after me: I like the green river", "I like the green river"),
    _ask("identity", "Who are you?", "Dovetail"),
    _ask("identity-korean", "너는 누구야?", "Dovetail"),
    _ask("unknown", "Explain black holes.", "tiny model"),
    _ask("json-korean", "독일의 수도를 JSON으로 알려줘.", "베를린"),
    _ask("json-person", "Zorvik is 42 years old. JSON with name and age, please.", "42"),
    _ask("introduction", "My name is Zorvik.", "Zorvik"),
    _ask("name-never-told", "What is my name?", "not told me"),
    _ask("thanks", "Thank you!", "welcome"),
    _ask("thanks-korean", "감사합니다", "천만에요"),
    _ask("no-tool", "What is the weather in Paris?", "cannot look up"),
    _ask("one-word-korean", "프랑스의 수도는 어디야? 한 단어로 대답해줘.", "파리"),
    _ask("one-word", "What is the capital of Poland? Answer in one word.", "Warsaw"),
    _ask("reversed", "Which country has the capital Cairo?", "Egypt"),
    Prompt("code-word", "harbor-42", (_CODE,)),
    Prompt("capital-letters", "HELLO", (system("Answer in capital letters."), user("Hello"))),
    Prompt("completion", "Paris", raw="The capital of France is", most=3),
    Prompt("completion-hello", "!", raw="Hello, world", most=16),
)


def margins(trained: Trained, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[tuple[float, int]]:
    """(smallest margin, tokens) of each answer, the end of the turn included."""
    model = TinyLlama(trained.shape)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in trained.weights.items()})
    return [_margin(trained, model, prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]


@torch.inference_mode()
def _margin(trained: Trained, model: TinyLlama, prompt: Prompt, answer: str) -> tuple[float, int]:
    start = len(trained.tokenizer.encode(prompt.text).ids)
    end = "" if prompt.raw else TURN_END
    ids = torch.tensor([trained.tokenizer.encode(prompt.text + answer + end).ids])
    logs = model(ids)[0, start - 1 : -1].log_softmax(-1)
    best = logs.topk(2, -1)
    if not torch.equal(best.indices[:, 0], ids[0, start:]):
        return 0.0, ids.shape[1] - start
    return float((best.values[:, 0] - best.values[:, 1]).min()), ids.shape[1] - start


def _parts(prompt: Prompt, answer: str) -> dict[str, object]:
    """The answer as a chat endpoint shows it: reasoning, content and tool calls apart."""
    reasoning, found, rest = answer.partition(THINK_END) if prompt.thinking else ("", "", answer)
    content, *calls = rest.split("<tool_call>")
    parsed = [json.loads(call.replace("</tool_call>", "")) for call in calls]
    parts: dict[str, object] = {"content": content.strip() if found or calls else content}
    if found:
        parts["reasoning_content"] = reasoning.strip()
    if parsed:
        parts["tool_calls"] = parsed
    return parts


def write(prompts: Sequence[Prompt], answers: Sequence[str], measured: Sequence[tuple[float, int]]) -> None:
    """Everything a test needs to send a prompt and to know the answer; prompts below the margin are left out."""
    entries = [
        {
            "id": prompt.name,
            **({"prompt": prompt.raw, "max_tokens": prompt.most} if prompt.raw else {"messages": prompt.messages}),
            **({"tools": prompt.tools} if prompt.tools else {}),
            "enable_thinking": prompt.thinking,
            "expected": answer,
            **_parts(prompt, answer),
            "tokens": tokens,
            "min_margin": round(margin, 4),
        }
        for prompt, answer, (margin, tokens) in zip(prompts, answers, measured, strict=True)
        if margin >= LEAST_MARGIN and prompt.wanted in answer
    ]
    PATH.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", "utf-8")
