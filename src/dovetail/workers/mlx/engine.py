"""The event loop's side of the worker: requests to the generation thread, and its events back to them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dovetail.workers.mlx.adapter import AdapterChoice
from dovetail.workers.mlx.budget import Bound, Budget
from dovetail.workers.mlx.conversation import opening, render
from dovetail.workers.mlx.dry import Dry, breakers
from dovetail.workers.mlx.embeddings import Embed
from dovetail.workers.mlx.events import Event
from dovetail.workers.mlx.form import Form, Gbnf
from dovetail.workers.mlx.frames import ChatFrames, CompletionFrames, Identity
from dovetail.workers.mlx.grammar import Constraint, Grammars
from dovetail.workers.mlx.job import Job
from dovetail.workers.mlx.load import Loaded
from dovetail.workers.mlx.loop import Generation, QueueFullError, Settings
from dovetail.workers.mlx.pooling import Text
from dovetail.workers.mlx.protocol import Chat, Completion, Generate, RequestError
from dovetail.workers.mlx.reasoning import AnswerParser, Opening
from dovetail.workers.mlx.sampling import Processor
from dovetail.workers.mlx.tool_calls import Calls
from dovetail.workers.mlx.vocabulary import Vocabulary

COMPILE_S = 10.0  # for a form, the wait for its turn included; the first one builds the vocabulary's trie
COMPILERS = 2
STALL_S = 60.0  # a generation thread that has not come round for so long is taken for dead


@dataclass(frozen=True, slots=True)
class Answer:
    """A job under way: its events as they come, and how they are framed."""

    job: Job
    events: asyncio.Queue[Event]
    frames: ChatFrames | CompletionFrames


class Engine:
    """Built on the event loop that serves; `start` begins loading."""

    def __init__(
        self,
        settings: Settings,
        build: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        compile_within: float = COMPILE_S,
    ) -> None:
        self.settings = settings
        self.build = build
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self._grammars: Grammars | None = None
        self._compile_within = compile_within
        # Of their own: a form that takes long keeps others waiting, never a prompt that is tokenised.
        self._compilers = ThreadPoolExecutor(COMPILERS, "grammar")
        self.generation = Generation(settings, self._post, self._end, clock=clock)

    def start(self) -> None:
        self.generation.start()

    def unhealthy(self) -> str | None:
        """Why the generation thread cannot answer now; None when it can."""
        if self.generation.loaded is None:
            return "Loading model" if self.generation.failure is None else "The model could not be loaded"
        if not self.generation.alive:
            return "The generation thread has ended"
        silent = self._clock() - self.generation.beat
        return f"The generation thread has been silent for {silent:.0f} s" if silent > STALL_S else None

    @property
    def loaded(self) -> Loaded:
        """The model.

        Raises:
            RequestError: 503 while there is none.
        """
        loaded = self.generation.loaded
        if loaded is None:
            raise RequestError("Loading model", status=503, type_="unavailable_error")
        return loaded

    async def chat(
        self,
        chat: Chat,
        form: Form | None = None,
        adapter: AdapterChoice | None = None,
        bound: Bound | None = None,
    ) -> Answer:
        loaded = self.loaded
        text = await asyncio.to_thread(render, loaded.template, chat)
        prompt = await self._encode(loaded, [text], add_special=False)
        where, think = opening(text, loaded.template, chat), loaded.template.think
        shown = chat.split_reasoning or think is None
        parser = AnswerParser(
            think if chat.split_reasoning else None,
            opening=where if shown else Opening.CONTENT,
            calls=Calls(loaded.tools, chat.tools, parallel=chat.parallel_calls)
            if loaded.tools is not None and chat.tools and form is None
            else None,
            start=loaded.tools.start if loaded.tools is not None else "",
        )
        frames = ChatFrames(
            self._identity(loaded),
            parser,
            chat.generate,
            prompt_tokens=len(prompt),
            include_usage=chat.include_usage,
            # Reasoning that stays in the content keeps the tag that the prompt opened it with.
            prefix=f"{think[0]}\n" if think is not None and not shown and where is Opening.THOUGHT else "",
        )
        special = bool(chat.tools) and form is None and loaded.tools is not None and loaded.tools.parse is not None
        held = await self._held(loaded, form, chat, where)
        processors = (*held, *_bounded(loaded, bound, text, where))
        return await self._submit(
            prompt, chat.generate, frames, special=special, processors=processors, adapter=adapter
        )

    async def complete(
        self, completion: Completion, form: Form | None = None, adapter: AdapterChoice | None = None
    ) -> Answer:
        loaded = self.loaded
        prompt = await self._encode(loaded, completion.prompt, add_special=True)
        frames = CompletionFrames(self._identity(loaded), completion.generate, prompt_tokens=len(prompt))
        held = await self._held(loaded, form)
        return await self._submit(prompt, completion.generate, frames, processors=held, adapter=adapter)

    async def embed(self, asked: Embed) -> tuple[list[bytes], int]:
        """A vector for each text, and the tokens of all. Cancelling it drops the texts that are not yet begun."""
        loaded = self.loaded
        found = [await self._text(loaded, parts) for parts in asked.texts]
        texts = [Text(tokens, asked.pooling, asked.normalize, asked.adapter) for tokens in found]
        try:
            for text in texts:
                self.generation.embed(text)
            vectors = [await asyncio.wrap_future(text.vector) for text in texts]
        except QueueFullError:
            raise RequestError("too many texts are waiting", status=503, type_="unavailable_error") from None
        finally:
            for text in texts:
                text.vector.cancel()
        return vectors, sum(len(text.tokens) for text in texts)

    async def _text(self, loaded: Loaded, parts: Sequence[str | int]) -> tuple[int, ...]:
        least = sum(1 if isinstance(part, int) else loaded.vocabulary.at_least(part) for part in parts)
        if least > self.settings.context:
            raise self._too_long(least, at_least=True)
        tokens = await asyncio.to_thread(encode_mixed, loaded.vocabulary, parts, add_special=True)
        if len(tokens) > self.settings.context:
            raise self._too_long(len(tokens))
        if not tokens or max(tokens) >= loaded.n_vocab:
            raise RequestError("the text holds no token that the model has an embedding for")
        return tuple(tokens)

    async def _held(
        self, loaded: Loaded, form: Form | None, chat: Chat | None = None, where: Opening = Opening.CONTENT
    ) -> tuple[Processor, ...]:
        """What holds an answer to `form`: in a conversation, after the thought, where there may be one."""
        if form is None:
            return ()
        if self._grammars is None:
            self._grammars = Grammars(loaded.vocabulary, loaded.n_vocab)
        grammars = self._grammars
        try:
            async with asyncio.timeout(self._compile_within):
                matcher = await self._loop.run_in_executor(self._compilers, grammars.compile, form)
        except TimeoutError:
            raise RequestError("failed to parse grammar: it takes too long") from None
        # A grammar that no thought is to precede holds from the first token on, whatever the template opens.
        silent = chat is None or (isinstance(form, Gbnf) and chat.options.get("enable_thinking") is False)
        think = None if silent else loaded.template.think
        opening: int | None = None
        if think and chat and where is Opening.ANSWER and chat.options.get("enable_thinking") is not False:
            opening = grammars.starts(think[0])
        return (
            Constraint(
                matcher,
                loaded.vocabulary,
                closing=think[1] if think else None,
                thinking=think is not None and where is Opening.THOUGHT,
                opening=opening,
            ),
        )

    async def _encode(self, loaded: Loaded, parts: Sequence[str | int], *, add_special: bool) -> list[int]:
        """The prompt's ids; text that cannot fit is refused unread, since reading it can take minutes."""
        least = sum(1 if isinstance(part, int) else loaded.vocabulary.at_least(part) for part in parts)
        if least >= self.settings.context:
            raise self._too_long(least, at_least=True)
        return await asyncio.to_thread(encode_mixed, loaded.vocabulary, parts, add_special=add_special)

    def _identity(self, loaded: Loaded) -> Identity:
        return Identity(loaded.path.name, self.build, loaded.vocabulary.piece)

    async def _submit(
        self,
        prompt: Sequence[int],
        generate: Generate,
        frames: ChatFrames | CompletionFrames,
        *,
        special: bool = False,
        processors: tuple[Processor, ...] = (),
        adapter: AdapterChoice | None = None,
    ) -> Answer:
        self._check(prompt)
        extra = await asyncio.to_thread(_dry, self.loaded.vocabulary, generate) if generate.sampling.dry else ()
        events: asyncio.Queue[Event] = asyncio.Queue()
        job = Job(
            prompt=tuple(prompt),
            sampling=generate.sampling,
            max_tokens=generate.max_tokens,
            stops=generate.stops,
            ignore_eos=generate.ignore_eos,
            top_logprobs=generate.top_logprobs,
            progress=generate.progress,
            space=generate.space,
            reuse=generate.reuse,
            keep=generate.keep,
            special=special,
            adapter=adapter,
            processors=(*extra, *processors),
            deliver=events.put_nowait,
        )
        try:
            self.generation.submit(job)
        except QueueFullError:
            raise RequestError("too many requests are waiting", status=503, type_="unavailable_error") from None
        return Answer(job, events, frames)

    def _check(self, prompt: Sequence[int]) -> None:
        """What MLX would not survive: nothing to compute, no room for an answer, an id it has no row for."""
        if not prompt:
            raise RequestError('"prompt" must not be empty')
        if len(prompt) >= self.settings.context:
            raise self._too_long(len(prompt))
        if max(prompt) >= self.loaded.n_vocab:
            raise RequestError("the prompt holds tokens that the model has no embedding for")

    def _too_long(self, n_prompt: int, *, at_least: bool = False) -> RequestError:
        n_ctx = self.settings.context
        return RequestError(
            f"request ({n_prompt} tokens) exceeds the available context size ({n_ctx} tokens), try increasing it",
            type_="exceed_context_size_error",
            n_prompt_tokens=n_prompt,
            n_ctx=n_ctx,
            at_least=at_least,
        )

    def _end(self) -> None:
        """Called on the generation thread, as the last thing it does."""
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.ended.set)

    def _post(self, events: Sequence[tuple[Job, Event]]) -> None:
        """Called on the generation thread."""
        try:
            self._loop.call_soon_threadsafe(_deliver, events)
        except RuntimeError:  # the loop has closed: nobody is left to read
            self.generation.stop()


