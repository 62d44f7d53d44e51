"""The fields of OpenAI's Responses, as the `openai` package 3.52 types them."""

from __future__ import annotations

from dovetail.core.field import FieldSpec, Table, inert, refused, table

_KEPT = "Nothing is ever cut out of a conversation."

COUNT: Table = table(
    FieldSpec("model", "A model's id or one of its aliases."),
    FieldSpec("input", "A text, or items: messages, calls, their outputs, thoughts, references to items kept here."),
    FieldSpec("instructions", "Comes before everything else; not taken over from the response before."),
    FieldSpec("previous_response_id", "Goes on with the conversation of a response that is kept here."),
    FieldSpec(
        "reasoning",
        "`effort` as `reasoning_effort` in chat completions; with a `summary` the thought comes as its own summary.",
    ),
    FieldSpec("text", "`format`: text, json_object or json_schema."),
    FieldSpec("tools", "Functions the model may call. Other types are passed over."),
    FieldSpec("tool_choice", '"auto", "none", "required", a function by name, or some.'),
    FieldSpec("parallel_tool_calls", "Whether an answer may have several calls."),
    refused("conversation"),
    refused("truncation", "disabled", meaning=_KEPT),
)

INPUT_TOKENS: Table = {**COUNT, **table(refused("personality"))}

RESPONSES: Table = {
    **COUNT,
    **table(
        FieldSpec("store", "Keeps the response and what it answers: true unless it is said, or the server keeps none."),
        FieldSpec("stream", "Server-sent events instead of one object."),
        FieldSpec(
            "include",
            "`message.output_text.logprobs`, and `reasoning.encrypted_content`: the thought, for a client to bring "
            "back. The others are of tools that are not here.",
        ),
        FieldSpec("max_output_tokens", "Of the answer, its thought included; at least 1."),
        FieldSpec("temperature", "0 always takes the best token.", 0, 2),
        FieldSpec("top_p", "Keeps the best tokens that together are that likely.", 0, 1),
        FieldSpec("top_logprobs", "Likely tokens to list beside each.", 0, 20),
        inert("metadata", "The client's own notes; they come back."),
        inert("client_metadata", "A client's own notes; Codex sends them."),
        inert("max_tool_calls", "Bounds calls of the server's own tools, and it has none."),
        inert("prompt_cache_key", "Prompts are cached by their tokens alone."),
        inert("prompt_cache_options", "How long a prompt cache lives is a setting."),
        inert("prompt_cache_retention", "How long a prompt cache lives is a setting."),
        inert("safety_identifier", "Who asks; says nothing of the answer."),
        inert("stream_options", "Whether a stream is padded; it never is."),
        inert("user", "Who asks; says nothing of the answer."),
        refused("access_programs"),
        refused("background", False),
        refused("context_management", [], meaning=_KEPT),
        refused("image"),
        refused("moderation"),
        refused("prompt"),
        refused("service_tier", "auto", "default"),
    ),
}
