"""What the system says of processes that it killed for want of memory."""

from pathlib import Path

from dovetail.hardware.cgroup import out_of_memory_kills


def group(root: Path, membership: str, file: str, content: str) -> int:
    for path, text in (("proc/self/cgroup", membership), (f"sys/fs/cgroup/{file}", content)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return out_of_memory_kills(root / "proc", root / "sys")


def test_kills_are_counted_in_both_versions_of_groups(tmp_path: Path) -> None:
    events = "low 0\noom 4\noom_kill 3\noom_group_kill 0\n"
    assert group(tmp_path / "2", "0::/../outside\n", "memory.events", events) == 3
    control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
    assert group(tmp_path / "1", "4:memory:/\n", "memory/memory.oom_control", control) == 2


def test_where_nothing_counts_there_are_none(tmp_path: Path) -> None:
    assert out_of_memory_kills(tmp_path, tmp_path) == 0
