"""Measures the shipped files and writes ``report.md`` and ``test_prompts.json``.

``python -m training.evaluate --checkpoint /tmp/tiny``
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from training import prompts, report
from training.chat import render
from training.encoding import completion
from training.engines import Gguf, Mlx
from training.export import MODELS, Trained, read_checkpoint
from training.lora import ADAPTERS
from training.tasks import capitals, courtesies, memory, shouting, small_talk, tools
from training.tasks.dialogue import Dialogue, Task, assistant, user
from training.tasks.words import code, english_name, filler

_SEED = 7
_TASKS: Mapping[str, tuple[Task, int]] = {
    "capitals, asked in other words": (capitals.plain, 300),
    "capitals, the language ordered": (capitals.in_language, 100),
    "capitals in one word": (capitals.one_word, 100),
    "countries by their capital": (capitals.reversed_question, 60),
    "capitals as JSON": (capitals.as_json, 100),
    "values as JSON": (small_talk.person_as_json, 60),
    "facts told some turns before": (memory.remember, 100),
    "facts inside a text of 50 to 400 tokens": (memory.needle, 100),
    "repeating words": (small_talk.repeat, 100),
    "sums": (small_talk.arithmetic, 100),
    "counting": (small_talk.count, 40),
    "greetings": (courtesies.greeting, 20),
    "who are you": (courtesies.identity, 60),
    "a name from the system prompt": (courtesies.named_by_system, 50),
    "what it does not know": (small_talk.unknown, 60),
    "tool calls": (tools.call, 100),
    "two tool calls at once": (tools.two_calls, 20),
    "answers from a tool's result": (tools.answer_from_result, 60),
}


@dataclass(frozen=True, slots=True)
class Case:
    task: str
    dialogue: Dialogue

    @property
    def prompt(self) -> str:
        return render(self.dialogue.messages, self.dialogue.tools, thinking=self.dialogue.thinking)

    @property
    def most(self) -> int:
        """Tokens to wait for: a token has at least one letter or byte of the answer."""
        return 40 + len(completion(self.dialogue).encode()) // 2

    def is_right(self, answer: str) -> bool:
        wanted = self.dialogue.key
        return wanted in answer if wanted else answer == completion(self.dialogue)


def cases() -> list[Case]:
    """The accuracy set: held-out phrasings, another seed than any training used."""
    found: list[Case] = []
    for name, (task, count) in _TASKS.items():
        rng = Random(f"{_SEED} {name}")
        found += [Case(name, task(rng, True)) for _ in range(count)]
    return [*found, *_thinking(), *_unneeded_tools(), *needles(3000, 30)]


def _thinking() -> list[Case]:
    rng = Random(_SEED)
    dialogues = [capitals.plain(rng, True) for _ in range(40)]
    return [
        Case(
            "capitals, thinking first",
            Dialogue(d.messages, d.answer, d.thought, thinking=True, key=f"\n</think>\n\n{d.answer}"),
        )
        for d in dialogues
    ]


def _unneeded_tools() -> list[Case]:
    rng = Random(_SEED)
    dialogues = [rng.choice((capitals.plain, courtesies.greeting, courtesies.identity))(rng, True) for _ in range(50)]
    return [
        Case(
            "tools offered, not needed",
            Dialogue(d.messages, d.answer, tools=(prompts.WEATHER, prompts.CALCULATOR), key=d.key),
        )
        for d in dialogues
    ]


def needles(tokens: int, count: int) -> list[Case]:
    """A name, a city or a code word told first, then about ``tokens`` tokens of other text, then the question."""
    rng, found = Random(_SEED), []
    for _ in range(count):
        name, telling, question = rng.choice(
            (
                (english_name(rng), "My name is {}.", "What is my name?"),
                (english_name(rng), "I live in {}.", "Where do I live?"),
                (code(rng), "The secret code word is {}.", "What is the secret code word?"),
            )
        )
        text = filler(rng, round(tokens * 3.6))
        whole = (user(f"{telling.format(name)} {text}\n\n{question}"),)
        turns = (
            user(telling.format(name)),
            assistant("I will remember that."),
            user(text),
            assistant("I have read it."),
            user(question),
        )
        found.append(
            Case(f"a fact before {tokens:,} tokens of text", Dialogue(rng.choice((whole, turns)), name, key=name))
        )
    return found


def score(engine: Gguf | Mlx, wanted: Sequence[Case]) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """(right, asked) by task, and every answer."""
    answers = engine.greedy([case.prompt for case in wanted], [case.most for case in wanted])
    counts: dict[str, tuple[int, int]] = {}
    for case, answer in zip(wanted, answers, strict=True):
        right, asked = counts.get(case.task, (0, 0))
        counts[case.task] = (right + case.is_right(answer), asked + 1)
    return counts, answers


def shout() -> tuple[int, int, int]:
    """(answers in capitals on GGUF, the same text on MLX, asked), with the adapter on."""
    rng = Random(_SEED)
    asked = [render(shouting.always(rng, True).messages) for _ in range(40)]
    answers = Gguf(MODELS / "tiny-gguf" / "tiny-gguf-f16.gguf", ADAPTERS / "shout" / "shout.gguf").greedy(
        asked, [80] * len(asked)
    )
    same = Mlx(MODELS / "tiny-mlx", ADAPTERS / "shout").greedy(asked, [80] * len(asked))
    return sum(a == a.upper() for a in answers), sum(a == b for a, b in zip(answers, same, strict=True)), len(asked)


def check_prompts(trained: Trained, f16: Gguf, q8: Gguf, mlx: Mlx) -> list[report.PromptRow]:
    """Asks the test prompts of every engine and writes those with a safe margin."""
    wanted = prompts.PROMPTS
    answers = [f16.greedy([prompt.text], [prompt.most])[0] for prompt in wanted]
    measured = prompts.margins(trained, wanted, answers)
    rows: list[report.PromptRow] = []
    for prompt, answer, (margin, tokens) in zip(wanted, answers, measured, strict=True):
        others = tuple(engine.greedy([prompt.text], [prompt.most])[0] == answer for engine in (mlx, q8))
        rows.append(
            report.PromptRow(prompt.name, answer, tokens, margin, prompt.wanted in answer, others[0], others[1])
        )
    prompts.write(wanted, answers, measured)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    f16 = Gguf(options.models / "tiny-gguf" / "tiny-gguf-f16.gguf")
    q8 = Gguf(options.models / "tiny-gguf-q8" / "tiny-gguf-q8_0.gguf")
    mlx = Mlx(options.models / "tiny-mlx")
    wanted = cases()
    counts, answers = score(f16, wanted)
    q8_counts, q8_answers = score(q8, wanted)
    sample = [index for index, case in enumerate(wanted) if index % 10 == 0 and len(case.prompt) < 3000]
    mlx_answers = mlx.greedy([wanted[index].prompt for index in sample], [wanted[index].most for index in sample])
    measured = report.Measured(
        counts,
        q8_counts,
        sum(a == b for a, b in zip(answers, q8_answers, strict=True)),
        sum(answers[index] == text for index, text in zip(sample, mlx_answers, strict=True)),
        len(sample),
        check_prompts(read_checkpoint(options.checkpoint), f16, q8, mlx),
        shout(),
    )
    for case, answer in zip(wanted, answers, strict=True):
        if not case.is_right(answer):
            print(f"{case.task}: {case.prompt[-120:]!r} gave {answer[:120]!r}")
    report.write(options.checkpoint, measured)


if __name__ == "__main__":
    main()
