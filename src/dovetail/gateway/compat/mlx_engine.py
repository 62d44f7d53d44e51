"""The MLX server's `POST /chat`: one prompt, answered as it comes, in the frames of `/completion`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Capability, Model
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, TextPart, TextPrompt
from dovetail.gateway.adapters import adapter
from dovetail.gateway.addressee import PARAMETER, found
from dovetail.gateway.answers import LlamaCompletion
from dovetail.gateway.chunks import LlamaChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.dialects.llamacpp.completion import Completion
from dovetail.gateway.openai import new_id
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.sampling import ModelName, SamplingBody
from dovetail.gateway.services import Services

router = APIRouter(tags=["older servers"])


class PromptBody(SamplingBody):
    """A prompt, which the model's chat template wraps; with `/v1/completions`' sampling fields."""

    prompt: Annotated[str, Field(min_length=1)]
    model: Annotated[ModelName | None, Field(description="Without it the only loaded model, or an MLX model.")] = None
    stream: Annotated[bool, Field(description="False: one object instead of server-sent events.")] = True

    def request(self, model: Model) -> GenerateRequest:
        """The core's form."""
        chats = Capability.CHAT in model.capabilities
        prompt = ChatPrompt((Message("user", (TextPart(self.prompt),)),)) if chats else TextPrompt((self.prompt,))
        return GenerateRequest(
            id=new_id("chat"),
            model=self.model or model.name,
            prompt=prompt,
            sampling=self.sampling(),
            max_tokens=self.limit(),
            bound_said=self.max_tokens is not None,
            stop=self.stops(),
            output=self.output(),
            adapter=adapter(self.adapter),
        )


@router.post("/chat", operation_id="chat", response_model=None, openapi_extra={"parameters": [PARAMETER]})
@reads(PromptBody)
@answers(LlamaCompletion)
@streams(LlamaChunk)
async def chat(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Answers one prompt."""
    body = await receive_body(request, services, PromptBody)
    model = await _model(request, services, caller, body.model)
    generate = await translated(request, lambda: body.request(model))
    return generation(services, caller, body, [generate], Completion(model.name, streamed=body.stream))


async def _model(request: Request, services: Services, caller: Caller, name: str | None) -> Model:
    """What is meant; where that is nothing, the first sound model, MLX ones before others."""
    try:
        return await found(request, services, caller, name)
    except InvalidRequest as nothing:
        if nothing.param != "model" or nothing.status != InvalidRequest.status:
            raise
        models = await asyncio.to_thread(services.catalog.models)
        usable = [m for m in models if m.invalid is None and m.writes and caller.may_use(m.id)]
        if not usable:
            raise
        return next((model for model in usable if model.format == "mlx"), usable[0])
