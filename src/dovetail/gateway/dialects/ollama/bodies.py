"""The requests of `/api/chat` and `/api/generate`, from Ollama's form to the core's."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from pydantic import Field

from dovetail.core.errors import InvalidRequest
from dovetail.core.ollama_fields import CHAT, GENERATE
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Message,
    Part,
    Prompt,
    TextPart,
    TextPrompt,
    Tool,
    ToolCall,
)
from dovetail.gateway.dialects.ollama.options import Image, OllamaOptions, Written, image
from dovetail.gateway.functions import Function, tools
from dovetail.gateway.structured import check_combination
from dovetail.gateway.wire import Inert, Wire, of

_Images = Annotated[list[Image], Field(max_length=64)]


class OllamaFunction(Wire):
    """A tool's function."""

    name: Annotated[str, Field(pattern=r"^[\w.:/-]{1,128}$")]
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    parameters: dict[str, object] | None = None


class OllamaTool(Wire):
    """A tool."""

    type: Literal["function"] = "function"
    function: OllamaFunction


class OllamaCalled(Wire):
    """The function of an earlier call."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: dict[str, object] = Field(default_factory=dict[str, object])
    index: Annotated[object, Inert()] = None


class OllamaCall(Wire):
    """An earlier call of a tool."""

    id: Annotated[str, Field(max_length=256)] = ""
    type: Literal["function"] = "function"
    function: OllamaCalled


class OllamaMessage(Wire):
    """One message of any role."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: _Images | None = None
    tool_calls: Annotated[list[OllamaCall] | None, Field(max_length=256)] = None
    tool_name: Annotated[str | None, Field(max_length=256)] = None
    tool_call_id: Annotated[str | None, Field(max_length=256)] = None


_Messages = Annotated[list[OllamaMessage], Field(max_length=10_000, fail_fast=True)]
_Tools = Annotated[list[OllamaTool], Field(max_length=512, fail_fast=True)]


class OllamaChat(Written):
    """The body of `/api/chat`."""

    messages: Annotated[_Messages | None, of(CHAT["messages"])] = None
    tools: Annotated[_Tools | None, of(CHAT["tools"])] = None

    @property
    def empty(self) -> bool:
        """Whether it asks for the model alone."""
        return not self.messages

    def request(self, request_id: str, model: str) -> GenerateRequest:
        """The core's form. Raises InvalidRequest."""
        messages = tuple(_message(each, f"messages[{i}]") for i, each in enumerate(self.messages or ()))
        # An assistant's message at the end is gone on with, as Ollama does.
        continued = messages[-1].role == "assistant" and not messages[-1].tool_calls
        prompt = ChatPrompt(messages, self._tools(), continue_final=continued, thinking=self.thinking())
        if self.tools and self.logprobs:
            raise InvalidRequest("logprobs: cannot be said of answers with tools", param="logprobs")
        return _request(self, request_id, model, prompt)

    def _tools(self) -> tuple[Tool, ...]:
        offered = enumerate(tool.function for tool in self.tools or ())
        functions = [
            Function(f"tools[{i}]", "function.parameters", f.name, f.description, f.parameters, strict=False)
            for i, f in offered
        ]
        return tools(functions, "auto")


class OllamaGenerate(Written):
    """The body of `/api/generate`."""

    prompt: Annotated[str | None, of(GENERATE["prompt"])] = None
    suffix: Annotated[str | None, of(GENERATE["suffix"])] = None
    system: Annotated[str | None, of(GENERATE["system"])] = None
    images: Annotated[_Images | None, of(GENERATE["images"])] = None
    raw: Annotated[bool | None, of(GENERATE["raw"])] = None
    template: Annotated[object, of(GENERATE["template"])] = None
    context: Annotated[object, of(GENERATE["context"])] = None
    width: Annotated[object, of(GENERATE["width"])] = None
    height: Annotated[object, of(GENERATE["height"])] = None
    steps: Annotated[object, of(GENERATE["steps"])] = None

    @property
    def empty(self) -> bool:
        """Whether it asks for the model alone."""
        return not (self.prompt or self.suffix or self.images)

    def request(self, request_id: str, model: str) -> GenerateRequest:
        """The core's form. Raises InvalidRequest."""
        return _request(self, request_id, model, self._prompt())

    def _prompt(self) -> Prompt:
        text = self.prompt or ""
        if self.raw or self.suffix:
            for name in ("system", "images", "think"):
                if getattr(self, name):
                    how = "raw" if self.raw else "suffix"
                    raise InvalidRequest(f"{name}: has no place in a prompt with {how}", param=name)
            return TextPrompt((text,), self.suffix or None)
        pictures = tuple(image(each, f"images[{i}]") for i, each in enumerate(self.images or ()))
        asked = Message("user", (TextPart(text), *pictures))
        system = (Message("system", (TextPart(self.system),)),) if self.system else ()
        return ChatPrompt((*system, asked), thinking=self.thinking())


def _request(body: Written, request_id: str, model: str, prompt: Prompt) -> GenerateRequest:
    options = body.options or OllamaOptions()
    request = GenerateRequest(
        id=request_id,
        model=model,
        prompt=prompt,
        sampling=options.sampling(),
        max_tokens=options.limit(),
        bound_said=options.num_predict is not None,
        stop=options.stops(),
        top_logprobs=body.listed(),
        output=body.output(),
    )
    check_combination(request, "format")
    return request


def _message(body: OllamaMessage, where: str) -> Message:
    if body.images and body.role != "user":
        raise InvalidRequest(f"{where}.images: are read in a user message only", param=f"{where}.images")
    if body.tool_calls and body.role != "assistant":
        raise InvalidRequest(f"{where}.tool_calls: only assistant messages have it", param=f"{where}.tool_calls")
    if body.content is None and not body.tool_calls and not body.images and body.thinking is None:
        raise InvalidRequest(f"{where}.content: a {body.role} message needs content", param=f"{where}.content")
    text: tuple[Part, ...] = () if body.content is None else (TextPart(body.content),)
    return Message(
        role=body.role,
        parts=(*text, *(image(each, f"{where}.images[{i}]") for i, each in enumerate(body.images or ()))),
        name=body.tool_name,
        reasoning=body.thinking,
        tool_calls=tuple(
            ToolCall(call.id, call.function.name, orjson.dumps(call.function.arguments).decode())
            for call in body.tool_calls or ()
        ),
        tool_call_id=body.tool_call_id,
    )
