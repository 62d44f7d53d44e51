"""Chat templates of well-known formats, as data: for a model whose files have none, or a wrong one."""

from pathlib import Path

from dovetail.core.model import ChatFormat


def template(name: ChatFormat) -> Path:
    """The Jinja file of a format."""
    return Path(__file__).with_name(f"{name}.jinja")
