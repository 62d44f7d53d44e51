"""The fields of Ollama's API, declared as `core.fields` declares those of the others.

Reference: docs/api.md of Ollama, as typed in the `ollama` package 0.6.
"""

from __future__ import annotations

from collections.abc import Mapping

from dovetail.core.field import MAX_INT, FieldSpec, Table, refused, table
from dovetail.core.fields import SAMPLING

_SETTING = "A setting of the model: `[models.ID]`."
_NEVER_CUT = "Nothing is ever cut: what is too long is refused."
_SAID = (
    *("top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "repeat_penalty", "presence_penalty"),
    *("frequency_penalty", "mirostat", "mirostat_tau", "mirostat_eta"),
)

OPTIONS = table(
    FieldSpec("temperature", "0 always takes the best token.", 0, 100),
    *(
        FieldSpec(spec.name, spec.meaning, spec.low, spec.high)
        for spec in (SAMPLING[name] for name in _SAID)
    ),
    FieldSpec("seed", "The same request with the same seed draws the same tokens.", -(1 << 63), (1 << 63) - 1),
    FieldSpec("stop", "Up to 16 strings that end the text and are not part of it."),
    FieldSpec("num_predict", "At least 1; -1 and -2 go on until the context is full.", -2, MAX_INT),
    FieldSpec("num_ctx", "Tokens of context it needs: refused where the model is loaded with fewer.", 1, MAX_INT),
    refused("num_keep", 0, meaning=_NEVER_CUT),
    refused("penalize_newline", True),
    refused("tfs_z", 1, 1.0),
    refused("numa", False, meaning=_SETTING),
    refused("num_batch", meaning=_SETTING),
    refused("num_gpu", meaning=_SETTING),
    refused("main_gpu", 0, meaning=_SETTING),
    refused("num_thread", 0, meaning=_SETTING),
    refused("low_vram", False),
    refused("f16_kv", True),
    refused("logits_all", False),
    refused("vocab_only", False),
    refused("use_mmap", True),
    refused("use_mlock", False),
    refused("embedding_only", False),
)  # fmt: skip

_MODEL = FieldSpec("model", "A model's id or one of its aliases; `:latest` behind it says nothing.", aliases=("name",))
_OPTIONS = FieldSpec("options", "How it writes: the fields below.")
_KEEP = FieldSpec(
    "keep_alive",
    "How long the model stays loaded once it is idle: seconds, or a duration such as `5m`; negative is for good, 0 "
    "unloads it. For admins.",
)
_COMMON = (
    FieldSpec("stream", "Lines of JSON as it is written, which is the default, or one object."),
    FieldSpec("format", '"json", or a JSON schema: the answer matches it.'),
    _OPTIONS,
    _KEEP,
    FieldSpec("think", "Whether it thinks, or how hard: low, medium or high."),
    FieldSpec("logprobs", "Log probabilities of the answer's tokens."),
    FieldSpec("top_logprobs", "Likely tokens to list beside each; needs `logprobs`.", 0, 20),
    refused("truncate", False, meaning=_NEVER_CUT),
    refused("shift", False, meaning=_NEVER_CUT),
)

CHAT = table(
    _MODEL,
    FieldSpec("messages", "The conversation; without any the model is loaded, or unloaded with a keep_alive of 0."),
    FieldSpec("tools", "Functions the model may call."),
    *_COMMON,
)

GENERATE = table(
    _MODEL,
    FieldSpec("prompt", "What to answer; without one the model is loaded, or unloaded with a keep_alive of 0."),
    FieldSpec("suffix", "Text after the one to be written, by models with tokens to fill in the middle."),
    FieldSpec("system", "The system message."),
    FieldSpec("images", "Base64, for models that see."),
    FieldSpec("raw", "The prompt goes to the model as it is, without its template."),
    *_COMMON,
    refused("template", "", meaning="A setting of the model: `[models.ID] chat_template`."),
    refused("context", [], meaning="Send the conversation to /api/chat; what was computed is found again."),
    refused("width", meaning="Of images, which no model here draws."),
    refused("height", meaning="Of images, which no model here draws."),
    refused("steps", meaning="Of images, which no model here draws."),
)

EMBED = table(
    _MODEL,
    FieldSpec("input", "Text, or a list of texts."),
    FieldSpec("dimensions", "Keeps a vector's first numbers, at length 1 again.", 1, MAX_INT),
    _OPTIONS,
    _KEEP,
    refused("truncate", False, meaning=_NEVER_CUT),
)

EMBEDDINGS = table(_MODEL, FieldSpec("prompt", "The text."), _OPTIONS, _KEEP)

ROUTES: Mapping[str, Table] = {
    "/api/chat": CHAT,
    "/api/generate": GENERATE,
    "/api/embed": EMBED,
    "/api/embeddings": EMBEDDINGS,
    "options of /api": OPTIONS,
}
