"""Every field of a request, declared once: its names, meaning, range, and what becomes of it on each engine.

Wire models take ranges, other names and descriptions from here (`gateway.wire.of`); docs/fields.md is this table with
the tests that show it. Forms (a string, a list of pairs) are the dialects'.
"""

from __future__ import annotations

from collections.abc import Mapping

from dovetail.core.anthropic_fields import COUNT as ANTHROPIC_COUNT
from dovetail.core.anthropic_fields import MESSAGES as ANTHROPIC_MESSAGES
from dovetail.core.field import MAX_INT, FieldSpec, Table
from dovetail.core.field import inert as _inert
from dovetail.core.field import refused as _refused
from dovetail.core.field import table as _table
from dovetail.core.responses_fields import INPUT_TOKENS, RESPONSES

MAX_CHOICES = 32
_MAX_SEED = (1 << 63) - 1

# How the next token is chosen, and when to stop: the same on every text route.
_ADAPTER = FieldSpec(
    "adapter", "A LoRA by name, or its name and scale; the model's id may give it as well: `model+adapter`."
)

SAMPLING = _table(
    FieldSpec("temperature", "0 always takes the best token.", 0, 2, default=1.0),
    FieldSpec("top_k", "Keeps that many of the best tokens; 0 and -1 keep every one.", -1, MAX_INT, default=0),
    FieldSpec("top_p", "Keeps the best tokens that together are that likely.", 0, 1, default=1.0),
    FieldSpec("min_p", "Drops tokens less likely than that share of the best one.", 0, 1, default=0.0),
    FieldSpec("typical_p", "Keeps the most typical tokens.", 0, 1, aliases=("typ_p",), default=1.0),
    FieldSpec(
        "repeat_penalty",
        "Divides what has been said; 1 is none.",
        0.001,
        100,
        aliases=("repetition_penalty", "repet_penalty"),
        default=1.0,
    ),
    FieldSpec(
        "repeat_last_n",
        "Tokens that the penalties look back on; -1 is the whole context.",
        -1,
        MAX_INT,
        aliases=("repetition_context_size",),
        default=64,
    ),
    FieldSpec("dynatemp_range", "How far the temperature goes down and up with the entropy.", 0, 100, default=0.0),
    FieldSpec("dynatemp_exponent", "How it follows the entropy.", 0, 100, default=1.0),
    FieldSpec("frequency_penalty", "For each time a token was said.", -2, 2, default=0.0),
    FieldSpec("presence_penalty", "For a token that was said at all.", -2, 2, default=0.0),
    FieldSpec("top_n_sigma", "Standard deviations below the best; 0 and -1 keep every token.", -1, 100, default=-1.0),
    FieldSpec("xtc_probability", "How often the likeliest tokens are dropped.", 0, 1, default=0.0),
    FieldSpec("xtc_threshold", "From which likelihood on they are.", 0, 1, default=0.1),
    FieldSpec("dry_multiplier", "Penalty on what lengthens a repetition; 0 is no DRY.", 0, 100, default=0.0),
    FieldSpec("dry_base", "How fast it grows with the repetition's length.", 1, 100, default=1.75),
    FieldSpec("dry_allowed_length", "Length that costs nothing.", 0, MAX_INT, default=2),
    FieldSpec("dry_penalty_last_n", "Tokens DRY looks back on; -1 is the whole context.", -1, MAX_INT, default=-1),
    FieldSpec("dry_sequence_breakers", "Texts that no repetition goes across."),
    FieldSpec(
        "mirostat",
        "1 and 2 take the place of every other filter and of the penalties.",
        aliases=("mirostat_mode",),
        default=0,
    ),
    FieldSpec("mirostat_tau", "Bits a token.", 0, 100, default=5.0),
    FieldSpec("mirostat_eta", "Learning rate.", 0, 1, default=0.1),
    FieldSpec("seed", "The same request with the same seed draws the same tokens.", -_MAX_SEED - 1, _MAX_SEED),
    FieldSpec("logit_bias", "Keys are token ids, or texts that stand for each of their tokens."),
    FieldSpec("ignore_eos", "Goes on after the token that ends a text."),
    _ADAPTER,
    FieldSpec("stop", "Up to 16 strings that end the text and are not part of it."),
    FieldSpec(
        "max_tokens",
        "At least 1; -1 goes on until the context is full.",
        aliases=("max_completion_tokens", "n_predict"),
    ),
)