def _bounded(loaded: Loaded, bound: Bound | None, prompt: str, where: Opening) -> tuple[Processor, ...]:
    """What holds the thought to `bound`, where there can be one."""
    think = loaded.template.think
    if bound is None or think is None or where is Opening.CONTENT:
        return ()
    start, end = think
    opened = prompt.rpartition(start)[2] if where is Opening.THOUGHT else None
    ends = (end,) if loaded.tools is None else (end, loaded.tools.start)
    return (Budget(loaded.vocabulary, bound, start=start, ends=ends, opened=opened),)


def _dry(vocabulary: Vocabulary, generate: Generate) -> tuple[Processor, ...]:
    """Reads the whole vocabulary: not on an event loop."""
    options = generate.sampling.dry
    if options is None or generate.sampling.mirostat is not None:
        return ()

    def encode(text: str) -> Sequence[int]:
        return vocabulary.encode(text, add_special=False, parse_special=False)

    return (Dry(options, breakers(vocabulary.bytes, encode, options.breakers)),)


def _deliver(events: Sequence[tuple[Job, Event]]) -> None:
    for job, event in events:
        if job.deliver is not None and not job.cancelled:
            job.deliver(event)


def encode_mixed(
    vocabulary: Vocabulary, parts: Sequence[str | int], *, add_special: bool, parse_special: bool = True
) -> list[int]:
    """Strings and ids to ids; only a string at the front gets the tokens that open a text."""
    tokens: list[int] = []
    for index, part in enumerate(parts):
        if isinstance(part, int):
            tokens.append(part)
        else:
            tokens += vocabulary.encode(part, add_special=add_special and index == 0, parse_special=parse_special)
    return tokens
