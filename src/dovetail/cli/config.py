"""`dovetail config`: whether the configuration can be used, what it comes to and why, and its JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import typer

from dovetail.cli.exits import Exit
from dovetail.cli.options import AsJson, Config, Home, sources

if TYPE_CHECKING:
    from dovetail.settings import Settings, Source

config = typer.Typer(name="config", help="Check and show the configuration.", rich_markup_mode=None)


@config.command("check")
def check(*, as_json: AsJson = False, home: Home = None, config: Config = None) -> int:
    """Say whether the configuration can be used, and name each mistake; a server that runs applies what is right."""
    from dovetail.settings import ConfigError
    from dovetail.settings.checks import missing

    origin = sources(home, config)
    mistakes: list[str] = []
    try:
        problem = missing(origin.load())
        mistakes = [problem] if problem is not None else []
    except ConfigError as error:
        mistakes = str(error).splitlines()
    if as_json:
        typer.echo(json.dumps({"ok": not mistakes, "mistakes": mistakes}, indent=2, ensure_ascii=False))
    elif not mistakes:
        path = origin.path
        typer.echo(f"{path}: ok" if path.exists() else f"ok: {path} does not exist, the defaults hold")
    else:
        for mistake in mistakes:
            typer.echo(f"dovetail: {mistake}", err=True)
    return Exit.CONFIG if mistakes else Exit.OK


@config.command("show")
def show(*, as_json: AsJson = False, home: Home = None, config: Config = None) -> None:
    """Show every setting, and where each comes from."""
    settings, said = sources(home, config).read()
    lines = list(_effective(settings, said))
    if as_json:
        document = [{"key": line.key, "value": line.value, "from": line.origin} for line in lines]
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    width = max(len(line.key) for line in lines)
    for line in lines:
        value = json.dumps(line.value, ensure_ascii=False)
        origin = "" if line.origin == "default" else f"  # {line.origin}"
        typer.echo(f"{line.key.ljust(width)} = {value}{origin}")


@config.command("schema")
def show_schema() -> None:
    """Print the JSON schema of dovetail.toml."""
    from dovetail.settings import schema

    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class _Line:
    key: str
    value: object
    origin: str


def _effective(settings: Settings, said: tuple[Source, ...]) -> Iterator[_Line]:
    """Every key with a value, a line each; of models only what was said."""

    def lines(table: dict[str, object], at: tuple[str, ...]) -> Iterator[_Line]:
        for name, value in table.items():
            steps = (*at, name)
            if isinstance(value, dict):
                yield from lines(cast("dict[str, object]", value), steps)
                continue
            source = next((source for source in reversed(said) if source.says(steps)), None)
            origin = "default" if source is None else source.name
            if value is not None and not (steps[0] == "models" and source is None):
                yield _Line(".".join(steps), value, origin)

    yield from lines(settings.model_dump(mode="json"), ())
