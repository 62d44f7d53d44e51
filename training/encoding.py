"""From a dialogue to token ids, and which of them the model is trained to predict."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from training.chat import END_OF_TEXT, THINK_END, THINK_START, TURN_END, TURN_START, render
from training.tasks.dialogue import Dialogue


@dataclass(frozen=True, slots=True)
class Encoded:
    ids: list[int]
    targets: list[bool]
    """True where this token is to be predicted from the ones before it."""


def completion(dialogue: Dialogue) -> str:
    """What the model writes after the prompt, without the end of the turn."""
    return f"{dialogue.thought}\n{THINK_END}\n\n{dialogue.answer}" if dialogue.thinking else dialogue.answer


def document_text(dialogue: Dialogue) -> str:
    if not dialogue.messages:
        return dialogue.answer + END_OF_TEXT
    prompt = render(dialogue.messages, dialogue.tools, thinking=dialogue.thinking)
    return prompt + completion(dialogue) + TURN_END


class Encoder:
    """Encodes dialogues in batches; a turn of the assistant, its end included, is what is trained."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        ids = tokenizer.get_vocab()
        self._end_of_text, self._turn_start, self._turn_end = ids[END_OF_TEXT], ids[TURN_START], ids[TURN_END]
        self._header = tokenizer.encode(f"{TURN_START}assistant\n").ids
        self._thinking = tokenizer.encode(f"{THINK_START}\n").ids

    def encode(self, dialogues: Sequence[Dialogue]) -> list[Encoded]:
        texts = [document_text(dialogue) for dialogue in dialogues]
        return [
            Encoded(
                encoding.ids,
                self._targets(encoding.ids) if dialogue.messages else [False] + [True] * (len(encoding.ids) - 1),
            )
            for dialogue, encoding in zip(dialogues, self._tokenizer.encode_batch(texts), strict=True)
        ]

    def _targets(self, ids: list[int]) -> list[bool]:
        targets = [False] * len(ids)
        place = 0
        while place < len(ids):
            if ids[place] != self._turn_start or ids[place : place + len(self._header)] != self._header:
                place += 1
                continue
            place += len(self._header)
            if ids[place : place + len(self._thinking)] == self._thinking:
                place += len(self._thinking)
            while place < len(ids):
                targets[place] = True
                place += 1
                if ids[place - 1] == self._turn_end:
                    break
        return targets
