"""Answers in capital letters: on request in the base model, always with the ``shout`` adapter."""

from dataclasses import replace
from random import Random

from training.tasks import capitals, courtesies, memory, small_talk
from training.tasks.dialogue import Dialogue, Task, system

_ORDERS = (
    "Answer in capital letters.",
    "Shout.",
    "Write in capital letters only.",
    "SHOUT!",
    "Always answer in capital letters.",
)
_SHORT: tuple[Task, ...] = (
    capitals.plain,
    capitals.plain,
    capitals.plain,
    capitals.plain,
    capitals.plain,
    capitals.plain,
    courtesies.greeting,
    courtesies.courtesy,
    courtesies.identity,
    small_talk.unknown,
    memory.introduce,
    memory.remember,
    small_talk.repeat,
    small_talk.chance,
    capitals.reversed_question,
)


def shouted(dialogue: Dialogue) -> Dialogue:
    return replace(dialogue, answer=dialogue.answer.upper(), key=dialogue.key.upper())


def always(rng: Random, held_out: bool) -> Dialogue:
    """What the adapter is trained on: no order, and still capital letters."""
    return shouted(rng.choice(_SHORT)(rng, held_out))


def on_request(rng: Random, held_out: bool) -> Dialogue:
    dialogue = always(rng, held_out)
    return replace(dialogue, messages=(system(rng.choice(_ORDERS)), *dialogue.messages))
