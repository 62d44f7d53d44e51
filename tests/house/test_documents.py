from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .documents import bad_input_rows
from .marks import marked_tests

ROOT = Path(__file__).parents[2]


def test_generated_documents_are_current() -> None:
    command = [sys.executable, "-m", "tests.house.documents", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_bad_input_is_tried_or_waits_for_something() -> None:
    sections, later = bad_input_rows()
    rows = [row for section in sections.values() for row in section]
    assert rows == [str(number) for number in range(1, 68)]
    tried = marked_tests(ROOT / "tests", "bad_input")
    assert {row for row in rows if row not in tried} == set(later)


def test_links_between_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = re.findall(
        r"^python3 -m venv .*requirements-dev\.lock.*$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert command.endswith("check")


def test_the_codes_of_errors_are_in_the_api_document() -> None:
    source = ROOT / "src" / "dovetail"
    texts = [file.read_text("utf-8") for file in source.rglob("*.py") if "workers" not in file.parts]
    raised = {code for text in texts for code in re.findall(r'\bcode(?:: str)? ?= ?"([a-z_]+)"', text)}
    table = (ROOT / "docs" / "api.md").read_text("utf-8").partition("| status | codes |")[2].partition("\n\n")[0]
    assert raised == set(re.findall(r"`([a-z]+_[a-z_]+|busy|cancelled|forbidden)`", table))
