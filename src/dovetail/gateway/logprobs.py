"""Log probabilities in the three published forms: OpenAI's chat, OpenAI's completions, llama-server's."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail.core.events import TokenLogprob, TopLogprob
from dovetail.core.request import Json, JsonObject


def chat_entries(logprobs: Iterable[TokenLogprob]) -> list[Json]:
    """`logprobs.content` of a chat choice."""
    return [{**_chat(entry), "top_logprobs": [_chat(rival) for rival in entry.top]} for entry in logprobs]


def native_entries(logprobs: Iterable[TokenLogprob]) -> list[Json]:
    """`completion_probabilities` of llama-server's `/completion`."""
    return [
        {"id": entry.id, **_chat(entry), "top_logprobs": [{"id": rival.id, **_chat(rival)} for rival in entry.top]}
        for entry in logprobs
    ]


class TextLogprobs:
    """`logprobs` of one text completion choice; offsets count characters and go on from piece to piece."""

    def __init__(self, offset: int = 0) -> None:
        self._offset = offset

    def object(self, logprobs: Iterable[TokenLogprob]) -> JsonObject:
        """The lists of one chunk, or of a whole choice. The sampled token is always among the likely ones."""
        tokens: list[Json] = []
        values: list[Json] = []
        likely: list[Json] = []
        offsets: list[Json] = []
        for entry in logprobs:
            tokens.append(entry.token)
            values.append(entry.logprob)
            offsets.append(self._offset)
            rivals: JsonObject = {}
            for rival in entry.top:
                # Halves of different characters look alike as text: the likelier one stands.
                if rival.id != entry.id:
                    rivals.setdefault(rival.token, rival.logprob)
            likely.append({entry.token: entry.logprob, **{k: v for k, v in rivals.items() if k != entry.token}})
            self._offset += len(entry.token)
        return {"tokens": tokens, "token_logprobs": values, "top_logprobs": likely, "text_offset": offsets}


def _chat(entry: TokenLogprob | TopLogprob) -> JsonObject:
    data: list[Json] = list(entry.bytes)
    return {"token": entry.token, "logprob": entry.logprob, "bytes": data}