# The form of the whole answer: at most one in a request.
FORMS = _table(
    FieldSpec("grammar", "GBNF: the form of the whole answer."),
    FieldSpec("json_schema", "The answer is JSON that matches it."),
    FieldSpec("regex", "An expression that the whole answer matches."),
)

_SPECULATIVE = ("n_max", "n_min", "p_min", "type", "ngram_size_n", "ngram_size_m", "ngram_min_hits")

# The names that a bound on thoughts has in published APIs, beside llama.cpp's own.
_BUDGETS = ("thinking_budget_tokens", "reasoning_budget", "thinking_budget", "thinking_token_budget")

# llama.cpp's and older servers' fields that no text route honours.
LLAMA = _table(
    _refused("adaptive_decay"),
    _refused("adaptive_target"),
    _refused("backend_sampling", False),
    _refused("cache_prompt", True, meaning="Prompts are always cached, where the answer does not change by it."),
    _refused("chat_format", meaning="A setting of the model: `[models.ID] chat_format`."),
    _refused("chat_template", meaning="A setting of the model: `[models.ID] chat_template`."),
    _refused("complete_text", False),
    _refused("grammar_lazy", False),
    _refused("grammar_triggers", []),
    _refused("id_slot", -1, meaning="Slots are the server's to give."),
    _refused("lora", []),
    _refused("min_keep", 0),
    _refused("min_tokens", 0),
    _refused("n_cache_reuse", 0),
    _refused("n_cmpl", 1),
    _refused("n_discard", 0, meaning="Nothing is ever cut out of a context."),
    _refused("n_indent", 0),
    _refused("n_keep", 0, meaning="Nothing is ever cut out of a context."),
    _refused("post_sampling_probs", False),
    _refused("preserved_tokens", []),
    _refused("reasoning_budget_message", ""),
    _refused("reasoning_budget_tokens", -1, aliases=_BUDGETS),
    _refused("reasoning_control", False),
    _refused("reasoning_format", "auto"),
    _refused("response_fields", []),
    _refused("return_progress", False),
    _refused("return_tokens", False),
    _refused("samplers", meaning="Samplers have one order."),
    _refused("speculative", meaning="A setting of the model: `[models.ID] draft` and `ngram`."),
    *(_refused(f"speculative.{name}") for name in _SPECULATIVE),
    _refused("sse_ping_interval", 0),
    _refused("t_max_predict_ms", 0, -1),
    _refused("timings_per_token", False),
    _refused("verbose", False),
)

_MODEL = FieldSpec("model", "A model's id or one of its aliases.")
_STREAM = FieldSpec("stream", "Server-sent events instead of one object.")
_USER = _inert("user", "Who asks; says nothing of the answer.")
_CHOICES = FieldSpec("n", "Choices, each with a seed of its own.", 1, MAX_CHOICES, default=1)

