"""The fields that give an answer its form: `response_format`, `json_schema`, `grammar` and `regex`."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field

from dovetail.core import gbnf
from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.fields import FORMS
from dovetail.core.grammar import MAX_SIZE, GrammarError
from dovetail.core.regex import MAX_LENGTH, to_gbnf
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    JsonObject,
    JsonSchema,
    NamedTool,
    OutputFormat,
    PlainText,
    Tool,
)
from dovetail.gateway.schemas import reduced
from dovetail.gateway.wire import Named, Wire, of

_FORMS = ("response_format", *FORMS)
ANY_OBJECT: JsonObject = {"type": "object", "additionalProperties": True}


class StructuredFields(Named):
    """What every text dialect takes; at most one of them in a request."""

    grammar: Annotated[str | None, of(FORMS["grammar"]), Field(max_length=MAX_SIZE)] = None
    json_schema: Annotated[dict[str, object] | None, of(FORMS["json_schema"])] = None
    regex: Annotated[str | None, of(FORMS["regex"]), Field(max_length=MAX_LENGTH)] = None

    def forms(self) -> list[str]:
        """The fields that give the answer a form."""
        return [name for name in _FORMS if getattr(self, name, None) not in (None, "")]

    def form(self) -> str:
        """The field that gives the answer a form; "" where none does."""
        return next(iter(self.forms()), "")

    def output(self) -> OutputFormat:
        """The core's form. Raises InvalidRequest that names the field."""
        forms = self.forms()
        if len(forms) > 1:
            raise InvalidRequest(f"{forms[0]} and {forms[1]} cannot be had at once", param=forms[1])
        if self.json_schema is not None:
            return JsonSchema(reduced(cast("JsonObject", self.json_schema), "json_schema"), place="json_schema")
        if self.grammar:
            return _checked("grammar", self.grammar)
        if self.regex:
            return _checked("regex", self.regex)
        return PlainText()


class NamedSchema(Wire):
    """The schema of a `response_format`. Schemas are always followed, `strict` or not."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,128}$")] = "answer"
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    schema_: Annotated[dict[str, object] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(Wire):
    """OpenAI's `response_format`; `schema` is llama.cpp's, beside `json_object`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None
    schema_: Annotated[dict[str, object] | None, Field(alias="schema")] = None

    def output(self) -> OutputFormat:
        """The core's form. Raises InvalidRequest that names the field."""
        for name, said, owner in (
            ("json_schema", self.json_schema, "json_schema"),
            ("schema", self.schema_, "json_object"),
        ):
            if said is not None and self.type != owner:
                param = f"response_format.{name}"
                raise InvalidRequest(f'{param}: goes with the type "{owner}" alone', param=param)
        if self.type == "text":
            return PlainText()
        if self.type == "json_object":
            whole = cast("JsonObject", self.schema_)
            return JsonSchema(reduced(whole, "response_format") if whole else ANY_OBJECT, place="response_format")
        if self.json_schema is None:
            raise InvalidRequest("response_format: json_schema is missing", param="response_format")
        if self.json_schema.schema_ is None:
            raise InvalidRequest(
                "response_format: json_schema.schema is missing; for any JSON object the type is json_object",
                param="response_format.json_schema.schema",
            )
        schema = cast("JsonObject", self.json_schema.schema_)
        return JsonSchema(reduced(schema, "response_format"), self.json_schema.name, "response_format")


def check_combination(request: GenerateRequest, param: str) -> None:
    """Raises InvalidRequest for what cannot go together with a form: `param` gave it."""
    forced = isinstance(request.prompt, ChatPrompt) and _forced(request.prompt)
    if isinstance(request.output, PlainText) and not forced:
        return
    if request.sampling.ignore_eos:
        raise InvalidRequest(f"ignore_eos and {param} cannot be had at once: the form says where it ends", param=param)
    chat = request.prompt
    if not isinstance(chat, ChatPrompt):
        return
    if chat.messages[-1].role == "assistant":
        raise UnsupportedField(param, "is not supported where the last message is the assistant's: its form has begun")
    if isinstance(request.output, PlainText):
        return
    if chat.tools and chat.tool_choice != "none":
        raise UnsupportedField(param, 'cannot be had with tools, except with tool_choice "none"')


def forced_tool(name: str, description: str | None, parameters: object, *, strict: bool) -> Tool:
    """A tool of a forced call. Without `strict`, arguments that engines cannot be held to are any object."""
    schema = cast("JsonObject | None", parameters)
    arguments: JsonObject | None = None
    if schema:
        try:
            arguments = reduced({"type": "object", **schema}, "tools")
        except InvalidRequest:
            if strict:
                raise
    if arguments is not None and arguments.get("type") != "object":
        raise InvalidRequest("tools: the parameters of a function have to be an object", param="tools")
    return Tool(name, description, schema, strict, arguments)


def _forced(chat: ChatPrompt) -> bool:
    return bool(chat.tools) and (chat.tool_choice == "required" or isinstance(chat.tool_choice, NamedTool))


def _checked(field: Literal["grammar", "regex"], text: str) -> Grammar:
    try:
        if field == "regex":
            return Grammar(to_gbnf(text), place=field)
        gbnf.parse(text)
    except GrammarError as error:
        raise InvalidRequest(f"{field}: {error}", param=field) from None
    return Grammar(text, place=field)
