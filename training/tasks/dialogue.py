"""What a task produces: one dialogue with the answer the model should give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages up to the answer, and the answer.

    Without messages, ``answer`` is a plain document for raw completion. ``key`` is what an answer must
    contain to count as right; without one the whole answer has to be equal.
    """

    messages: tuple[Message, ...]
    answer: str
    thought: str = ""
    tools: tuple[Message, ...] = ()
    thinking: bool = False
    key: str = ""

    @property
    def has_system(self) -> bool:
        return bool(self.messages) and self.messages[0]["role"] == "system"


@dataclass(frozen=True, slots=True)
class Phrasings:
    """Ways to say one thing; ``held_out`` ones are never trained on."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]

    def pick(self, rng: Random, held_out: bool) -> str:
        return rng.choice(self.held_out if held_out else self.trained)


Task = Callable[[Random, bool], Dialogue]
"""(random source, whether to use held-out phrasings) -> one dialogue"""


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def system(text: str) -> Message:
    return {"role": "system", "content": text}


def is_korean(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text)
