"""A model file that cannot be loaded, and why."""

from __future__ import annotations

from dovetail.core.errors import InvalidRequest


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

    def __init__(self, what: str) -> None:
        super().__init__(f"remote code is not allowed: {what}")
