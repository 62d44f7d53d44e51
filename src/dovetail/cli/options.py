"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from dovetail.cli.restoration import settle

if TYPE_CHECKING:
    from dovetail.settings import Settings, Sources

Home: TypeAlias = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="The home folder (DOVETAIL_HOME; else the platform's).")
]
Config: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration (DOVETAIL_CONFIG; else HOME/dovetail.toml)."),
]
ModelsDir: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--models-dir", metavar="DIR", help="A folder with models, beside HOME/models. Repeatable."),
]
ModelsConfig: TypeAlias = Annotated[
    Path | None,
    typer.Option("--models-config", metavar="FILE", help="An earlier server's models-config.json, else HOME's."),
]
NoDemo: TypeAlias = Annotated[bool, typer.Option("--no-demo", help="Leave out the tiny models of the package.")]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="VITE_LLAMACPP_BASE_URL",
        help="A running server; else the one of the home folder.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def configured(home: Path | None, config: Path | None, said: Mapping[str, object] | None = None) -> Settings:
    """The settings of `sources`, now. Raises ConfigError."""
    return sources(home, config, said).load()


def home_of(home: Path | None) -> Path:
    """The home folder, by the flag or without it; no configuration is read."""
    from dovetail.settings import default_home

    return home or Path(os.environ.get("DOVETAIL_HOME") or default_home())


def sources(home: Path | None, config: Path | None, said: Mapping[str, object] | None = None) -> Sources:
    """Where settings come from under `said`, a mapping of dotted keys to flags of which None means not said.

    A restore that was cut short is finished before: the configuration is among what it brings back. Raises Failure.
    """
    from dovetail.settings import Sources

    settle(home_of(home))

    flags: dict[str, object] = {}
    for name, value in (said or {}).items():
        if value is None:
            continue
        section, _, key = name.rpartition(".")
        inside = flags.setdefault(section, {}) if section else flags
        if isinstance(inside, dict):
            inside[key] = value
    return Sources(config, flags, home)


def texts(paths: list[Path] | None) -> list[str] | None:
    """Paths as settings read them."""
    return None if paths is None else [str(path) for path in paths]
