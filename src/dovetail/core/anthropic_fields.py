"""The fields of Anthropic's Messages, as the `anthropic` package 2.14 types them, its beta ones included."""

from __future__ import annotations

from dovetail.core.field import MAX_INT, FieldSpec, Table, inert, refused, table
from dovetail.core.request import JsonObject

_OFFERED = "Only what the server has."
# What Claude Code sends where nothing is to be taken out of a conversation.
_NOTHING_CLEARED: tuple[JsonObject, ...] = (
    {"edits": []},
    {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
)

COUNT: Table = table(
    FieldSpec("model", "A model's id or one of its aliases."),
    FieldSpec("messages", "The conversation. One that ends with the assistant's is continued."),
    FieldSpec("system", "A text, or text blocks. A line `x-anthropic-billing-header: …` that opens one is left out."),
    FieldSpec("thinking", "enabled with `budget_tokens`, disabled, or adaptive: as the model's template has it."),
    FieldSpec(
        "output_config",
        "`format`: JSON that matches a schema. `effort`: bounds a thought as `reasoning_effort` does in chat "
        "completions, where there is one; templates that know the word are told.",
    ),
    FieldSpec(
        "tools",
        "Functions the model may call; one with `defer_loading` once a `tool_reference` names it. A type that only "
        "Anthropic's servers have is passed over.",
    ),
    FieldSpec("tool_choice", "auto, any, tool with a `name`, or none; `disable_parallel_tool_use`."),
    inert("cache_control", "Prompts are cached by their tokens alone."),
    refused("context_management", *_NOTHING_CLEARED, meaning="Nothing is ever cut out of a conversation."),
    refused("mcp_servers", []),
    refused("output_format", meaning="`output_config.format` here."),
    refused("speed", "standard", meaning=_OFFERED),
    refused("billing_policy"),
    refused("compaction"),
)

MESSAGES: Table = {
    **COUNT,
    **table(
        FieldSpec("max_tokens", "Of the answer, its thought included.", 1, MAX_INT),
        FieldSpec("stop_sequences", "Up to 16 strings that end the text and are not part of it."),
        FieldSpec("stream", "Server-sent events instead of one object."),
        FieldSpec("temperature", "0 always takes the best token.", 0, 1),
        FieldSpec("top_k", "Keeps that many of the best tokens; 0 keeps every one.", 0, MAX_INT),
        FieldSpec("top_p", "Keeps the best tokens that together are that likely.", 0, 1),
        inert("metadata", "Who asks; says nothing of the answer."),
        inert("diagnostics", "Asks why a prompt was not cached; `usage` says how much of it was."),
        refused("container"),
        refused("fallback_credit_token"),
        refused("fallbacks", []),
        refused("inference_geo", "global", meaning=_OFFERED),
        refused("service_tier", "auto", "standard_only", meaning=_OFFERED),
        refused("thread"),
    ),
}
