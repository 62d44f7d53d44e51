import json
from pathlib import Path

from dovetail.access.audit import KEPT, Audit


def test_lines_are_added_and_private(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "logs", clock=lambda: 0.0)
    audit.write("login", who="a\nb", address="127.0.0.1", key=None, status=200)
    audit.write("logout", who="é", address="::1")
    path = tmp_path / "logs" / "audit.jsonl"
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"time": "1970-01-01T00:00:00.000+00:00", "who": "a\nb", "from": "127.0.0.1", "what": "login", "status": 200},
        {"time": "1970-01-01T00:00:00.000+00:00", "who": "é", "from": "::1", "what": "logout"},
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_full_files_are_rotated_and_old_ones_go(tmp_path: Path) -> None:
    audit = Audit(tmp_path, most=300)
    for number in range(100):
        audit.write(f"{number}", who="a", address="b")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [*(f"audit.{n}.jsonl" for n in range(1, KEPT + 1)), "audit.jsonl"][: len(files)]
    assert len(files) in {KEPT, KEPT + 1}
    said = [
        json.loads(line)["what"]
        for n in range(KEPT, 0, -1)
        for line in (tmp_path / f"audit.{n}.jsonl").read_text().splitlines()
    ]
    assert said == sorted(said, key=int)


def test_a_line_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    Audit(tmp_path / "logs").write("login", who="a", address="b")
