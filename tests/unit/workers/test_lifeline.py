import subprocess
import sys

import pytest

SAYS = "ulimit -Sc; ulimit -Hc; ulimit -Sn; ulimit -Hn; grep -s NoNewPrivs /proc/self/status"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX's")
def test_what_it_starts_has_less_than_the_gateway() -> None:
    argv = [sys.executable, "-m", "dovetail.workers.lifeline", "sh", "-c", SAYS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        soft_core, hard_core, soft_files, hard_files, *rest = child.stdout.read().split("\n")
        assert child.wait(timeout=30) == 0
    assert (soft_core, hard_core) == ("0", "0")
    assert int(soft_files) <= int(hard_files) <= 4096
    if sys.platform == "linux":
        assert rest[0].split() == ["NoNewPrivs:", "1"]
