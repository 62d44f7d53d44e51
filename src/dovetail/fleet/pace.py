"""What a model's answers cost and how long they take: guessed before, learnt from those that ended."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail.core.request import ChatPrompt, GenerateRequest, Json, TextPart

_CHARACTERS_A_TOKEN = 4
_MEDIA = 256  # tokens of an image or a sound
_FIRST_GUESS = 256.0  # tokens of an answer
_WEIGHT = 0.2  # of the newest answer in what is usual


class Pace:
    """What is usual of one model: tokens of an answer, and seconds, each None until a first one has ended."""

    def __init__(self) -> None:
        self._answer = _FIRST_GUESS
        self.seconds_a_token: float | None = None
        self.seconds_a_turn: float | None = None

    def cost(self, request: GenerateRequest) -> int:
        """Tokens that a choice of `request` will probably take, its prompt's among them."""
        usual = round(self._answer)
        return prompt_tokens(request) + (usual if request.max_tokens is None else min(usual, request.max_tokens))

    def learn(self, seconds: float, tokens: int, answer: int | None) -> None:
        """A turn ended that took `tokens`, `answer` of them the answer's, None where it did not come to its end."""
        if tokens <= 0:
            return
        if answer is not None:
            self._answer += _WEIGHT * (answer - self._answer)
        self.seconds_a_token = _mixed(self.seconds_a_token, seconds / tokens)
        self.seconds_a_turn = _mixed(self.seconds_a_turn, seconds)


def prompt_tokens(request: GenerateRequest) -> int:
    """A guess from the length; only a worker can count."""
    prompt = request.prompt
    if not isinstance(prompt, ChatPrompt):
        return _tokens(prompt.texts()) + sum(isinstance(part, int) for part in prompt.parts)
    parts = [part for message in prompt.messages for part in message.parts]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return _tokens(texts) + _MEDIA * (len(parts) - len(texts)) + 4 * len(prompt.messages)


def body_tokens(body: Json) -> int:
    """The same for the body of a call that is not a generation: its texts, and each number as a token id."""
    match body:
        case str():
            return _tokens([body])
        case dict():
            return sum(map(body_tokens, body.values()))
        case list():
            return sum(map(body_tokens, body))
        case _:
            return 1


def _tokens(texts: Iterable[str]) -> int:
    return sum(map(len, texts)) // _CHARACTERS_A_TOKEN + 1


def _mixed(usual: float | None, newest: float) -> float:
    return newest if usual is None else usual + _WEIGHT * (newest - usual)
