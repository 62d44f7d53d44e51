"""The canonical generation request: what every dialect translates into and every engine out of.

`None` in a field always means "not said": the model's own default holds, then Dovetail's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from dovetail.core.model import Adapter

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text inside a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a message: a file in base64, as workers take it, and its media type such as `image/png`.

    `place` is the field that holds it in the request, for messages; empty where that is its place among the messages.
    """

    base64: str
    media_type: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ImageLink:
    """An image that is elsewhere; `serving.media` fetches it, or refuses to, before an engine sees the request."""

    url: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A sound inside a message: a WAV file in base64."""

    base64: str
    place: str = field(default="", compare=False)


Media: TypeAlias = ImagePart | ImageLink | AudioPart
Part: TypeAlias = TextPart | Media


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the assistant made earlier; `arguments` is JSON text exactly as it was produced."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON schema.

    `arguments` is what of it every engine can hold a forced call to, the whole of it where `strict`.
    """

    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool = False
    arguments: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A `tool_choice` that forces one tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


Effort: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """Whether and how long a model thinks before its answer.

    on       None: as its template has it
    budget   tokens of the thought, after which it is closed and the answer follows; None: no bound
    effort   for templates that know the word
    switch, bound   the fields that said `on` and `budget`, for messages; where none said `on`, it is the dialect's
        default, which gives way to a model that cannot have it and to what the model's name says
    """

    on: bool | None = None
    budget: int | None = None
    effort: Effort | None = None
    switch: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """A conversation, rendered by the model's chat template inside the worker.

    `continue_final` asks the model to go on with the last (assistant) message instead of answering it.
    `template_options` are variables for the template; `thinking` becomes some of them once the model is known.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    continue_final: bool = False
    template_options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    thinking: Thinking = Thinking()


@dataclass(frozen=True, slots=True)
class Snippet:
    """A file that a text to be filled in refers to."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """A raw prompt: pieces of text and token ids, in order, no template.

    With a `suffix` the answer is what stands between; `serving.fill` writes it as token ids before an engine sees it.

    begun   how the text between begins
    around  other files, which stand before all else
    """

    parts: tuple[str | int, ...]
    suffix: str | None = None
    begun: str = ""
    around: tuple[Snippet, ...] = ()

    def texts(self) -> list[str]:
        """All that is read, but for the token ids."""
        parts = [part for part in self.parts if isinstance(part, str)]
        files = [text for file in self.around for text in (file.name, file.text)]
        return [*parts, self.suffix or "", self.begun, *files]


Prompt: TypeAlias = ChatPrompt | TextPrompt


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Ranges are checked by the dialects, meanings are llama.cpp's.

    temperature    >= 0; 0 is greedy
    dynatemp_range   the temperature goes that far down and up, with the entropy ** dynatemp_exponent; 0 is none
    top_k          >= 0 tokens; 0 keeps all
    top_p, min_p, typical_p   probabilities in [0, 1]; 1, 0 and 1 switch them off
    repeat_penalty > 0; 1 is none. repeat_last_n: window in tokens, 0 none, -1 the whole context
    frequency_penalty, presence_penalty   in [-2, 2], over the same window
    top_n_sigma    standard deviations below the best logit that are kept; <= 0 keeps all
    xtc_probability, xtc_threshold   how often, and from which probability on, the likeliest tokens are dropped
    dry_*          penalty on what lengthens a repetition: multiplier * base ** (length - allowed_length)
    mirostat       0 off; 1 and 2 take the place of all filters and penalties: tau bits a token, eta learning rate
    logit_bias     token id -> value added to its logit; a text stands for each of its tokens
    """

    temperature: float | None = None
    dynatemp_range: float | None = None
    dynatemp_exponent: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_n_sigma: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_last_n: int | None = None
    dry_sequence_breakers: tuple[str, ...] | None = None
    mirostat: Literal[0, 1, 2] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    seed: int | None = None
    logit_bias: Mapping[int | str, float] = field(default_factory=dict[int | str, float])
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class PlainText:
    """Whatever the model writes."""


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """JSON that matches `schema`, whose keywords have been checked: every engine follows all that are left.

    `place` is the field that asks for it, for messages.
    """

    schema: JsonObject
    name: str = "answer"
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Thought:
    """The tags of a thought; `opened`: the prompt ends in `start`; `told`: from the answer, also where it does not."""

    start: str
    end: str
    opened: bool = False
    told: bool = True


@dataclass(frozen=True, slots=True)
class Grammar:
    """Text of a GBNF grammar's `root`: the whole answer, or what follows the `thought` that may come before it.

    `place` is the field that asks for it, for messages.
    """

    gbnf: str
    thought: Thought | None = None
    place: str = field(default="", compare=False)


OutputFormat: TypeAlias = PlainText | JsonSchema | Grammar

# Where the prompt cache of a request may stay; "nothing": it uses none and leaves none.
Keep: TypeAlias = Literal["disk", "memory", "nothing"]


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One generation, whatever dialect asked for it.

    id          unique; shown to the client and in every log line
    model       the name the client used (an id or an alias)
    max_tokens  bound on generated tokens, None: until the context is full
    bound_said  that is the client's own wish; else the model's settings may have another
    stop        up to 16 strings that end the text and are not part of it
    n           number of choices, each a generation of its own with seed + index
    top_logprobs   log probabilities of each piece of text and of that many rivals; None: of none
    listed_by   the field that asks for them, for messages
    output      the form that the answer must have
    adapter     a LoRA that is applied, None: the model alone, or what its settings name
    space       prompt caches are shared within it; requests of different spaces see nothing of each other
    keep        what may become of its own prompt cache
    """

    id: str
    model: str
    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    bound_said: bool = True
    stop: tuple[str, ...] = ()
    n: int = 1
    top_logprobs: int | None = None
    listed_by: str = field(default="logprobs", compare=False)
    output: OutputFormat = PlainText()
    adapter: Adapter | None = None
    space: str = ""
    keep: Keep = "disk"
