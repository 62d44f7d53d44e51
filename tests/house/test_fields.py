"""The field table is whole: it is what wire models take, and every cell is shown by a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import ollama
import ollama._types as ollama_types
import pytest
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams as CountParams
from anthropic.types.beta.message_create_params import MessageCreateParamsBase as MessageParams
from openai.types import EmbeddingCreateParams
from openai.types.chat.completion_create_params import CompletionCreateParamsBase as ChatParams
from openai.types.completion_create_params import CompletionCreateParamsBase as TextParams
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_create_params import ResponseCreateParamsBase as ResponseParams
from pydantic import AliasChoices, BaseModel

from dovetail.gateway.wire import Inert, Refused

from .documents import BODIES, ROUTE_OF, TABLES, shown_by
from .marks import marked_tests

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", BODIES)
def test_wire_models_take_the_fields_of_the_table_and_no_others(name: str) -> None:
    table, seen = TABLES[ROUTE_OF[name]], list[str]()
    for field, info in BODIES[name].model_fields.items():
        names = info.validation_alias.choices if isinstance(info.validation_alias, AliasChoices) else [field]
        spec = table[str(names[0])]
        assert any(isinstance(part, Inert) for part in info.metadata) is (spec.gguf == "inert")
        assert any(isinstance(part, Refused) for part in info.metadata) is (spec.gguf == "refused")
        assert names == [spec.name, *spec.aliases]
        assert field == spec.name.replace(".", "_")
        seen.append(spec.name)
    assert sorted(seen) == sorted(table)


@pytest.mark.parametrize("route", TABLES)
def test_every_field_is_shown_by_a_test(route: str) -> None:
    tests = marked_tests(TESTS, "field")
    assert [name for name, spec in TABLES[route].items() if not shown_by(route, spec, tests)] == []


def test_marks_name_fields_that_exist() -> None:
    known = {name for table in TABLES.values() for name in table}
    known |= {f"{route} {name}" for route, table in TABLES.items() for name in table}
    known |= {"every sampling", "every inert", "every refused"}
    assert set(marked_tests(TESTS, "field")) <= known


def within(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """Names of what is inert or refused in the models within a body."""
    for field in model.model_fields.values():
        inner = [part for part in _parts(field.annotation) if part not in seen and part not in BODIES.values()]
        seen |= set(inner)
        for part in inner:
            yield from (
                n for n, f in part.model_fields.items() if any(isinstance(m, Inert | Refused) for m in f.metadata)
            )
            yield from within(part, seen)


def _parts(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for argument in get_args(annotation) for part in _parts(argument)]


def test_what_has_no_effect_within_a_field_is_told() -> None:
    notes = (TESTS.parent / "docs" / "fields.md").read_text("utf-8").partition("\n## ")[0]
    seen: set[type[BaseModel]] = set()
    names = {name for body in BODIES.values() for name in within(body, seen)}
    assert len(names) > 5
    assert {name for name in names if f"`{name}`" not in notes} == set()


# b11549: tools/server/server-schema.cpp, and what server-common.cpp and server-context.cpp read beside it; without what
# its routes hand on to themselves (chat_parser, generation_prompt, reasoning tags, grammar_type, parse_tool_calls).
LLAMA_SERVER = re.findall(
    r"\S+",
    """
adaptive_decay adaptive_target backend_sampling cache_prompt chat_format continue_final_message dry_allowed_length
dry_base dry_multiplier dry_penalty_last_n dry_sequence_breakers dynatemp_exponent dynatemp_range echo
frequency_penalty grammar grammar_lazy grammar_triggers id_slot ignore_eos json_schema logit_bias logprobs lora
max_completion_tokens max_tokens min_keep min_p mirostat mirostat_eta mirostat_tau n n_cache_reuse n_cmpl n_discard
n_indent n_keep n_predict n_probs post_sampling_probs presence_penalty preserved_tokens prompt
reasoning_budget_message reasoning_budget_tokens reasoning_control reasoning_format repeat_last_n repeat_penalty
response_fields return_progress return_tokens samplers seed speculative.n_max speculative.n_min
speculative.ngram_min_hits speculative.ngram_size_m speculative.ngram_size_n speculative.p_min speculative.type
sse_ping_interval stop stream stream_options t_max_predict_ms temperature timings_per_token top_k top_n_sigma top_p
typical_p verbose xtc_probability xtc_threshold
""",
)
LLAMA_CHAT = re.findall(
    r"\S+",
    """
add_generation_prompt chat_template_kwargs logprobs messages parallel_tool_calls reasoning_effort response_format
thinking_budget_tokens tool_choice tools top_logprobs
""",
)


def _in_body(names: Iterable[str]) -> list[str]:
    """Without what the SDK sends as headers."""
    return [name for name in names if name not in {"betas", "user_profile_id", "workspace_id"}]


PUBLISHED: dict[str, Sequence[Iterable[str]]] = {
    "/api/chat": (ollama_types.ChatRequest.model_fields, ["truncate", "shift"]),
    "/api/generate": (ollama_types.GenerateRequest.model_fields, ["truncate", "shift"]),
    "/api/embed": (ollama_types.EmbedRequest.model_fields,),
    "/api/embeddings": (ollama_types.EmbeddingsRequest.model_fields,),
    "options of /api": (ollama.Options.model_fields, ["min_p"]),
    "/v1/chat/completions": (ChatParams.__annotations__, ["stream"], LLAMA_CHAT),
    "/v1/responses": (ResponseParams.__annotations__, ["stream"]),
    "/v1/responses/input_tokens": (InputTokenCountParams.__annotations__,),
    "/v1/messages": (_in_body(MessageParams.__annotations__), ["stream", "temperature", "top_k", "top_p"]),
    "/v1/messages/count_tokens": (_in_body(CountParams.__annotations__),),
    "/v1/completions": (TextParams.__annotations__, ["stream"]),
    "/completion": (LLAMA_SERVER,),
    "/infill": (LLAMA_SERVER, ["input_prefix", "input_suffix", "input_extra", "prompt"]),
    "/embedding": (["content", "input", "embd_normalize", "encoding_format"],),
    "/v1/embeddings": (EmbeddingCreateParams.__annotations__,),
    # Jina's and Cohere's documents of today, Cohere's second version and what its first had.
    "/v1/rerank": (
        ["model", "query", "documents", "top_n", "return_documents", "truncation", "return_embeddings"],
        ["max_doc_length", "max_query_length", "max_tokens_per_doc", "priority", "rank_fields", "max_chunks_per_doc"],
    ),
}


@pytest.mark.parametrize("route", PUBLISHED)
def test_the_table_knows_every_field_of_the_published_apis(route: str) -> None:
    known = {name for field, spec in TABLES[route].items() for name in (field, *spec.aliases)}
    assert [name for names in PUBLISHED[route] for name in names if name not in known] == []