CHAT = _table(
    _MODEL,
    FieldSpec("messages", "The conversation."),
    _CHOICES,
    _STREAM,
    FieldSpec("stream_options", "`include_usage`: a last chunk with the token counts."),
    FieldSpec("tools", "Functions the model may call."),
    FieldSpec("tool_choice", '"auto", "none", "required", a function by name, or some.'),
    FieldSpec("parallel_tool_calls", "Whether an answer may have several calls."),
    FieldSpec("response_format", "text, json_object or json_schema."),
    FieldSpec(
        "reasoning_effort",
        "none and minimal switch thinking off. low, medium and high switch it on and bound it to 1024, 4096 and 16384 "
        "tokens, xhigh and max do not bound it; templates that know the word are told.",
    ),
    FieldSpec("enable_thinking", "Thinking on or off."),
    FieldSpec(
        "reasoning_budget_tokens",
        "Tokens of the thought, then it is closed and the answer follows. 0 is off, -1 no bound.",
        -1,
        MAX_INT,
        aliases=_BUDGETS,
    ),
    _refused("reasoning_format", "auto", "deepseek"),
    FieldSpec("chat_template_kwargs", "The template's options for thinking, and `date_string`."),
    FieldSpec("continue_final_message", "Goes on with the last message, the assistant's, instead of answering it."),
    FieldSpec("add_generation_prompt", "The opposite of `continue_final_message`."),
    FieldSpec("logprobs", "Log probabilities of the answer's tokens."),
    FieldSpec("top_logprobs", "Likely tokens to list beside each; needs `logprobs`.", 0, 20),
    FieldSpec(
        "use_kv_cache",
        "True: `usage` says in `kv_cache` what the prompt cache had, and the times. Prompts are cached either way.",
    ),
    FieldSpec("store", "True: the completion is kept, and listed, read and removed by `/v1/chat/completions`."),
    _inert("kv_cache_threshold", "Prompts are cached whatever their length."),
    _inert("metadata", "The client's own notes; with `store` they are kept, and found by."),
    _inert("prompt_cache_key", "Prompts are cached by their tokens alone."),
    _inert("prompt_cache_options", "How long a prompt cache lives is a setting."),
    _inert("prompt_cache_retention", "How long a prompt cache lives is a setting."),
    _inert("safety_identifier", "Who asks; says nothing of the answer."),
    _USER,
    _refused("apply_chat_template", True, meaning="Messages always go through the template."),
    _refused("audio"),
    _refused("function_call", "none", "auto"),
    _refused("functions", []),
    _refused("modalities", ["text"]),
    _refused("moderation"),
    _refused("n_probs", 0, meaning="`top_logprobs` here."),
    _refused("prediction"),
    _refused("service_tier", "auto", "default"),
    _refused("verbosity", "medium"),
    _refused("web_search_options"),
)

COMPLETIONS = _table(
    _MODEL,
    FieldSpec("prompt", "Text or token ids, or a list of either: one choice or `n` for each."),
    _CHOICES,
    FieldSpec(
        "best_of",
        "Choices that are generated; the `n` with the highest mean log probability are answered. Not streamed.",
        1,
        MAX_CHOICES,
    ),
    FieldSpec("echo", "Puts the prompt before the text. Not with `logprobs`."),
    FieldSpec("suffix", "Text after the one to be written, by models with tokens to fill in the middle."),
    _STREAM,
    FieldSpec("stream_options", "`include_usage`: a last chunk with the token counts."),
    FieldSpec("logprobs", "Likely tokens to list beside each.", 0, 20),
    FieldSpec(
        "use_kv_cache",
        "True: `usage` says in `kv_cache` what the prompt cache had, and the times. Prompts are cached either way.",
    ),
    _inert("kv_cache_threshold", "Prompts are cached whatever their length."),
    _USER,
    _refused("apply_chat_template", False, meaning="A prompt is taken as it is."),
    _refused("n_probs", 0, meaning="`logprobs` here."),
)

NATIVE = _table(
    _MODEL,
    FieldSpec("prompt", "Text, token ids, or both mixed in a list."),
    FieldSpec("temperature", "0 always takes the best token.", 0, 100, default=1.0),
    FieldSpec("seed", "-1 and 2^32 - 1 are a random one.", -1, (1 << 32) - 1),
    FieldSpec("logit_bias", "Pairs of a token id or a text, and a number, or false: never."),
    _STREAM,
    FieldSpec("n_probs", "Likely tokens to list for each.", 0, 100, aliases=("logprobs",)),
    _refused("n_cmpl", 1, meaning="One choice for each request.", aliases=("n",)),
    _inert("stream_options", "The last frame always has the token counts."),
    _refused("continue_final_message", False, meaning="A prompt is always continued."),
    _refused("echo", False),
    _refused("apply_chat_template", False, meaning="A prompt is taken as it is."),
)

