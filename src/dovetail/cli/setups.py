"""What other programs have to be told to use a Dovetail server: a file of their own, beside those they have."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# For clients that want to send some key where the server asks for none.
NO_KEY = "dovetail"


@dataclass(frozen=True, slots=True)
class Target:
    """The server and the model; `context` in tokens or None where it is not known, no `key` where none is asked for."""

    url: str
    model: str
    key: str | None = None
    context: int | None = None
    calls_tools: bool = True

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"

    @property
    def some_key(self) -> str:
        return self.key or NO_KEY


@dataclass(frozen=True, slots=True)
class Places:
    """Where a user's files are."""

    home: Path
    environment: Mapping[str, str]

    def under(self, variable: str, *default: str) -> Path:
        """The folder that an environment variable names, else one in the home folder."""
        said = self.environment.get(variable)
        return Path(said) if said else self.home.joinpath(*default)


@dataclass(frozen=True, slots=True)
class Setup:
    """`content` belongs into `file`; `start` is the command that uses it; `notes` are for the user."""

    file: Path
    content: str
    start: str
    notes: tuple[str, ...] = ()


def claude(target: Target, places: Places) -> Setup:
    """Claude Code. Reference: code.claude.com/docs/en/env-vars, /settings, as of 2.1.332."""
    models = ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
              "ANTHROPIC_DEFAULT_HAIKU_MODEL")  # fmt: skip
    told = {
        "ANTHROPIC_BASE_URL": target.url,
        "ANTHROPIC_AUTH_TOKEN": target.some_key,
        **dict.fromkeys(models, target.model),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if target.context is not None:
        told["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(target.context)
    file = places.under("CLAUDE_CONFIG_DIR", ".claude") / "dovetail.json"
    notes = ("unset ANTHROPIC_API_KEY, where it is set: it would be sent as well",)
    return Setup(file, _json({"env": told}), f"claude --settings {shlex.quote(str(file))}", notes)


def codex(target: Target, places: Places) -> Setup:
    """Codex. Reference: developers.openai.com/codex/config-reference, as of 0.171.0; a profile is a file of its own."""
    lines = [f"model = {_quoted(target.model)}", 'model_provider = "dovetail"']
    if target.context is not None:
        lines.append(f"model_context_window = {target.context}")
    lines += ["", "[model_providers.dovetail]", 'name = "Dovetail"', f"base_url = {_quoted(target.v1)}"]
    lines.append('wire_api = "responses"')
    if target.key is not None:
        lines.append(f"experimental_bearer_token = {_quoted(target.key)}")
    file = places.under("CODEX_HOME", ".codex") / "dovetail.config.toml"
    return Setup(file, "\n".join(lines) + "\n", "codex --profile dovetail")


def opencode(target: Target, places: Places) -> Setup:
    """OpenCode. Reference: opencode.ai/docs/providers, /config, as of 1.18.33; files of several places are merged."""
    model: dict[str, object] = {"name": target.model}
    if target.context is not None:
        model["limit"] = {"context": target.context, "output": max(target.context // 4, 1)}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Dovetail",
        "options": {"baseURL": target.v1, "apiKey": target.some_key},
        "models": {target.model: model},
    }
    named = f"dovetail/{target.model}"
    told = {"$schema": "https://opencode.ai/config.json", "model": named, "small_model": named}
    file = places.under("XDG_CONFIG_HOME", ".config") / "opencode" / "dovetail.json"
    start = f"OPENCODE_CONFIG={shlex.quote(str(file))} opencode"
    return Setup(file, _json({**told, "provider": {"dovetail": provider}}), start)


def aider(target: Target, places: Places) -> Setup:
    """Aider. Reference: aider.chat/docs/config/dotenv.html, /docs/llms/openai-compat.html."""
    told = {
        "AIDER_MODEL": f"openai/{target.model}",
        "AIDER_OPENAI_API_BASE": target.v1,
        "AIDER_OPENAI_API_KEY": target.some_key,
        "AIDER_SHOW_MODEL_WARNINGS": "false",
    }
    file = places.home / ".aider.dovetail.env"
    return Setup(file, _lines(told), f"aider --env-file {shlex.quote(str(file))}")


def continue_(target: Target, places: Places) -> Setup:
    """Continue. Reference: docs.continue.dev/reference; a file in `models` holds in every workspace."""
    # Strings of JSON are strings of YAML.
    lines = ["name: Dovetail", "version: 0.0.1", "schema: v1", "models:"]
    lines += [f"  - name: {_quoted(f'{target.model} (Dovetail)')}", "    provider: openai"]
    lines += [f"    model: {_quoted(target.model)}", f"    apiBase: {_quoted(target.v1)}"]
    lines += [f"    apiKey: {_quoted(target.some_key)}", "    roles: [chat, edit, apply]"]
    if target.calls_tools:
        lines.append("    capabilities: [tool_use]")
    if target.context is not None:
        lines += ["    defaultCompletionOptions:", f"      contextLength: {target.context}"]
    file = places.home / ".continue" / "models" / "dovetail.yaml"
    notes = (f"the editor's extension reads it by itself; the command line: cn --config {shlex.quote(str(file))}",)
    return Setup(file, "\n".join(lines) + "\n", "choose the model in Continue's list", notes)


def open_webui(target: Target, places: Places) -> Setup:
    """Open WebUI. Reference: docs.openwebui.com/reference/env-configuration; the first start's values are kept."""
    told = {
        "OPENAI_API_BASE_URL": target.v1,
        "OPENAI_API_KEY": target.some_key,
        "ENABLE_OLLAMA_API": "false",
        "DEFAULT_MODELS": target.model,
    }
    file = places.under("XDG_CONFIG_HOME", ".config") / "open-webui" / "dovetail.env"
    port = urlsplit(target.url).port or 80
    contained = (
        f"in a container, 127.0.0.1 is the container: there the address is http://host.docker.internal:{port}/v1, "
        "and the server needs --host, an account and server.allowed_hosts (docs/security.md)"
    )
    notes = ("these are read at its first start; later, change them under Admin Settings, Connections", contained)
    start = f"(set -a; . {shlex.quote(str(file))}; open-webui serve --port {port + 1})"
    return Setup(file, _lines(told), start, notes)


SETUPS: Mapping[str, Callable[[Target, Places], Setup]] = {
    "claude": claude,
    "codex": codex,
    "opencode": opencode,
    "aider": aider,
    "continue": continue_,
    "open-webui": open_webui,
}
# Tokens of the client's own instructions and tools, before a word is asked: as tiny-gguf counts them.
TAKES: Mapping[str, int] = {"claude": 24_000, "codex": 13_000, "opencode": 15_000, "open-webui": 11_000}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _quoted(text: str) -> str:
    """A string of TOML, and of YAML."""
    return json.dumps(text)


def _lines(variables: Mapping[str, str]) -> str:
    """Variables as a shell reads them, in quotes where they need some."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
