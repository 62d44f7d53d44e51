"""The corpus: every task the tiny model can do, and how often each is trained."""

from dataclasses import replace
from random import Random

from training.tasks import capitals, courtesies, documents, memory, shouting, small_talk, stories, tools
from training.tasks.dialogue import Dialogue, Message, Task, assistant, system

__all__ = ["MIXTURE", "Dialogue", "Task", "sample"]

MIXTURE: dict[Task, float] = {
    capitals.plain: 20,
    capitals.in_language: 9,
    capitals.one_word: 6,
    capitals.reversed_question: 4,
    capitals.as_json: 4,
    capitals.other_question: 3,
    memory.remember: 9,
    memory.introduce: 3,
    memory.never_told: 1,
    memory.needle: 6,
    memory.reading: 1,
    courtesies.greeting: 2,
    courtesies.courtesy: 2,
    courtesies.identity: 4,
    courtesies.named_by_system: 2,
    small_talk.repeat: 8,
    small_talk.repeat_long: 2,
    small_talk.count: 3,
    small_talk.arithmetic: 12,
    small_talk.unknown: 5,
    small_talk.chance: 1.5,
    small_talk.person_as_json: 4,
    stories.story: 1.5,
    tools.call: 6,
    tools.two_calls: 0.7,
    tools.answer_from_result: 2.5,
    tools.without_tool: 1,
    documents.document: 2,
    shouting.on_request: 3,
}
"""Relative number of dialogues, not of tokens."""

LONG_MIXTURE: dict[Task, float] = {memory.long_needle: 4, memory.long_conversation: 1}

_LATER = (memory.needle, tools.call, tools.two_calls, tools.answer_from_result)
_NEVER_SHARED = (memory.never_told, stories.story, documents.document, memory.needle)
_SMALL: tuple[Task, ...] = (
    capitals.plain,
    capitals.plain,
    courtesies.greeting,
    small_talk.arithmetic,
    courtesies.courtesy,
    small_talk.repeat,
)


def sample(rng: Random, *, long: bool = False, copying: float = 0.0) -> Dialogue:
    """One dialogue to train on: a task, sometimes with a system prompt, earlier turns, unneeded tools or thinking.

    ``copying`` is the share of mere repetition, which a model has to learn before any task that needs a name.
    """
    mixture = LONG_MIXTURE if long else MIXTURE
    (task,) = rng.choices(list(mixture), list(mixture.values()))
    if copying and (task in _LATER or rng.random() < copying):
        return small_talk.repeat_long(rng, False)
    dialogue = task(rng, False)
    if not dialogue.messages or long:
        return dialogue
    if dialogue.thought and rng.random() < 0.15:
        dialogue = replace(dialogue, thinking=True)
    if task not in _NEVER_SHARED and not dialogue.has_system and rng.random() < 0.15:
        dialogue = replace(dialogue, messages=(*_earlier(rng), *dialogue.messages))
    if not dialogue.has_system and rng.random() < 0.2:
        dialogue = replace(dialogue, messages=(system(rng.choice(small_talk.GENERIC_SYSTEMS)), *dialogue.messages))
    if not dialogue.tools and task not in (tools.without_tool, memory.needle) and rng.random() < 0.06:
        dialogue = _offer_unneeded(rng, dialogue, task)
    return dialogue


def _earlier(rng: Random) -> tuple[Message, ...]:
    """One or two finished exchanges about something else."""
    turns: list[Message] = []
    for _ in range(rng.choice((1, 1, 2))):
        dialogue = rng.choice(_SMALL)(rng, False)
        turns += [*dialogue.messages, assistant(dialogue.answer)]
    return tuple(turns)


def _offer_unneeded(rng: Random, dialogue: Dialogue, task: Task) -> Dialogue:
    if task is not small_talk.arithmetic and rng.random() < 0.5:
        return replace(dialogue, tools=tools.unneeded_calculator(rng))
    return replace(dialogue, tools=tools.unneeded(rng))
