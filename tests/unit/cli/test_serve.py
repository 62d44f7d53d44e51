"""What `dovetail serve` does before it serves."""

import subprocess
import sys

import pytest

TRIES = """
import resource
from dovetail.cli.serve import more_files
hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4096)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
more_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.accept("H10")
def test_connections_may_be_as_many_as_the_system_lets() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"
