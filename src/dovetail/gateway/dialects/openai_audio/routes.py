"""The routes of speech to text."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.speech import Task
from dovetail.gateway import hearing, multipart, wire
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.dialects.openai_audio.answers import SpeechStatus, TranscriptEvent, TranscriptionAnswer
from dovetail.gateway.dialects.openai_audio.body import FormT, TranscriptionForm, TranslationForm, asked, read
from dovetail.gateway.dialects.openai_audio.reply import JSON, MEDIA_TYPES, LiveTranscript, Transcript
from dovetail.gateway.openapi import answers, reads_form, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.services import Services
from dovetail.gateway.sse import STAY, Reply
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["openai"])


@router.post("/v1/audio/transcriptions", operation_id="createTranscription", response_model=None)
@reads_form(TranscriptionForm)
@answers(TranscriptionAnswer)
@streams(TranscriptEvent)
async def create_transcription(incoming: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a recording says, in the language it is said in."""
    return await _written(incoming, services, caller, TranscriptionForm, "transcribe")


@router.post("/v1/audio/translations", operation_id="createTranslation", response_model=None)
@reads_form(TranslationForm)
@answers(TranscriptionAnswer)
async def create_translation(incoming: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a recording says, in English."""
    return await _written(incoming, services, caller, TranslationForm, "translate")


@router.get("/v1/audio/transcriptions", operation_id="speechStatus")
async def speech_status(services: ServicesDep, caller: CallerDep) -> SpeechStatus:
    """Whether recordings are written down here, and by which model."""
    found = await hearing.stands(services, caller)
    return SpeechStatus(
        enabled=found.state != "disabled",
        installed=hearing.installed(),
        ready=found.state == "ready",
        status=found.state,
        model=found.model,
        progress=found.progress,
        message=found.message or None,
    )


async def _written(incoming: Request, services: Services, caller: Caller, form: type[FormT], task: Task) -> Response:
    hearing.check_enabled(services.settings)
    speech, within = services.settings.speech, services.settings.server.body_timeout
    folder = services.settings.home / hearing.UPLOADS
    stay = cast("ExitStack", incoming.scope[STAY])
    room = max(speech.uploads_bytes, speech.max_bytes)
    share = stay.enter_context(services.spool.share(room, _announced(incoming, speech.max_bytes)))
    sent = await multipart.receive(incoming, folder, stay, share, limit=speech.max_bytes, within=within)
    body, upload = read(form, sent)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await hearing.asked(services, body.model, caller)
    wanted = replace(asked(body, upload, model, task), most_seconds=speech.max_seconds)
    ticket = Ticket("transcription", caller, model, outline(body))
    live = isinstance(body, TranscriptionForm) and body.stream
    lists = (body.words, body.segments) if isinstance(body, TranscriptionForm) else (False, True)
    rendering = (
        LiveTranscript()
        if live
        else Transcript(body.response_format, upload.name, task, words=lists[0], segments=lists[1])
    )
    return Reply(
        services.transcriber.run(wanted, caller, ticket),
        rendering,
        services.requests,
        ticket,
        services.timing,
        headers=headers,
        media_type=MEDIA_TYPES.get(body.response_format, JSON),
    )


def _announced(incoming: Request, most: int) -> int:
    """Bytes that the body says it has, where that is not more than may be sent."""
    said = incoming.headers.get("content-length", "")
    return min(int(said), most) if said.isdecimal() else 0
