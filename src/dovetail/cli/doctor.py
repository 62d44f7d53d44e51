"""`dovetail doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from dovetail import __version__
from dovetail.cli.exits import Exit
from dovetail.cli.options import AsJson, Config, Home

if TYPE_CHECKING:
    from dovetail.cli.diagnosis import Finding

_MARKS = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "red")}


def doctor(*, as_json: AsJson = False, home: Home = None, config: Config = None) -> int:
    """Check engines, devices, memory, home folder, port and models, and say what to do about what is missing."""
    from dovetail.cli.diagnosis import diagnose

    findings = diagnose(home, config)
    if as_json:
        document = {"version": __version__, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            _show(finding)
    return next((finding.exit for finding in findings if finding.exit is not Exit.OK), Exit.OK)


def _show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.status]
    typer.echo(f"{typer.style(mark, fg=colour)}  {finding.subject:<14} {finding.fact}")
    if finding.advice:
        typer.echo(f"{'':<21}-> {finding.advice}")