INFILL = {
    **NATIVE,
    **_table(
        FieldSpec("prompt", "How the text between begins."),
        FieldSpec("input_prefix", "The text before the gap."),
        FieldSpec("input_suffix", "The text behind it."),
        FieldSpec("input_extra", "Other files, as objects of `filename` and `text`, before all else."),
    ),
}

NATIVE_EMBEDDING = _table(
    _MODEL,
    FieldSpec("content", "A text or token ids, or a list of either.", aliases=("input",)),
    FieldSpec(
        "embd_normalize",
        "How long vectors are: 2, unless it is said, of the length 1; -1 as they come; 0 their largest number 32760; "
        "1, and from 3 on, of the p-norm 1.",
        -1,
        64,
    ),
    _ADAPTER,
    _refused("encoding_format", "float"),
)

EMBEDDINGS = _table(
    _MODEL,
    FieldSpec("input", "Text or token ids, or a list of either."),
    FieldSpec("encoding_format", "Numbers, or the base64 of float32."),
    FieldSpec("dimensions", "Keeps a vector's first numbers, at length 1 again.", 1, MAX_INT),
    FieldSpec("pooling", "How a text's states become one vector: their mean, the first one, or the last one."),
    FieldSpec("normalize", "False leaves vectors at the length they have."),
    _ADAPTER,
    _USER,
)

_BY_GGUF = "GGUF models made to rank."

RERANK = _table(
    FieldSpec("model", f"A model's id or one of its aliases. {_BY_GGUF}", mlx="refused"),
    FieldSpec("query", "What the documents are ranked by.", mlx="refused"),
    FieldSpec("documents", "Texts, or objects with a `text`.", mlx="refused"),
    FieldSpec("top_n", "How many of the best to answer; null: all.", 1, MAX_INT, mlx="refused"),
    FieldSpec("return_documents", "Whether the texts come back; false unless it is said.", mlx="refused"),
    FieldSpec("adapter", "A LoRA by name, or its name and scale.", mlx="refused"),
    _inert("priority", "Cohere's own queue."),
    _refused("max_chunks_per_doc", meaning="Nothing is ever cut."),
    _refused("max_doc_length", meaning="Nothing is ever cut."),
    _refused("max_query_length", meaning="Nothing is ever cut."),
    _refused("max_tokens_per_doc", meaning="Nothing is ever cut."),
    _refused("rank_fields", ["text"]),
    _refused("return_embeddings", False),
    _refused("truncation", False, meaning="Nothing is ever cut."),
)

TOKENIZE = _table(
    _MODEL,
    FieldSpec("content", "The text."),
    FieldSpec("add_special", "With the token that opens a text, where the model has one; false unless it is said."),
    FieldSpec("parse_special", "A special token's name is that token; true unless it is said."),
    FieldSpec("with_pieces", "With each token's text."),
)

DETOKENIZE = _table(_MODEL, FieldSpec("tokens", "The ids."))

_TEXT: Table = {**SAMPLING, **FORMS, **LLAMA}
ROUTES: Mapping[str, Table] = {
    "/v1/chat/completions": {**CHAT, **_TEXT, **CHAT},  # its own order, its own word on what others refuse
    "/v1/completions": {**COMPLETIONS, **_TEXT},
    "/completion": {**_TEXT, **NATIVE},
    "/infill": {**_TEXT, **INFILL},
    "/embedding": NATIVE_EMBEDDING,
    "/v1/responses": RESPONSES,
    "/v1/responses/input_tokens": INPUT_TOKENS,
    "/v1/messages": ANTHROPIC_MESSAGES,
    "/v1/messages/count_tokens": ANTHROPIC_COUNT,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/rerank": RERANK,
    "/tokenize": TOKENIZE,
    "/detokenize": DETOKENIZE,
}
