"""What can be refused from a request and a header alone, before a worker spends time on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dovetail.core.errors import ContextTooLong, InvalidRequest, UnsupportedField
from dovetail.core.model import Model
from dovetail.core.request import ChatPrompt, GenerateRequest, TextPart
from dovetail.serving.media import check_modalities

# A token holds fewer bytes than this on average in any text a model can use.
BYTES_A_TOKEN = 8
# Of one sign repeated, spaces above all, vocabularies have tokens this long.
BYTES_A_RUN = 128
_RUN = re.compile(r"([^\w])\1{15,}", re.DOTALL)


def check_request(request: GenerateRequest, model: Model) -> None:
    """Raises InvalidRequest for what a model does not do or take, an empty prompt and ids outside the vocabulary.

    No engine survives the last two.
    """
    if model.hears:
        raise InvalidRequest(
            f"{model.id} was made to write down speech and answers no prompts: use /v1/audio/transcriptions",
            param="model",
        )
    if model.pooling is not None:
        made, route = ("ranking", "/v1/rerank") if model.pooling == "rank" else ("embeddings", "/v1/embeddings")
        raise InvalidRequest(f"{model.id} was made for {made} and generates no text: use {route}", param="model")
    if request.top_logprobs is not None and model.speculates:
        raise UnsupportedField(
            request.listed_by,
            f"cannot be had of {model.id}: llama.cpp has no log probabilities of what is guessed ahead (draft, ngram)",
        )
    biased = (token for token in request.sampling.logit_bias if isinstance(token, int))
    check_token_ids(biased, model, "logit_bias")
    check_modalities(request, model)
    if not isinstance(request.prompt, ChatPrompt):
        if not request.prompt.suffix and not any(part != "" for part in request.prompt.parts):
            raise InvalidRequest("the prompt is empty: give at least one token to go on from", param="prompt")
        check_token_ids((part for part in request.prompt.parts if isinstance(part, int)), model, "prompt")


def check_token_ids(ids: Iterable[int], model: Model, param: str) -> None:
    """The same for bare ids. A model whose header does not say its vocabulary is not checked."""
    vocabulary = model.shape.vocabulary
    highest = max(ids, default=0)
    if vocabulary and highest >= vocabulary:
        raise InvalidRequest(
            f"{param} holds the token id {highest}; {model.id} has the ids 0 to {vocabulary - 1}", param=param
        )


def check_length(request: GenerateRequest, context: int) -> None:
    """Raises ContextTooLong for a prompt that cannot fit `context` tokens, without tokenising it."""
    if not context:
        return
    if isinstance(request.prompt, ChatPrompt):
        texts = [p.text for m in request.prompt.messages for p in m.parts if isinstance(p, TextPart)]
        check_texts(texts, 0, context, prompt_field(request))
    else:
        ids = sum(isinstance(part, int) for part in request.prompt.parts)
        check_texts(request.prompt.texts(), ids, context, prompt_field(request))


def prompt_field(request: GenerateRequest) -> str:
    """The name of the field that holds a request's prompt, in every dialect there is."""
    return "messages" if isinstance(request.prompt, ChatPrompt) else "prompt"


def check_texts(texts: Sequence[str], ids: int, context: int, param: str) -> None:
    """The same for texts and a number of token ids that are one prompt."""
    size = sum(map(len, texts))  # a character is at least a byte
    needed = ids + -(-size // BYTES_A_TOKEN)
    if needed > context >= ids + size // BYTES_A_RUN:
        runs = sum(len(run[0]) for text in texts for run in _RUN.finditer(text))
        needed = ids + -(-(size - runs) // BYTES_A_TOKEN) + runs // BYTES_A_RUN
    if needed > context:
        raise ContextTooLong(needed, context, param, at_least=bool(texts))
