"""The tokenizer: byte-level BPE with Qwen2's split, so that llama.cpp and transformers agree on it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training import tasks
from training.chat import CONTROL_TOKENS, VISIBLE_TOKENS
from training.encoding import document_text

# llama.cpp calls this split "qwen2"; every digit is a token of its own
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train(vocabulary: int, seed: int, documents: int = 30_000) -> Tokenizer:
    """A tokenizer of exactly ``vocabulary`` tokens: control tokens first, visible tags last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(VISIBLE_TOKENS),
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, documents), trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in VISIBLE_TOKENS])
    if tokenizer.get_vocab_size() != vocabulary:
        raise ValueError(f"the corpus gives {tokenizer.get_vocab_size()} tokens, not {vocabulary}")
    return tokenizer


def _texts(seed: int, documents: int) -> Iterator[str]:
    rng = Random(seed)
    for _ in range(documents):
        text = document_text(tasks.sample(rng))
        for tag in (*CONTROL_TOKENS, *VISIBLE_TOKENS):
            text = text.replace(tag, "\n")
        yield text


def load(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))
