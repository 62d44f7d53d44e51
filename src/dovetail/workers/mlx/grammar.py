"""Answers held to a grammar: llguidance says which tokens may come next, a logits processor bars the others."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import cast

import mlx.core as mx
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from dovetail.core import gbnf
from dovetail.core.grammar import ROOT, Chain, Chars, Choice, GrammarError, Node, Ref, Repeat, Rules, Text
from dovetail.workers.mlx.form import Form, Gbnf
from dovetail.workers.mlx.protocol import RequestError
from dovetail.workers.mlx.vocabulary import Vocabulary

MAX_ITEMS = 20_000  # of an Earley parser, in one step
_BARRED = "doesn't satisfy the grammar"  # llguidance's word for a token that it had not allowed
_CONTROL = b"\xff"  # what llguidance takes for the beginning of a token that is no text


class _Tokens:
    """The vocabulary as llguidance wants it; control tokens are no text that a grammar could match."""

    def __init__(self, vocabulary: Vocabulary, n_vocab: int) -> None:
        control = sorted(token for token in vocabulary.hidden if token < n_vocab)
        tokens = [vocabulary.piece(token) for token in range(n_vocab)]
        for token in control:
            tokens[token] = _CONTROL + tokens[token]
        self.tokens = tokens
        self.special_token_ids = control
        self.eos_token_id = min(vocabulary.eos, default=0)
        self.bos_token_id = None
        self._vocabulary = vocabulary

    def __call__(self, text: str) -> list[int]:
        return self._vocabulary.encode(text, add_special=False, parse_special=False)


class Grammars:
    """Compiles forms for one model. The vocabulary's trie is built at first use: that can take a second."""

    def __init__(self, vocabulary: Vocabulary, n_vocab: int) -> None:
        self._vocabulary = vocabulary
        self._n_vocab = n_vocab
        self._tokenizer: LLTokenizer | None = None
        self._building = threading.Lock()
        # What a grammar may cost, here (about 0.2 s at most) and in every step (about 0.1 s) of all that share a batch.
        self._limits = LLParserLimits(verbose_errors=False, step_max_items=MAX_ITEMS)

    def compile(self, form: Form) -> LLMatcher:
        """A matcher at the beginning of `form`. Blocks for milliseconds; not on the thread that generates.

        Raises:
            RequestError: the form cannot be followed.
        """
        try:
            text = (
                LLMatcher.grammar_from_lark(lark(gbnf.parse(form.text))) if isinstance(form, Gbnf) else _json(form.text)
            )
        except (GrammarError, ValueError) as error:
            raise RequestError(f"failed to parse grammar: {error}") from error
        matcher = LLMatcher(self._ready(), text, log_level=0, limits=self._limits)
        if not matcher.is_error():
            matcher.compute_bitmask()  # what is too ambiguous to begin with is said now, not in the answer
        if matcher.is_error():
            raise RequestError(f"failed to parse grammar: {matcher.get_error()[:500]}")
        return matcher

    def starts(self, tag: str) -> int | None:
        """The token that is `tag`, where one is."""
        found = self._vocabulary.encode(tag, add_special=False)
        return found[0] if len(found) == 1 else None

    def _ready(self) -> LLTokenizer:
        with self._building:
            if self._tokenizer is None:
                wrapper = TokenizerWrapper(_Tokens(self._vocabulary, self._n_vocab))
                eos = sorted(token for token in self._vocabulary.eos if token < self._n_vocab)
                self._tokenizer = LLTokenizer(wrapper, n_vocab=self._n_vocab, eos_token=eos)
            return self._tokenizer


