"""A model file that cannot be loaded, and why."""

from __future__ import annotations

from typing import NoReturn

from dovetail.core.errors import InvalidRequest

# What people find under the name of a model, by its first bytes.
_IMPOSTORS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the model itself: run `git lfs pull`"),
    (b"<!doctype", "an HTML page, not a model: the download failed or needed a login"),
    (b"<html", "an HTML page, not a model: the download failed or needed a login"),
    (b"{", "JSON, not a model"),
    (b"pk\x03\x04", "a zip archive, not a model"),
    (b"tjgg", "the GGML format from before GGUF: convert it or download a GGUF file"),
    (b"fmgg", "the GGML format from before GGUF: convert it or download a GGUF file"),
    (b"lmgg", "the GGML format from before GGUF: convert it or download a GGUF file"),
)


class InvalidModelFile(InvalidRequest):
    """The file or folder is damaged, hostile or not a model; `reason` names the defect and what to do."""

    status = 422
    code = "invalid_model_file"

    def __init__(self, reason: str) -> None:
        # Names and values from files are quoted in reasons: nothing in them may reach a terminal or break an encoder.
        super().__init__("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in reason))

    @property
    def reason(self) -> str:
        return self.message


class RemoteCodeNotAllowed(InvalidModelFile):
    """The model would run code of its own: Python files, pickles, or a configuration that names a module."""

    status = 403
    code = "remote_code_not_allowed"


def refuse_pointer(start: bytes, name: str) -> None:
    """Raises InvalidModelFile for what Git LFS leaves in place of the file `name`, by its first bytes."""
    if start.startswith(b"version"):
        raise InvalidModelFile(f"{name} is a Git LFS pointer, not the model itself: run `git lfs pull`")


def refuse_impostor(start: bytes) -> NoReturn:
    """Says what a file is that is no GGUF, by its first bytes."""
    text = start[:64].lstrip().lower()
    for magic, what in _IMPOSTORS:
        if text.startswith(magic):
            raise InvalidModelFile(f"the file is {what}")
    raise InvalidModelFile(f"not a GGUF file: it begins with {start[:4].hex(' ')}")
