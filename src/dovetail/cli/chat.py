"""`dovetail chat`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Annotated

import typer

from dovetail.cli import client
from dovetail.cli.answer import Answer, Display, ask
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import fetch
from dovetail.cli.options import AsJson, Config, Home, ModelsDir, NoDemo, Url, configured, texts
from dovetail.cli.own_server import any_server
from dovetail.core.request import Json, JsonObject

_HELP = "/clear forgets the conversation, /model ID changes the model, /bye (or Ctrl-D) leaves; Ctrl-C stops an answer."


def chat(
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    *,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Id or alias; else a model that is ready.")] = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="A system prompt.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer in tokens.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
    models_dir: ModelsDir = None,
    config: Config = None,
    no_demo: NoDemo = False,
) -> None:
    """Talk to a model, on the running server or, when none runs, on one of its own."""
    said = {"catalog.folders": texts(models_dir), "catalog.demo": False if no_demo else None}
    settings = configured(home, config, said)
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.read()
    with any_server(url, settings) as server:
        conversation = Conversation(server, model or _choose(server), system, max_tokens, as_json)
        if question is None:
            _converse(conversation)
        else:
            conversation.ask(question)


@dataclass(slots=True)
class Conversation:
    """The turns so far with one model."""

    server: client.Server
    model: str
    system: str | None = None
    max_tokens: int | None = None
    as_json: bool = False
    turns: list[Json] = field(default_factory=list["Json"])

    def ask(self, question: str) -> None:
        """Shows the answer. It becomes a turn even if Ctrl-C cuts it short: the next question may refer to it."""
        asked: JsonObject = {"role": "user", "content": question}
        opening: list[Json] = [{"role": "system", "content": self.system}] if self.system else []
        body: JsonObject = {"model": self.model, "messages": [*opening, *self.turns, asked]}
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        answer = Answer()
        try:
            ask(self.server, body, Display(silent=self.as_json), answer)
        finally:
            if answer.content:
                told: JsonObject = {"role": "assistant", "content": answer.content}
                self.turns.extend((asked, told))
        if self.as_json:
            typer.echo(json.dumps(answer.as_json(self.model), ensure_ascii=False))


def _converse(conversation: Conversation) -> None:
    """Questions from the terminal. Ctrl-C during an answer stops it; at the prompt it leaves."""
    typer.echo(f"{conversation.model} · {_HELP}", err=True)
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            typer.echo(err=True)
            return
        match line.split(maxsplit=1):
            case []:
                continue
            case ["/bye" | "/exit" | "/quit"]:
                return
            case ["/clear"]:
                conversation.turns.clear()
            case ["/model", model]:
                conversation.model = model
            case [command, *_] if command.startswith("/"):
                typer.echo(_HELP, err=True)
            case _:
                _answer(conversation, line)


def _answer(conversation: Conversation, question: str) -> None:
    try:
        conversation.ask(question)
    except KeyboardInterrupt:
        typer.echo("(stopped)", err=True)
    except Failure as failure:
        typer.echo(f"dovetail: {failure}", err=True)


def _choose(server: client.Server) -> str:
    """A model that is ready, or else the first that has not failed."""
    models = fetch(server)
    ready = [model for model in models if model.get("state") == "ready"]
    sound = [model for model in models if model.get("state") != "failed"]
    for candidate in (*ready, *sound, *models):
        match candidate.get("id"):
            case str(chosen):
                return chosen
            case _:
                continue
    raise Failure("there are no models: put a .gguf file or an MLX folder into models/ in the home folder", Exit.CONFIG)