class Constraint:
    """One answer's processor.

    `closing` is the tag that ends a thought which the prompt has opened, `opening` a token that may open one first.
    """

    def __init__(
        self, matcher: LLMatcher, vocabulary: Vocabulary, *, closing: str | None, thinking: bool, opening: int | None
    ) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary
        self._closing = closing.encode() if closing else b""
        self._thinking = thinking
        self._opening = opening
        self._ends = tuple(vocabulary.eos)
        self._begun = False
        self._thought = b""

    def __call__(self, history: Sequence[int], last: mx.array, logits: mx.array) -> mx.array:
        del history
        mx.async_eval(logits)  # pyright: ignore[reportUnknownMemberType]  computed while the mask is
        if self._begun:
            self._take(cast("int", last.item()))
        self._begun = True
        if self._thinking:  # and no end of the answer before the form has begun
            ends = mx.array([token for token in self._ends if token < logits.shape[-1]], dtype=mx.int32)
            return logits.at[:, ends].add(-mx.inf) if ends.size else logits  # pyright: ignore[reportUnknownMemberType]
        mask = cast("list[int]", memoryview(self._matcher.compute_logit_bias()))  # a buffer, which MLX copies whole
        allowed = mx.array(mask)[None, : logits.shape[-1]] > 0
        if self._matcher.is_error():
            raise self._failure()
        if self._opening is not None:
            allowed = allowed | (mx.arange(allowed.shape[-1]) == self._opening)[None]
        barred = logits.shape[-1] - allowed.shape[-1]
        if barred:
            allowed = mx.concatenate([allowed, mx.zeros((1, barred), dtype=mx.bool_)], axis=-1)
        return mx.where(allowed, logits, -mx.inf)

    def _take(self, token: int) -> None:
        if self._thinking:
            self._think(token)
            return
        opening, self._opening = self._opening, None
        if token == opening:
            self._thinking = True
        elif not self._matcher.is_stopped() and not self._matcher.consume_token(token):
            raise self._failure()

    def _failure(self) -> Exception:
        """Some grammars show only on the way that they cost too much: the client's to mend, not the engine's."""
        why = self._matcher.get_error().partition("\n")[0][:200]
        if _BARRED in why:
            return RuntimeError(f"the grammar has failed: {why}")
        return RequestError(f"failed to parse grammar: it has too many ways to go on: {why}")

    def _think(self, token: int) -> None:
        self._thought = (self._thought + self._vocabulary.piece(token))[-4096:]
        before, found, after = self._thought.partition(self._closing)
        del before
        if not found:
            return
        self._thinking = False
        rest = after.strip().decode("utf-8", "replace")
        if rest and not self._matcher.consume_tokens(self._vocabulary.encode(rest, add_special=False)):
            raise RuntimeError("the thought ended within a token that the grammar does not allow")


def lark(rules: Rules) -> str:
    """`rules` in llguidance's syntax. Every terminal is one character: longer ones would be matched greedily."""
    names = {name: "start" if name == ROOT else f"r{number}" for number, name in enumerate(rules)}
    lines = [f"{names[name]}: {_written(node, names)}" for name, node in rules.items()]
    return "\n".join(["%llguidance {}", *lines, ""])


def _written(node: Node, names: dict[str, str]) -> str:
    """`node` with the groups that it needs and no more: llguidance bounds how deep they nest."""
    match node:
        case Chain(parts):
            text = " ".join(_grouped(part, names, Choice) for part in parts)
        case Choice(options):
            text = " | ".join(_written(option, names) for option in options)
        case Repeat(inner, least, most):
            times = f"{{{least},{'' if most is None else most}}}"
            text = _grouped(inner, names, Choice, Chain, Repeat, Text) + times
        case Text(chars):
            text = " ".join(f"/{_point(ord(char))}/" for char in chars)
        case Chars(ranges, negated):
            body = "".join(f"{_point(low)}-{_point(high)}" for low, high in ranges)
            text = f"/[{'^' if negated else ''}{body}]/" if ranges else r"/(.|\n)/"
        case Ref(name):
            text = names[name]
    return text or '""'


def _grouped(node: Node, names: dict[str, str], *kinds: type[Node]) -> str:
    text = _written(node, names)
    return f"({text})" if isinstance(node, kinds) else text


def _point(point: int) -> str:
    return f"\\x{{{point:X}}}"


def _json(schema: str) -> str:
    # On one line, so that no model writes white space for ever.
    options = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return LLMatcher.grammar_from_json_schema(json.loads(schema), overrides=options)  # pyright: ignore[reportArgumentType]  a TypedDict
